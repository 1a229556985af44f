#include "bench/load/node_metrics.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <sys/socket.h>
#include <sys/time.h>

#include <fmt/format.h>
#include <netdb.h>
#include <unistd.h>

namespace ficus::load {
namespace {

constexpr size_t kAnswerBytesMax = size_t{16} << 20;

Error Unavailable(const std::string& address, std::string_view reason) {
  return Error{ErrorCode::kUnavailable, fmt::format("fetch metrics of {}: {}", address, reason)};
}

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

Result<> Dial(const Socket& socket, const addrinfo& target, const std::string& address) {
  // Bounds connecting, sending and receiving.
  const timeval patience{1, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (socket.get() < 0 || ::connect(socket.get(), target.ai_addr, target.ai_addrlen) != 0) {
    return Unavailable(address, std::strerror(errno));
  }
  return {};
}

Result<std::string> Exchange(const Socket& socket, const std::string& request,
                             const std::string& address) {
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return Unavailable(address, std::strerror(errno));
  }
  std::string answer;
  std::array<char, 16384> buffer;
  while (true) {
    const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got == 0) return answer;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unavailable(address, std::strerror(errno));
    answer.append(buffer.data(), static_cast<size_t>(got));
    if (answer.size() > kAnswerBytesMax) return Unavailable(address, "the answer is too long");
  }
}

Result<std::string> Get(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return Unavailable(address, "no port");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string host = address.substr(0, colon);
  const std::string port = address.substr(colon + 1);
  if (const int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); code != 0) {
    return Unavailable(address, ::gai_strerror(code));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> targets(found, &::freeaddrinfo);
  const Socket socket(::socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0));
  RETURN_IF_ERROR(Dial(socket, *found, address));
  return Exchange(socket, fmt::format("GET /metrics HTTP/1.0\r\nHost: {}\r\n\r\n", address),
                  address);
}

}  // namespace

NodeMetrics ParseMetrics(std::string_view text) {
  NodeMetrics metrics;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;
    const size_t name_end = line.find_first_of("{ ");
    // A label's value may hold spaces, so the number starts behind the labels.
    const size_t labels_end =
        name_end != std::string_view::npos && line[name_end] == '{' ? line.rfind('}') : name_end;
    if (name_end == 0 || labels_end == std::string_view::npos) continue;
    const size_t value_start = line.find_first_not_of(" }", labels_end);
    if (value_start == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, name_end);
    if (name.size() > 7 && name.substr(name.size() - 7) == "_bucket") continue;
    double value = 0;
    const auto parsed =
        std::from_chars(line.data() + value_start, line.data() + line.size(), value);
    if (parsed.ec == std::errc()) metrics[std::string(name)] += value;
  }
  return metrics;
}

Result<NodeMetrics> FetchMetrics(const std::string& address) {
  ASSIGN_OR_RETURN(const std::string answer, Get(address));
  const size_t body = answer.find("\r\n\r\n");
  const size_t code = answer.find(' ');
  if (body == std::string::npos || code == std::string::npos || code > body) {
    return Unavailable(address, "the answer is not HTTP");
  }
  if (answer.substr(code + 1, 3) != "200") {
    return Error{ErrorCode::kUnknown, fmt::format("fetch metrics of {}: answer {}", address,
                                                  answer.substr(code + 1, 3))};
  }
  return ParseMetrics(std::string_view(answer).substr(body + 4));
}

std::optional<double> Find(const NodeMetrics& metrics, std::string_view name) {
  const auto found = metrics.find(name);
  if (found == metrics.end()) return std::nullopt;
  return found->second;
}

}  // namespace ficus::load
