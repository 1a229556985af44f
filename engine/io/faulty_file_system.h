// Wraps a file system and makes chosen operations fail.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/file_system.h"
#include "engine/io/io_verdict.h"

namespace ficus {

// Matches operations; the first matching rule that is due acts. Unset fields match everything.
struct FaultRule {
  std::optional<IoOp> op;
  std::optional<FileClass> file_class;
  std::string path_contains;
  uint64_t skip = 0;     // matching operations to let pass first
  uint64_t times = 1;    // how often it acts; UINT64_MAX: for ever
  int error_number = 5;  // errno to fail with; 0: none
  bool short_transfer =
      false;  // half of the bytes are transferred, the rest by the implementation's own retry
  bool stall = false;  // the operation waits until Release()
};

class FaultyFileSystem : public FileSystem {
 public:
  static std::unique_ptr<FaultyFileSystem> Create(FileSystem& inner);

  virtual void AddRule(FaultRule rule) = 0;
  virtual void ClearRules() = 0;
  // Lets stalled operations go on.
  virtual void Release() = 0;
  // Operations seen, and faults that were really raised.
  virtual uint64_t operations() const = 0;
  virtual uint64_t faults() const = 0;
};

}  // namespace ficus
