// Makes system calls fail, for what a process does when the kernel or a sandbox refuses them.
#pragma once

#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <vector>

#include <unistd.h>

namespace ficus {

// From here on the calls of these numbers fail with `error_number` in this thread and in those that
// it starts, for good: for a child process. False where filters are not allowed.
inline bool ForbidCalls(std::initializer_list<long> numbers, int error_number) {
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const long number : numbers) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1));
    program.push_back(
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error_number)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// With it a child process tells that filters are not allowed.
inline constexpr int kFiltersRefused = 100;

// The exit status of `child`; -1 when it did not end by itself or was never made.
inline int ExitStatusOf(pid_t child) {
  int status = -1;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// What `body` returns, 0 to 99, in a child process that gets no thread; or kFiltersRefused, or -1.
template <typename Body>
int RunWithoutThreads(const Body& body) {
  const pid_t child = ::fork();
  if (child != 0) return ExitStatusOf(child);
  if (!ForbidCalls({SYS_clone, SYS_clone3}, EAGAIN)) ::_exit(kFiltersRefused);
  ::_exit(body());
}

}  // namespace ficus
