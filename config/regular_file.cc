#include "config/regular_file.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

namespace ficus {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  const int number_;
};

}  // namespace

Error FileError(int number) {
  const bool missing = number == ENOENT || number == ENOTDIR;
  return {missing ? ErrorCode::kNotFound : ErrorCode::kIo, std::generic_category().message(number)};
}

Error TooLargeError(size_t bytes_max) {
  return {ErrorCode::kResourceExhausted, fmt::format("is larger than {} bytes", bytes_max)};
}

Result<std::string> ReadRegularFile(const std::string& path, size_t bytes_max,
                                    const std::function<Result<>(const struct stat&)>& check) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0) return FileError(errno);
  struct stat status;
  if (::fstat(file.number(), &status) != 0) return FileError(errno);
  if (!S_ISREG(status.st_mode)) return Error{ErrorCode::kIo, "is not a regular file"};
  if (check != nullptr) RETURN_IF_ERROR(check(status));
  // Read to the end instead of trusting the size: files of the kernel say 0.
  std::string bytes;
  char buffer[16 * 1024];
  while (true) {
    const ssize_t got = ::read(file.number(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno);
    if (got == 0) return bytes;
    if (bytes.size() + static_cast<size_t>(got) > bytes_max) return TooLargeError(bytes_max);
    bytes.append(buffer, static_cast<size_t>(got));
  }
}

}  // namespace ficus
