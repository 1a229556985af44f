// A control group with little memory, of version 1 or 2, for a process that a test starts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace ficus {

class MemoryGroup {
 public:
  // The error says what this machine does not permit. Groups that dead tests left are removed.
  static Result<std::unique_ptr<MemoryGroup>> Create(uint64_t bytes);
  // Nobody is in it any more.
  ~MemoryGroup();
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  // In front of a command: it runs in the group from its beginning.
  std::vector<std::string> Prefix() const;
  // Processes that the kernel killed for want of memory here.
  uint64_t Kills() const;
  // The most bytes that were in use at once; 0 where the kernel does not tell.
  uint64_t Peak() const;
  const std::string& path() const { return path_; }

 private:
  MemoryGroup(std::string path, bool second) : path_(std::move(path)), second_(second) {}

  const std::string path_;
  const bool second_;  // of version 2
};

}  // namespace ficus
