// The files a configuration is read from, as an interface, so that a test or a fuzzer stays away
// from the disk.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"

namespace ficus {

// All members: any thread.
class ConfigFiles {
 public:
  virtual ~ConfigFiles() = default;

  // The bytes of a regular file. kNotFound, kIo with the system's reason, or kResourceExhausted
  // when it holds more than `bytes_max`.
  virtual Result<std::string> Read(const std::string& path, size_t bytes_max) const = 0;

  // The names in a folder, sorted. kNotFound when there is no such folder, or kIo.
  virtual Result<std::vector<std::string>> List(const std::string& path) const = 0;
};

class DiskConfigFiles final : public ConfigFiles {
 public:
  Result<std::string> Read(const std::string& path, size_t bytes_max) const override;
  Result<std::vector<std::string>> List(const std::string& path) const override;
};

// Files by their whole path; folders are what stands before the last slash.
class MemoryConfigFiles final : public ConfigFiles {
 public:
  explicit MemoryConfigFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}
  Result<std::string> Read(const std::string& path, size_t bytes_max) const override;
  Result<std::vector<std::string>> List(const std::string& path) const override;

 private:
  const std::map<std::string, std::string> files_;
};

}  // namespace ficus
