// Finds out whether io_uring can be used here, and if not, why.
#pragma once

#include <string>

namespace ficus {

// Sets up a ring, writes and syncs through it. Empty when that works, else the cause in words:
// the kernel, the sysctl, a seccomp filter, the limit of locked memory. UringRefusal() remembers
// the answer.
std::string ProbeUring();

// The cause behind the errno of a failed set-up.
std::string ExplainUringRefusal(int error_number);

}  // namespace ficus
