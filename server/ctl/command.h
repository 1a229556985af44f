// What a parsed command line is turned into, and where it speaks.
#pragma once

#include <cstdio>
#include <functional>
#include <stop_token>
#include <string>

#include "server/ctl/exit_code.h"

namespace ficus {

// Results go to `out`, everything else to `err`; what is asked for is read from `in`. Streams are
// borrowed.
struct Console {
  std::FILE* in = stdin;
  std::FILE* out = stdout;
  std::FILE* err = stderr;
  bool err_is_terminal = false;
  // Asked for by a command that can end in order when somebody interrupts it; until then an
  // interrupt ends the program as usual.
  std::function<std::stop_token()> interrupts = [] { return std::stop_token(); };
};

using Command = std::function<ExitCode(Console&)>;

// Why a command ends early: the exit code and a sentence that says what, why, and what next.
struct Failure {
  ExitCode code = ExitCode::kFailed;
  std::string message;
};

// Prints "ficusctl: <message>" and returns the code.
ExitCode Fail(const Console& console, const Failure& failure);

}  // namespace ficus
