#include "test/server/http/loopback_client.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>
#include <system_error>

#include <unistd.h>

namespace ficus {

LoopbackClient::LoopbackClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  timeval timeout{10, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::system_error(errno, std::generic_category(), "connect");
  }
}

LoopbackClient::~LoopbackClient() { ::close(socket_); }

bool LoopbackClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return false;
    if (sent < 0) throw std::system_error(errno, std::generic_category(), "send");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void LoopbackClient::FinishSending() { ::shutdown(socket_, SHUT_WR); }

bool LoopbackClient::Fill() {
  char buffer[4096];
  const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
  if (got < 0 && errno == ECONNRESET) return false;
  if (got < 0) throw std::system_error(errno, std::generic_category(), "receive");
  received_.append(buffer, static_cast<size_t>(got));
  return got > 0;
}

Reply LoopbackClient::Read(bool head) {
  size_t end = 0;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return {};
  }
  Reply reply;
  const std::string header = received_.substr(0, end + 2);
  received_.erase(0, end + 4);
  if (header.substr(0, 9) != "HTTP/1.1 " && header.substr(0, 9) != "HTTP/1.0 ") {
    throw std::runtime_error("no status line: " + header);
  }
  reply.status = std::stoi(header.substr(9, 3));
  for (size_t line = header.find("\r\n") + 2; line < header.size();) {
    const size_t line_end = header.find("\r\n", line);
    const size_t colon = header.find(": ", line);
    reply.headers[header.substr(line, colon - line)] =
        header.substr(colon + 2, line_end - colon - 2);
    line = line_end + 2;
  }
  const auto length = reply.headers.find("Content-Length");
  if (head || length == reply.headers.end()) return reply;
  const size_t wanted = std::stoul(length->second);
  while (received_.size() < wanted) {
    if (!Fill()) throw std::runtime_error("the body is cut off");
  }
  reply.body = received_.substr(0, wanted);
  received_.erase(0, wanted);
  return reply;
}

Reply LoopbackClient::Get(const std::string& path) {
  Send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
  return Read();
}

bool LoopbackClient::AtEnd() { return received_.empty() && !Fill(); }

void LoopbackClient::Drain() {
  while (Fill()) received_.clear();
}

void LoopbackClient::ShrinkReceiveBuffer() {
  const int bytes = 4096;
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

}  // namespace ficus
