#include "engine/io/rooted_directory.h"

#include <cerrno>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <utility>

#include <fcntl.h>

#include "engine/io/file_system.h"
#include "engine/io/io_error.h"

namespace ficus {
namespace {

constexpr int kTriesMax = 100;

// 0 and `file`, or the errno.
int Take(int number, FileDescriptor& file) {
  if (number < 0) return errno;
  file = FileDescriptor(number);
  return 0;
}

int OpenAt(int directory, const std::string& name, int flags, mode_t mode, FileDescriptor& file) {
  int error_number = EINTR;
  for (int i = 0; i < kTriesMax && error_number == EINTR; ++i) {
    error_number = Take(::openat(directory, name.c_str(), flags, mode), file);
  }
  return error_number;
}

int OpenBeneath(int directory, const std::string& path, int flags, mode_t mode,
                FileDescriptor& file) {
  open_how how{};
  how.flags = static_cast<__u64>(flags);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int error_number = EAGAIN;
  // EAGAIN: something was renamed while the kernel looked.
  for (int i = 0; i < kTriesMax && (error_number == EAGAIN || error_number == EINTR); ++i) {
    const long number = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
    error_number = Take(static_cast<int>(number), file);
  }
  return error_number;
}

constexpr int kNameFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;

}  // namespace

Result<RootedDirectory> RootedDirectory::Open(std::string_view root, Resolution resolution) {
  FileDescriptor directory;
  const std::string path(root);
  const int error_number =
      Take(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), directory);
  if (error_number != 0) return IoError(IoOp::kOpen, root, error_number);
  FileDescriptor probe;
  if (resolution == Resolution::kKernel &&
      OpenBeneath(directory.number(), ".", kNameFlags, 0, probe) != 0) {
    resolution = Resolution::kComponents;
  }
  return RootedDirectory(std::move(directory), resolution);
}

int RootedDirectory::OpenFile(std::string_view path, int flags, mode_t mode,
                              FileDescriptor& file) const {
  return OpenBelow(path, flags | O_CLOEXEC, mode, file);
}

int RootedDirectory::OpenDirectory(std::string_view path, FileDescriptor& directory) const {
  return OpenBelow(path.empty() ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, directory);
}

int RootedDirectory::OpenParent(std::string_view path, FileDescriptor& parent) const {
  const std::string_view directory = ParentPath(path);
  return OpenBelow(directory.empty() ? "." : directory, kNameFlags, 0, parent);
}

int RootedDirectory::OpenBelow(std::string_view path, int flags, mode_t mode,
                               FileDescriptor& file) const {
  if (resolution_ == Resolution::kKernel) {
    return OpenBeneath(root_.number(), std::string(path), flags, mode, file);
  }
  return OpenByComponents(path, flags, mode, file);
}

int RootedDirectory::OpenByComponents(std::string_view path, int flags, mode_t mode,
                                      FileDescriptor& file) const {
  FileDescriptor directory;
  int at = root_.number();
  for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    FileDescriptor next;
    const int error_number =
        OpenAt(at, std::string(path.substr(0, slash)), kNameFlags | O_NOFOLLOW, 0, next);
    if (error_number != 0) return error_number;
    directory = std::move(next);
    at = directory.number();
    path.remove_prefix(slash + 1);
  }
  return OpenAt(at, std::string(path), flags | O_NOFOLLOW, mode, file);
}

}  // namespace ficus
