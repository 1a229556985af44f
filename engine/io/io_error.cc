#include "engine/io/io_error.h"

#include <cerrno>
#include <cstring>
#include <string>

namespace ficus {
namespace {

ErrorCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorCode::kNoSpace;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EINTR:
    case EAGAIN:
      return ErrorCode::kResourceExhausted;
    case ENOENT:
      return ErrorCode::kNotFound;
    case EEXIST:
      return ErrorCode::kAlreadyExists;
    case ENOTEMPTY:
      return ErrorCode::kFailedPrecondition;
    case ECANCELED:
      return ErrorCode::kCancelled;
    default:
      return ErrorCode::kIo;
  }
}

std::string Subject(IoOp op, std::string_view path) {
  return std::string(IoOpName(op)) + " " + (path.empty() ? "/" : std::string(path)) + ": ";
}

}  // namespace

Error IoError(IoOp op, std::string_view path, int error_number) {
  const char* text = strerrordesc_np(error_number);
  return {CodeOf(error_number),
          Subject(op, path) +
              (text != nullptr ? std::string(text) : "errno " + std::to_string(error_number))};
}

Error EndOfFileError(std::string_view path, uint64_t size_bytes) {
  return {ErrorCode::kIo,
          Subject(IoOp::kRead, path) + "end of file at " + std::to_string(size_bytes)};
}

Error SyncCancelledError(std::string_view path) {
  return {ErrorCode::kCancelled, Subject(IoOp::kSync, path) + "a write before it failed"};
}

Error LockHeldError(std::string_view path) {
  return {ErrorCode::kUnavailable, Subject(IoOp::kLock, path) + "held by someone else"};
}

}  // namespace ficus
