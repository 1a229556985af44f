#include "server/remote/file_stamps.h"

#include <cerrno>
#include <sys/stat.h>
#include <utility>

#include <fcntl.h>
#include <fmt/core.h>

#include "engine/io/file_descriptor.h"
#include "engine/io/io_error.h"
#include "engine/io/io_verdict.h"
#include "engine/io/rooted_directory.h"

namespace ficus {
namespace {

// A name above the path is missing, no folder, or a symbolic link: nothing of ours lies there.
bool MeansNothingThere(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP;
}

FileStamp StampOf(const struct stat& status) {
  FileStamp stamp;
  if (S_ISDIR(status.st_mode)) {
    stamp.kind = FileStamp::Kind::kFolder;
  } else if (!S_ISREG(status.st_mode)) {
    stamp.kind = FileStamp::Kind::kForeign;
  } else {
    stamp.size_bytes = static_cast<uint64_t>(status.st_size);
    stamp.etag = fmt::format("{:x}-{:x}.{:x}-{:x}", status.st_ino, status.st_mtim.tv_sec,
                             status.st_mtim.tv_nsec, stamp.size_bytes);
  }
  return stamp;
}

class PosixStamps final : public FileStamps {
 public:
  PosixStamps(RootedDirectory directory, const Clock& clock, RandomSource& random)
      : directory_(std::move(directory)), clock_(clock), random_(random) {}

  Result<std::optional<FileStamp>> Look(std::string_view path) override {
    RETURN_IF_ERROR(CheckRelativePath(path));
    FileDescriptor parent;
    struct stat status {};
    int error_number = directory_.OpenParent(path, parent);
    if (error_number == 0) {
      const std::string name(BaseName(path));
      const int result = ::fstatat(parent.number(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW);
      error_number = result == 0 ? 0 : errno;
    }
    if (MeansNothingThere(error_number)) return std::optional<FileStamp>();
    if (error_number != 0) return IoError(IoOp::kStatus, path, error_number);
    return std::optional<FileStamp>(StampOf(status));
  }

  Result<> Mark(std::string_view path) override {
    RETURN_IF_ERROR(CheckRelativePath(path));
    FileDescriptor parent;
    int error_number = directory_.OpenParent(path, parent);
    if (error_number == 0) {
      const std::string name(BaseName(path));
      const timespec time{.tv_sec = clock_.Now() / kNanosPerSecond,
                          .tv_nsec = static_cast<long>(random_.Next() % kNanosPerSecond)};
      const timespec times[] = {time, time};
      const int result = ::utimensat(parent.number(), name.c_str(), times, AT_SYMLINK_NOFOLLOW);
      error_number = result == 0 ? 0 : errno;
    }
    if (error_number != 0) return IoError(IoOp::kWrite, path, error_number);
    return Ok();
  }

 private:
  const RootedDirectory directory_;
  const Clock& clock_;
  RandomSource& random_;
};

class InodeStamps final : public FileStamps {
 public:
  explicit InodeStamps(FileSystem& fs) : fs_(fs) {}

  Result<std::optional<FileStamp>> Look(std::string_view path) override {
    const Result<FileStatus> status = fs_.Status(path);
    if (!status) {
      if (status.error().code == ErrorCode::kNotFound || IsBelowAFile(path)) {
        return std::optional<FileStamp>();
      }
      return status.error();
    }
    FileStamp stamp;
    if (status->is_directory) {
      stamp.kind = FileStamp::Kind::kFolder;
    } else {
      stamp.size_bytes = status->size_bytes;
      stamp.etag = fmt::format("{:x}-{:x}", status->inode, status->size_bytes);
    }
    return std::optional<FileStamp>(std::move(stamp));
  }

  Result<> Mark(std::string_view) override { return Ok(); }

 private:
  bool IsBelowAFile(std::string_view path) {
    for (path = ParentPath(path); !path.empty(); path = ParentPath(path)) {
      const Result<FileStatus> status = fs_.Status(path);
      if (status.has_value()) return !status->is_directory;
    }
    return false;
  }

  FileSystem& fs_;
};

}  // namespace

Result<std::unique_ptr<FileStamps>> OpenFileStamps(std::string_view root, const Clock& clock,
                                                   RandomSource& random) {
  ASSIGN_OR_RETURN(RootedDirectory directory,
                   RootedDirectory::Open(root, RootedDirectory::Resolution::kKernel));
  return std::unique_ptr<FileStamps>(
      std::make_unique<PosixStamps>(std::move(directory), clock, random));
}

std::unique_ptr<FileStamps> StampsByInode(FileSystem& fs) {
  return std::make_unique<InodeStamps>(fs);
}

}  // namespace ficus
