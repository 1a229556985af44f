#include "engine/runtime/thread_priority.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <unistd.h>

#include "engine/base/log.h"

namespace ficus {
namespace {

constexpr int kNice = 10;
// ioprio_set(2). Its header is no C++ in every Debian 12.
constexpr int kWhoProcess = 1;
constexpr int kBestEffort = 2;
constexpr int kLowest = 7;
constexpr int kClassShift = 13;

}  // namespace

void StayInBackground() {
  // To Linux a thread is a process with its own values.
  const int nice = std::max(::getpriority(PRIO_PROCESS, 0), kNice);
  if (::setpriority(PRIO_PROCESS, 0, nice) != 0) {
    LogDebug("thread.priority", "setpriority: {}", std::strerror(errno));
  }
  const int disk = kBestEffort << kClassShift | kLowest;
  if (::syscall(SYS_ioprio_set, kWhoProcess, 0, disk) != 0) {
    LogDebug("thread.priority", "ioprio_set: {}", std::strerror(errno));
  }
}

}  // namespace ficus
