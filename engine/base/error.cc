#include "engine/base/error.h"

#include <utility>

#include "engine/base/check.h"

namespace ficus {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid argument";
    case ErrorCode::kFailedPrecondition:
      return "failed precondition";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kAlreadyExists:
      return "already exists";
    case ErrorCode::kPermissionDenied:
      return "permission denied";
    case ErrorCode::kCorruption:
      return "corruption";
    case ErrorCode::kUnsupportedVersion:
      return "unsupported version";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kNoSpace:
      return "no space";
    case ErrorCode::kReadOnly:
      return "read only";
    case ErrorCode::kResourceExhausted:
      return "resource exhausted";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kDeadlineExceeded:
      return "deadline exceeded";
    case ErrorCode::kUnimplemented:
      return "unimplemented";
    case ErrorCode::kUnknown:
      return "unknown";
  }
  CHECK(false) << "error code " << static_cast<int>(code);
  return {};
}

Error Error::With(std::string_view context) const& { return Error(*this).With(context); }

Error Error::With(std::string_view context) && {
  message.insert(0, ": ");
  message.insert(0, context);
  return std::move(*this);
}

std::string Error::ToString() const {
  std::string text(ErrorCodeName(code));
  text += ": ";
  text += message;
  return text;
}

}  // namespace ficus
