#include "engine/io/transfer.h"

#include <algorithm>
#include <cerrno>

#include "engine/base/clock.h"
#include "engine/io/posix_file.h"

namespace ficus {

size_t Transfer::rest_size() const { return std::min(size - done, kBytesMax); }

bool Transfer::Advance(int64_t result) {
  if (result == -EINTR || result == -EAGAIN) {
    if (++tries >= kTriesMax) Fail(static_cast<int>(-result));
    return finished;
  }
  if (result < 0) {
    Fail(static_cast<int>(-result));
    return true;
  }
  tries = 0;
  done += static_cast<size_t>(result);
  if (done >= size) {
    Finish();
  } else if (result == 0) {
    at_end = op == IoOp::kRead;
    Fail(EIO);  // a write that moves nothing would go on for ever
  }
  return finished;
}

void Transfer::Fail(int number) {
  error_number = number;
  Finish();
}

void Transfer::Cancel() { Fail(ECANCELED); }

void Transfer::Finish() {
  finished = true;
  finished_at = SystemClock().Monotonic();
}

Attempt PlanAttempt(Transfer& transfer, const TransferHook& hook) {
  ++transfer.attempts;
  const size_t bytes = transfer.rest_size();
  if (!hook) return {.bytes = static_cast<uint32_t>(bytes)};
  const int64_t answer = hook(transfer.op, transfer.file->file_class(), bytes);
  if (answer < 0) {
    return {.bytes = static_cast<uint32_t>(bytes), .error_number = static_cast<int>(-answer)};
  }
  return {.bytes = static_cast<uint32_t>(std::min<uint64_t>(bytes, static_cast<uint64_t>(answer)))};
}

bool ReleaseSync(std::span<Transfer> transfers, const Transfer& write) {
  if (write.sync == Transfer::kNone) return false;
  Transfer& sync = transfers[write.sync];
  sync.write_failed = sync.write_failed || write.error_number != 0;
  if (--sync.writes_left > 0 || sync.finished) return false;
  if (sync.write_failed) sync.Cancel();
  return !sync.write_failed;
}

}  // namespace ficus
