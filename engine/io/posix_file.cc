#include "engine/io/posix_file.h"

#include <cerrno>
#include <limits>
#include <sys/stat.h>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "engine/io/io_error.h"
#include "engine/io/posix_file_system.h"

namespace ficus {
namespace {

constexpr uint64_t kOffsetMax = std::numeric_limits<off_t>::max();

// Repeats a system call that a signal interrupted; 0 or its errno.
template <typename Call>
int Repeat(Call call) {
  int error_number = EINTR;
  for (int i = 0; i < Transfer::kTriesMax && error_number == EINTR; ++i) {
    error_number = call() == 0 ? 0 : errno;
  }
  return error_number;
}

// For file systems that cannot reserve space: only the size grows.
int GrowTo(int descriptor, uint64_t end) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return errno;
  if (static_cast<uint64_t>(status.st_size) >= end) return 0;
  return Repeat([&] { return ::ftruncate(descriptor, static_cast<off_t>(end)); });
}

}  // namespace

PosixFile::PosixFile(PosixFileSystem& fs, FileDescriptor descriptor, std::string_view path,
                     OpenOptions options)
    : fs_(fs),
      descriptor_(std::move(descriptor)),
      path_(path),
      options_(options),
      space_(options.mode == OpenMode::kCreate ? FileSpace::kUnreserved : FileSpace::kReserved) {}

Result<> PosixFile::Done(IoOp op, int error_number) const {
  if (error_number == 0) return Ok();
  return EnforceVerdict(op, IoError(op, path_, error_number), options_.file_class, space_);
}

Result<> PosixFile::ReadAt(uint64_t offset, std::span<char> out) {
  return fs_.RunOne(
      {.op = IoOp::kRead, .file = this, .offset = offset, .data = out.data(), .size = out.size()});
}

Result<> PosixFile::WriteAt(uint64_t offset, std::string_view data) {
  return fs_.RunOne({.op = IoOp::kWrite,
                     .file = this,
                     .offset = offset,
                     .data = const_cast<char*>(data.data()),
                     .size = data.size()});
}

Result<> PosixFile::Sync(SyncKind kind) {
  return fs_.RunOne({.op = IoOp::kSync, .file = this, .kind = kind});
}

Result<> PosixFile::Allocate(uint64_t offset, uint64_t bytes) {
  if (bytes == 0) return Ok();
  if (offset > kOffsetMax - bytes) return Done(IoOp::kAllocate, EFBIG);
  int error_number = Repeat([&] {
    return ::fallocate(descriptor(), 0, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  });
  if (error_number == EOPNOTSUPP) error_number = GrowTo(descriptor(), offset + bytes);
  if (error_number == 0) space_ = FileSpace::kReserved;
  return Done(IoOp::kAllocate, error_number);
}

Result<> PosixFile::Truncate(uint64_t bytes) {
  if (bytes > kOffsetMax) return Done(IoOp::kTruncate, EINVAL);
  return Done(IoOp::kTruncate,
              Repeat([&] { return ::ftruncate(descriptor(), static_cast<off_t>(bytes)); }));
}

Result<uint64_t> PosixFile::Size() {
  struct stat status {};
  if (::fstat(descriptor(), &status) != 0) return Done(IoOp::kStatus, errno).error();
  return static_cast<uint64_t>(status.st_size);
}

Result<> PosixFile::DropCache() {
  return Done(IoOp::kRead, ::posix_fadvise(descriptor(), 0, 0, POSIX_FADV_DONTNEED));
}

}  // namespace ficus
