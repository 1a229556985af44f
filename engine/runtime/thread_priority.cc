#include "engine/runtime/thread_priority.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <unistd.h>

#include "engine/base/log.h"

namespace ficus {
namespace {

constexpr int kNice = 10;
constexpr int kLowestOfBestEffort = 7;

}  // namespace

void StayInBackground() {
  // To Linux a thread is a process with its own values.
  const int nice = std::max(::getpriority(PRIO_PROCESS, 0), kNice);
  if (::setpriority(PRIO_PROCESS, 0, nice) != 0) {
    LogDebug("thread.priority", "setpriority: {}", std::strerror(errno));
  }
  const int disk = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, kLowestOfBestEffort);
  if (::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, disk) != 0) {
    LogDebug("thread.priority", "ioprio_set: {}", std::strerror(errno));
  }
}

}  // namespace ficus
