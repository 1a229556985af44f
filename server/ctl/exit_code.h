// What ficusctl's exit codes mean; scripts rely on them.
#pragma once

#include "engine/base/error.h"

namespace ficus {

enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kPartly = 3,  // the list is on standard error and in the JSON
  kDamage = 4,  // verification found damage
  kBusy = 5,    // another process holds the root, another run the destination
  kNotFound = 6,
  kUnreachable = 7,  // no node answers, or it does not serve
  kNotAllowed = 8,
  kRefused = 9,  // refused for safety: needs --yes
  kConfiguration = 78,
  kInterrupted = 130,  // by SIGINT; the program itself ends with 143 after SIGTERM
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
