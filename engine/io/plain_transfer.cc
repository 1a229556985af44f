#include "engine/io/plain_transfer.h"

#include <cerrno>

#include <unistd.h>

#include "engine/io/posix_file.h"

namespace ficus {
namespace {

int64_t CallKernel(const Transfer& transfer, size_t bytes) {
  const int file = transfer.file->descriptor();
  const auto offset = static_cast<off_t>(transfer.rest_offset());
  switch (transfer.op) {
    case IoOp::kRead:
      return ::pread(file, transfer.rest(), bytes, offset);
    case IoOp::kWrite:
      return ::pwrite(file, transfer.rest(), bytes, offset);
    default:
      return transfer.kind == SyncKind::kData ? ::fdatasync(file) : ::fsync(file);
  }
}

}  // namespace

void RunToEnd(Transfer& transfer, const TransferHook& hook) {
  while (!transfer.finished) {
    const Attempt attempt = PlanAttempt(transfer, hook);
    int64_t result = -attempt.error_number;
    if (result == 0) {
      result = CallKernel(transfer, attempt.bytes);
      if (result < 0) result = -errno;
    }
    transfer.Advance(result);
  }
}

void RunOneByOne(std::span<Transfer> transfers, const TransferHook& hook) {
  for (Transfer& transfer : transfers) {
    if (transfer.finished || transfer.writes_left > 0) continue;
    RunToEnd(transfer, hook);
    if (ReleaseSync(transfers, transfer)) RunToEnd(transfers[transfer.sync], hook);
  }
}

}  // namespace ficus
