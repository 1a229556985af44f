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
//
// Only operations on files, Rename and SyncDirectory have a class. A path that two names take part
// in reads "from to to". A failed sync over a MemoryFileSystem leaves the unsynced pieces pending
// for ever. EINTR and EAGAIN are raised and repeated, as a file does, until the rule is used up or
// the patience is.
struct FaultRule {
  std::optional<IoOp> op = {};
  std::optional<FileClass> file_class = {};
  std::string path_contains = {};
  uint64_t skip = 0;     // matching operations to let pass first
  uint64_t times = 1;    // how often it acts; UINT64_MAX: for ever
  int error_number = 5;  // errno to fail with; 0: none
  // Half of the bytes of a read or write are transferred; the rest follows when there is no
  // error_number, else it fails there.
  bool short_transfer = false;
  bool stall = false;  // the operation waits until Release()
  // The process is killed in place of the operation; with short_transfer behind half of a write.
  bool kill = false;
};

// Errors that it raises are enforced like real ones: what loses durability stops the process. While
// there are rules, a batch is written first and synced then, file by file. Outlived by the system
// that it wraps; destroyed with no operation stalled.
class FaultyFileSystem : public FileSystem {
 public:
  static std::unique_ptr<FaultyFileSystem> Create(FileSystem& inner);
  // The same, and owns it.
  static std::unique_ptr<FaultyFileSystem> Create(std::unique_ptr<FileSystem> inner);

  virtual void AddRule(FaultRule rule) = 0;
  virtual void ClearRules() = 0;
  // Lets stalled operations go on.
  virtual void Release() = 0;
  // Operations that wait for Release().
  virtual size_t stalled() const = 0;
  // Operations seen, and faults that were really raised.
  virtual uint64_t operations() const = 0;
  virtual uint64_t faults() const = 0;
};

}  // namespace ficus
