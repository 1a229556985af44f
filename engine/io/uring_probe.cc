#include "engine/io/uring_probe.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sys/mman.h>

#include <liburing.h>

#include "engine/io/file_descriptor.h"

namespace ficus {
namespace {

constexpr unsigned kEntries = 4;

// The value of kernel.io_uring_disabled; 0 where the kernel does not have it.
int DisabledBySysctl() {
  int value = 0;
  std::ifstream("/proc/sys/kernel/io_uring_disabled") >> value;
  return value;
}

// A ring of the probe; empty when `error_number` says why.
class ProbeRing {
 public:
  ProbeRing() : error_number_(-io_uring_queue_init(kEntries, &ring_, 0)) {}
  ~ProbeRing() {
    if (error_number_ == 0) io_uring_queue_exit(&ring_);
  }
  ProbeRing(const ProbeRing&) = delete;
  ProbeRing& operator=(const ProbeRing&) = delete;

  int error_number() const { return error_number_; }

  // 0, or the errno of the first operation that failed.
  int WriteAndSync(int file) {
    static constexpr char kBytes[] = "ficus";
    io_uring_prep_write(io_uring_get_sqe(&ring_), file, kBytes, sizeof kBytes, 0);
    if (const int result = SubmitAndTake(); result != sizeof kBytes) {
      return result < 0 ? -result : EIO;
    }
    io_uring_prep_fsync(io_uring_get_sqe(&ring_), file, IORING_FSYNC_DATASYNC);
    return -SubmitAndTake();
  }

 private:
  int SubmitAndTake() {
    io_uring_cqe* completion = nullptr;
    int result = io_uring_submit(&ring_);
    if (result < 0) return result;
    do {
      result = io_uring_wait_cqe(&ring_, &completion);
    } while (result == -EINTR);
    if (result < 0) return result;
    result = completion->res;
    io_uring_cqe_seen(&ring_, completion);
    return result;
  }

  io_uring ring_{};
  const int error_number_;
};

std::string Text(int error_number) {
  const char* text = strerrordesc_np(error_number);
  return text != nullptr ? text : "errno " + std::to_string(error_number);
}

}  // namespace

std::string ExplainUringRefusal(int error_number) {
  const int disabled = DisabledBySysctl();
  switch (error_number) {
    case ENOSYS:
      return "the kernel has no io_uring (ENOSYS)";
    case EPERM:
    case EACCES:
      if (disabled != 0) {
        return "sysctl kernel.io_uring_disabled=" + std::to_string(disabled) + " forbids it";
      }
      return "a seccomp filter forbids it (EPERM), as the default one of many container run-times";
    case ENOMEM:
      return "the limit of locked memory is too low (ENOMEM): raise RLIMIT_MEMLOCK, LimitMEMLOCK";
    default:
      return "set-up failed: " + Text(error_number);
  }
}

std::string ProbeUring() {
  ProbeRing ring;
  if (ring.error_number() != 0) return ExplainUringRefusal(ring.error_number());
  const FileDescriptor file(::memfd_create("ficus-io-probe", MFD_CLOEXEC));
  if (!file) return "the probe has no file to write to: " + Text(errno);
  const int error_number = ring.WriteAndSync(file.number());
  return error_number == 0 ? "" : "a write or a sync through it failed: " + Text(error_number);
}

}  // namespace ficus
