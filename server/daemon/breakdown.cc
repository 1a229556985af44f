#include "server/daemon/breakdown.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <sys/prctl.h>
#include <utility>

#include <absl/debugging/symbolize.h>
#include <execinfo.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

namespace ficus {
namespace {

constexpr int kFramesMax = 64;

// Without memory of its own; what does not fit is left out.
template <typename... Values>
void Say(fmt::format_string<Values...> format, Values&&... values) {
  std::array<char, 512> line{};
  const auto end =
      fmt::format_to_n(line.data(), line.size(), format, std::forward<Values>(values)...);
  [[maybe_unused]] const ssize_t written =
      ::write(STDERR_FILENO, line.data(), std::min(end.size, line.size()));
}

void Report(int number) {
  std::array<char, 16> thread{};
  ::prctl(PR_GET_NAME, thread.data());
  Say("ficusd breaks down: SIG{} in thread {}\n", ::sigabbrev_np(number), thread.data());
  std::array<void*, kFramesMax> frames{};
  const int count = ::backtrace(frames.data(), kFramesMax);
  for (int i = 0; i < count; ++i) {
    std::array<char, 256> name{};
    // A frame is where its call returns to, which may be the next function.
    const void* const call = static_cast<const char*>(frames[i]) - 1;
    const bool known = absl::Symbolize(call, name.data(), name.size());
    Say("  {} {}\n", frames[i], known ? name.data() : "?");
  }
}

// The handler is gone by then (SA_RESETHAND), so that the signal ends the process.
void BreakDown(int number) {
  Report(number);
  ::raise(number);
}

}  // namespace

void ReportBreakdowns(const char* program) {
  absl::InitializeSymbolizer(program);
  // The first call loads what it needs, which a handler must not.
  std::array<void*, 1> frame{};
  ::backtrace(frame.data(), 1);
  struct sigaction action {};
  action.sa_handler = BreakDown;
  action.sa_flags = SA_RESETHAND;
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE}) {
    ::sigaction(number, &action, nullptr);
  }
}

}  // namespace ficus
