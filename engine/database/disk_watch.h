// Decides from the state of the disk whether the node takes writes, and keeps a ballast for the way
// out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// The node goes read-only when the disk is fuller than a mark, or when a write found no space; then
// the ballast is freed, so that flushes, manifests and deletes still work. It takes writes again
// when there is room for the ballast and the disk is clearly below the mark.
//
// Check() from one thread at a time; the others from any.
class DiskWatch {
 public:
  struct Options {
    uint32_t read_only_percent = 95;
    // The disk must be this much below the mark before writes are taken again.
    uint32_t hysteresis_percent = 5;
    uint64_t ballast_bytes = 64 << 20;
  };

  DiskWatch(FileSystem& fs, FileSystem& log_fs, Options options)
      : fs_(fs), log_fs_(log_fs), options_(options) {}

  // Creates the ballast where it is missing. No space for it: read-only from the start.
  void Start();
  // Looks at the disks and changes the state if need be.
  void Check();
  // An operation found no space.
  void ReportNoSpace(const Error& error);

  // How many bytes a merge may write and the node still takes writes, with another one beside it.
  uint64_t MergeRoom() const;

  // Why the node is read-only; no value when it is not.
  std::optional<std::string> Reason() const;

 private:
  std::optional<std::string> FullDisk(FileSystem& fs, uint32_t percent,
                                      uint64_t reserved_bytes) const;
  Result<> CreateBallast();
  void FreeBallast();
  void Enter(const std::string& reason);

  FileSystem& fs_;
  FileSystem& log_fs_;
  const Options options_;

  mutable Mutex mutex_;
  std::optional<std::string> reason_ GUARDED_BY(mutex_);
};

}  // namespace ficus
