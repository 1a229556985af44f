// CHECK(condition) << values: a broken promise in our own code stops the process, in every build.
//
// Never for bytes read from a disk or a socket: those are an Error.
#pragma once

#include <cstdlib>
#include <sstream>

namespace ficus::internal {

// Prints the message and aborts when it goes out of scope.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  [[noreturn]] ~CheckFailure();
  CheckFailure(const CheckFailure&) = delete;
  CheckFailure& operator=(const CheckFailure&) = delete;
  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

// Gives both branches of CHECK's conditional expression the type void.
struct Voidify {
  void operator&(std::ostream&) const {}
};

}  // namespace ficus::internal

#define CHECK(condition)                       \
  (condition) ? static_cast<void>(0)           \
              : ::ficus::internal::Voidify() & \
                    ::ficus::internal::CheckFailure(__FILE__, __LINE__, #condition).stream()

#ifdef NDEBUG
#define DCHECK(condition) CHECK(true || (condition))
#else
#define DCHECK(condition) CHECK(condition)
#endif
