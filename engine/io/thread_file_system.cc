#include "engine/io/thread_file_system.h"

#include <utility>
#include <vector>

#include "engine/io/io_pool.h"
#include "engine/io/plain_transfer.h"

namespace ficus {
namespace {

constexpr size_t kPoolThreads = 4;

class ThreadFileSystem final : public PosixFileSystem {
 public:
  ThreadFileSystem(std::string_view root, RootedDirectory directory, PosixOptions options)
      : PosixFileSystem("threads", root, std::move(directory), std::move(options)) {}

 private:
  void Run(std::span<Transfer> transfers) override;

  IoPool pool_{kPoolThreads};
};

void ThreadFileSystem::Run(std::span<Transfer> transfers) {
  if (transfers.size() == 1) return RunToEnd(transfers.front(), hook());
  std::vector<Transfer*> ready;
  for (Transfer& transfer : transfers) {
    if (!transfer.finished && transfer.writes_left == 0) ready.push_back(&transfer);
  }
  while (!ready.empty()) {
    pool_.ForEach(ready.size(), [&](size_t i) { RunToEnd(*ready[i], hook()); });
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
