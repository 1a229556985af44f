// What ficusctl's exit codes mean; scripts rely on them.
#pragma once

#include "engine/base/error.h"

namespace ficus {

enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kDamage = 4,  // verification found damage
  kBusy = 5,    // another process holds the root
  kNotFound = 6,
  kRefused = 9,  // refused for safety: needs --yes
};

// The code for an error that a command ends with.
inline ExitCode ExitCodeOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return ExitCode::kUsage;
    case ErrorCode::kCorruption:
      return ExitCode::kDamage;
    case ErrorCode::kUnavailable:
      return ExitCode::kBusy;
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kFailedPrecondition:
      return ExitCode::kRefused;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace ficus
