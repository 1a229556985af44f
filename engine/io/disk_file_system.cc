#include "engine/io/disk_file_system.h"

#include <utility>

#include "engine/base/log.h"
#include "engine/io/thread_file_system.h"
#include "engine/io/uring_file_system.h"
#include "engine/io/uring_probe.h"

namespace ficus {
namespace {

Result<std::unique_ptr<FileSystem>> OpenThreads(std::string_view root, const DiskOptions& options,
                                                std::string_view reason) {
  return OpenThreadFileSystem(root, {.metrics = options.metrics, .reason = std::string(reason)});
}

Result<std::unique_ptr<FileSystem>> OpenUring(std::string_view root, const DiskOptions& options,
                                              std::string_view reason) {
  if (const std::string refusal = UringRefusal(); !refusal.empty()) {
    return Error{ErrorCode::kUnavailable, "io_uring: " + refusal};
  }
  return OpenUringFileSystem(root,
                             {.posix = {.metrics = options.metrics, .reason = std::string(reason)},
                              .queue_depth = options.queue_depth});
}

}  // namespace

Result<std::unique_ptr<FileSystem>> OpenDiskFileSystem(std::string_view root, DiskOptions options) {
  switch (options.engine) {
    case IoEngine::kThreads:
      return OpenThreads(root, options, "configured");
    case IoEngine::kUring:
      return OpenUring(root, options, "configured");
    case IoEngine::kAuto:
      break;
  }
  auto uring = OpenUring(root, options, "available");
  if (uring || uring.error().code != ErrorCode::kUnavailable) return uring;
  const std::string& why = uring.error().message;
  LogWarn("io.fallback", "the disk is used through threads: {}", why);
  return OpenThreads(root, options, why);
}

std::string UringRefusal() {
  static const std::string refusal = ProbeUring();
  return refusal;
}

}  // namespace ficus
