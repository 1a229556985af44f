#include "engine/io/thread_file_system.h"

#include <cerrno>
#include <utility>
#include <vector>

#include <unistd.h>

#include "engine/io/io_pool.h"

namespace ficus {
namespace {

constexpr size_t kPoolThreads = 4;

class ThreadFileSystem final : public PosixFileSystem {
 public:
  ThreadFileSystem(std::string_view root, RootedDirectory directory, PosixOptions options)
      : PosixFileSystem("threads", root, std::move(directory), std::move(options)) {}

 private:
  void Run(std::span<Transfer> transfers) override;
  void RunToEnd(Transfer& transfer) const;

  IoPool pool_{kPoolThreads};
};

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

void ThreadFileSystem::RunToEnd(Transfer& transfer) const {
  while (!transfer.finished) {
    const Attempt attempt = PlanAttempt(transfer, hook());
    int64_t result = -attempt.error_number;
    if (result == 0) {
      result = CallKernel(transfer, attempt.bytes);
      if (result < 0) result = -errno;
    }
    transfer.Advance(result);
  }
}

void ThreadFileSystem::Run(std::span<Transfer> transfers) {
  if (transfers.size() == 1) return RunToEnd(transfers.front());
  std::vector<Transfer*> ready;
  for (Transfer& transfer : transfers) {
    if (!transfer.finished && transfer.writes_left == 0) ready.push_back(&transfer);
  }
  while (!ready.empty()) {
    pool_.ForEach(ready.size(), [&](size_t i) { RunToEnd(*ready[i]); });
    std::vector<Transfer*> next;
    for (const Transfer* transfer : ready) {
      if (ReleaseSync(transfers, *transfer)) next.push_back(&transfers[transfer->sync]);
    }
    ready = std::move(next);
  }
}

}  // namespace

Result<std::unique_ptr<FileSystem>> OpenThreadFileSystem(std::string_view root,
                                                         PosixOptions options) {
  ASSIGN_OR_RETURN(auto directory, RootedDirectory::Open(root, options.resolution));
  return std::unique_ptr<FileSystem>(
      std::make_unique<ThreadFileSystem>(root, std::move(directory), std::move(options)));
}

}  // namespace ficus
