#include "server/daemon/service_manager.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>
#include <unistd.h>

namespace ficus {
namespace {

// What the service manager listens on; in the abstract namespace, so that nothing stays behind.
class Listener {
 public:
  Listener() : name_("@ficus-test-" + std::to_string(::getpid())) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name_.data(), name_.size());
    address.sun_path[0] = '\0';
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size())) == 0);
    ::setenv("NOTIFY_SOCKET", name_.c_str(), 1);
  }
  ~Listener() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(socket_);
  }
  std::string Received() {
    char buffer[256];
    const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
    return size < 0 ? std::string() : std::string(buffer, static_cast<size_t>(size));
  }

 private:
  const std::string name_;
  int socket_ = -1;
};

TEST_CASE("the service manager is told", "[daemon]") {
  Listener listener;
  REQUIRE(NotifyServiceManager("READY=1").has_value());
  REQUIRE(listener.Received() == "READY=1");
}

TEST_CASE("without a service manager nobody is told, and that is fine", "[daemon]") {
  ::unsetenv("NOTIFY_SOCKET");
  REQUIRE(NotifyServiceManager("READY=1").has_value());
}

TEST_CASE("a service manager that cannot be reached is named", "[daemon]") {
  ::setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
  const Result<> absent = NotifyServiceManager("READY=1");
  REQUIRE(absent.error().code == ErrorCode::kIo);
  REQUIRE(absent.error().message.find("/nonexistent/notify") != std::string::npos);
  ::setenv("NOTIFY_SOCKET", "relative", 1);
  REQUIRE(NotifyServiceManager("READY=1").error().code == ErrorCode::kInvalidArgument);
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  REQUIRE(NotifyServiceManager("READY=1").error().code == ErrorCode::kInvalidArgument);
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace ficus
