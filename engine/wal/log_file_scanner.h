// Reads one log file from front to back, as far as it is intact, and looks at what comes after.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/wal/log_format.h"

namespace ficus {

// One thread. `file` outlives it and does not change.
class LogFileScanner {
 public:
  // `size` bytes of `file` are looked at; `header` is the decoded header of the file.
  LogFileScanner(File& file, uint64_t size, const LogFileHeader& header);

  struct Batch {
    LogPosition position;
    Scn scn;
    std::string_view payload;  // valid until the next call
    uint64_t offset = 0;       // where it begins
  };

  // The next batch, or none where the intact part ends. kCorruption: intact fragments in an order
  // that no writer makes. kUnsupportedVersion: a kind of fragment this build must not skip.
  Result<std::optional<Batch>> Next();

  // Of the batches read so far. Before the first: what the header says.
  LogPosition last() const { return last_; }
  Scn scn() const { return scn_; }
  uint64_t batches() const { return batches_; }
  // Where the last of them ends, and the checksum the chain has there.
  uint64_t intact_end() const { return intact_end_; }
  uint32_t intact_chain() const { return intact_chain_; }

  // Behind the last intact fragment, which may be a piece of a batch whose rest is not there.
  uint64_t stop_offset() const { return offset_; }

  // What lies behind stop_offset().
  struct Tail {
    uint64_t used_end = 0;       // behind the last byte that is not zero, if any is not
    uint64_t resume_offset = 0;  // first intact fragment; 0: none
    LogPosition synced;          // highest position that a fragment there calls durable
    LogPosition highest;         // highest position of a fragment there
  };
  // After Next() gave none. Costs a look at each byte of the rest.
  Result<Tail> InspectTail();

 private:
  static constexpr size_t kWindowBytes = 1 << 20;
  static_assert(kWindowBytes % kLogBlockBytes == 0);

  // The bytes from `offset` to the end of its block or of the file.
  Result<std::string_view> BlockFrom(uint64_t offset);
  // The fragment at `offset`, if it is intact and follows the last one read.
  Result<std::optional<Fragment>> Follower(uint64_t offset);
  Result<std::optional<Fragment>> NextFragment();
  Result<> Accept(const Fragment& fragment);
  Result<> Begin(const Fragment& fragment);
  void Complete();
  void InspectBlock(uint64_t offset, std::string_view block, Tail& tail) const;
  Error Disorder(std::string_view what) const;

  File& file_;
  const uint64_t size_;
  const LogFileHeader header_;

  std::string window_;
  uint64_t window_offset_ = 0;

  uint64_t offset_ = kLogHeaderBytes;  // behind the last fragment read
  uint64_t fragment_offset_ = 0;       // where that began
  uint32_t chain_;
  bool inside_batch_ = false;
  bool complete_ = false;
  Batch batch_;
  std::string assembled_;

  LogPosition last_;
  Scn scn_;
  uint64_t batches_ = 0;
  uint64_t intact_end_ = kLogHeaderBytes;
  uint32_t intact_chain_;
};

}  // namespace ficus
