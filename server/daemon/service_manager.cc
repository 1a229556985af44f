#include "server/daemon/service_manager.h"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

#include <fmt/core.h>
#include <unistd.h>

namespace ficus {

Result<> NotifyServiceManager(std::string_view state) {
  const char* const value = std::getenv("NOTIFY_SOCKET");
  if (value == nullptr || *value == '\0') return Ok();
  const std::string name = value;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((name[0] != '/' && name[0] != '@') || name.size() >= sizeof address.sun_path) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("NOTIFY_SOCKET={} is no socket", name)};
  }
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  ssize_t sent = -1;
  if (socket >= 0) {
    sent = ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&address), size);
  }
  const int error_number = errno;
  if (socket >= 0) ::close(socket);
  if (sent == static_cast<ssize_t>(state.size())) return Ok();
  return Error{ErrorCode::kIo, fmt::format("notify {}: {}", name, std::strerror(error_number))};
}

}  // namespace ficus
