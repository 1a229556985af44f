#include "server/ctl/command.h"

#include <fmt/core.h>

namespace ficus {

ExitCode Fail(const Console& console, const Failure& failure) {
  fmt::print(console.err, "ficusctl: {}\n", failure.message);
  return failure.code;
}

}  // namespace ficus
