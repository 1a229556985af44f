// What a failed operation hands back: a code that says what the caller can do, and a message for
// people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ficus {

enum class ErrorCode : uint8_t {
  kInvalidArgument,     // the request is wrong; repeating it is pointless
  kFailedPrecondition,  // the request is fine but not in this state
  kNotFound,
  kAlreadyExists,
  kPermissionDenied,    // refused by a rule
  kCorruption,          // bytes on disk or wire break their format or checksum
  kUnsupportedVersion,  // a version or feature bit this build does not know
  kIo,                  // the operating system refused an operation
  kNoSpace,             // no space, no inode, over quota
  kReadOnly,            // the node does not take writes at present
  kResourceExhausted,   // a bound is reached; try later
  kUnavailable,         // closing, not open yet, or the other side is away
  kCancelled,
  kDeadlineExceeded,
  kUnimplemented,
  kUnknown,  // an answer whose text, not its code, is the contract
};

inline constexpr int kErrorCodeCount = static_cast<int>(ErrorCode::kUnknown) + 1;

// "corruption", "no space", ...: the words used in log lines and by the tools.
std::string_view ErrorCodeName(ErrorCode code);

// Always an error: success is the other side of Result<T>.
struct Error {
  ErrorCode code;
  std::string message;

  // A copy whose message reads "<context>: <message>". `context` is "verb object", for example
  // "open part 2a".
  Error With(std::string_view context) const&;
  Error With(std::string_view context) &&;

  // "corruption: open part 2a: footer checksum mismatch"
  std::string ToString() const;

  friend bool operator==(const Error&, const Error&) = default;
};

}  // namespace ficus
