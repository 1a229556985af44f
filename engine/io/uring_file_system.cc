#include "engine/io/uring_file_system.h"

#include <utility>

#include "engine/io/plain_transfer.h"
#include "engine/io/registered_chunks.h"

namespace ficus {
namespace {

class UringFileSystem final : public PosixFileSystem {
 public:
  UringFileSystem(std::string_view root, RootedDirectory directory, PosixOptions options,
                  std::shared_ptr<RingPool> rings)
      : PosixFileSystem("io_uring", root, std::move(directory), std::move(options)),
        rings_(std::move(rings)) {}

  WriteChunk TakeChunk(size_t bytes) override {
    if (bytes == RegisteredChunks::kBytes) {
      if (auto chunk = chunks_.Take(); chunk.has_value()) return *std::move(chunk);
    }
    return WriteChunk(AlignedBuffer(bytes));
  }

 private:
  void Run(std::span<Transfer> transfers) override {
    const bool has_ring =
        rings_->With([&](UringRing& ring) { ring.Run(transfers, hook(), chunks_); });
    if (!has_ring) RunOneByOne(transfers, hook());
  }

  // The rings go first: they hold the chunks pinned.
  RegisteredChunks chunks_;
  const std::shared_ptr<RingPool> rings_;
};

}  // namespace

Result<std::unique_ptr<FileSystem>> OpenUringFileSystem(std::string_view root,
                                                        UringOptions options) {
  ASSIGN_OR_RETURN(auto directory, RootedDirectory::Open(root, options.posix.resolution));
  ASSIGN_OR_RETURN(auto rings, RingPool::Create(options.queue_depth, options.rings_max));
  return std::unique_ptr<FileSystem>(std::make_unique<UringFileSystem>(
      root, std::move(directory), std::move(options.posix), std::move(rings)));
}

}  // namespace ficus
