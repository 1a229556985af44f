// An HTTP client that sends exactly the bytes it is told, over a blocking loopback socket.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace ficus {

struct Reply {
  int status = 0;  // 0: the server closed without a word
  std::map<std::string, std::string> headers;
  std::string body;
};

// Every wait ends after a minute and fails the test by an exception.
class LoopbackClient {
 public:
  explicit LoopbackClient(uint16_t port);
  ~LoopbackClient();
  LoopbackClient(const LoopbackClient&) = delete;
  LoopbackClient& operator=(const LoopbackClient&) = delete;

  // False when the server has closed the connection.
  bool Send(std::string_view bytes);
  // Nothing more will be sent; reading goes on.
  void FinishSending();
  // The next answer; `head`: one without body, whatever its length says.
  Reply Read(bool head = false);
  // Send a GET with the headers needed, and Read.
  Reply Get(const std::string& path);
  // True once the server has closed and everything it sent is read.
  bool AtEnd();
  // Reads and forgets until the server closes.
  void Drain();
  // Bytes the kernel holds for us, to keep a sender waiting.
  void ShrinkReceiveBuffer();

 private:
  bool Fill();

  int socket_;
  std::string received_;
};

}  // namespace ficus
