// One read, write or sync on its way through an I/O engine of the operating system.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "engine/io/file_system.h"
#include "engine/io/io_verdict.h"

namespace ficus {

class PosixFile;

// Stands between the retry loop and the kernel; for tests. Is asked before each attempt of an
// operation on `bytes` bytes (0: a sync) and says how many of them the kernel is to be asked for,
// or a negative errno that the kernel is to have answered.
using TransferHook = std::function<int64_t(IoOp op, FileClass file_class, uint64_t bytes)>;

struct Transfer {
  static constexpr size_t kNone = SIZE_MAX;
  // Attempts without progress, on EINTR or EAGAIN, before the error stands.
  static constexpr int kTriesMax = 100;
  // The kernel moves at most 2 GiB - 4 KiB at once.
  static constexpr size_t kBytesMax = size_t{1} << 30;

  IoOp op = IoOp::kRead;  // kRead, kWrite, kSync
  PosixFile* file = nullptr;
  uint64_t offset = 0;
  char* data = nullptr;  // of a write: only read
  size_t size = 0;
  SyncKind kind = SyncKind::kData;

  // A write names the sync that follows it, as an index into the same batch; a sync counts the
  // writes that it waits for. A sync whose write failed is not attempted.
  size_t sync = kNone;
  size_t writes_left = 0;
  bool write_failed = false;

  // Progress.
  size_t done = 0;
  int tries = 0;     // in a row without progress
  int attempts = 0;  // handed to the kernel
  bool finished = false;
  bool at_end = false;      // a read came to the end of the file
  int error_number = 0;     // 0: success
  int64_t finished_at = 0;  // monotonic

  char* rest() const { return data + done; }
  size_t rest_size() const;
  uint64_t rest_offset() const { return offset + done; }

  // What the kernel answered: bytes moved (0 for a sync) or a negative errno. True when nothing is
  // left to be done; false: hand the rest over again.
  bool Advance(int64_t result);
  void Fail(int number);
  // A sync that is not attempted.
  void Cancel();

 private:
  void Finish();
};

// What one attempt is to look like: the hook's answer, or all that is left.
struct Attempt {
  uint32_t bytes = 0;
  int error_number = 0;  // not 0: pretend that the kernel answered this
};
Attempt PlanAttempt(Transfer& transfer, const TransferHook& hook);

// Tells the sync that waits for `write` that it has finished. True when that sync can start: not
// when it was linked, and has failed already.
bool ReleaseSync(std::span<Transfer> transfers, const Transfer& write);

}  // namespace ficus
