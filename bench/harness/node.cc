#include "bench/harness/node.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <netinet/in.h>
#include <regex>
#include <sys/socket.h>
#include <thread>

#include <unistd.h>

#include "bench/harness/process.h"
#include "bench/harness/stopwatch.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

constexpr double kStartSecondsMax = 60;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

bool Listens(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool listens =
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return listens;
}

std::string ContentOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Pause(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

}  // namespace

int FreePort() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  CHECK(::bind(socket, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  CHECK(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(socket);
  return ntohs(address.sin_port);
}

Node::Node(const BenchOptions& options, const std::string& folder, const std::string& durability,
           const std::string& more)
    : folder_(folder),
      port_(FreePort()),
      metrics_port_(FreePort()),
      flush_seconds_(options.Pick(1.0, 5.0, 5.0)) {
  const std::string config = folder + "/ficus.yaml";
  std::ofstream(config) << "storage: {path: " << folder << "/data, durability: " << durability
                        << ", flush: {interval: " << flush_seconds_
                        << "s}}\ngrpc: {listen: " << address()
                        << "}\nhttp: {listen: 127.0.0.1:0}\nmetrics: {listen: " << metrics()
                        << "}\nlog: {output: " << folder << "/ficusd.log}\n"
                        << more;
  pid_ = Start({options.bin + "/server/ficusd", "--config", config}, folder + "/ficusd.out",
               kServerCore);
  const double begun = WallSeconds();
  while (!Listens(port_)) {
    CHECK(IsRunning(pid_) && WallSeconds() - begun < kStartSecondsMax)
        << "the node does not start: " << ContentOf(folder + "/ficusd.out");
    Pause(0.02);
  }
}

Node::~Node() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  WaitFor(pid_);
}

void Node::WaitUntilIdle() const {
  double before = CpuSeconds(pid_);
  double since = WallSeconds();
  // Longer than a flush may wait.
  while (WallSeconds() - since < flush_seconds_ * 1.4) {
    Pause(0.5);
    const double now = CpuSeconds(pid_);
    if (now - before > 0.03) since = WallSeconds();
    before = now;
  }
}

void Node::Stop() {
  ::kill(pid_, SIGTERM);
  const int status = WaitFor(pid_);
  pid_ = 0;
  CHECK(status == 0) << "the node ends with " << status << ": "
                     << ContentOf(folder_ + "/ficusd.out");
}

std::string Load(const BenchOptions& options, const std::string& folder,
                 const std::vector<std::string>& arguments) {
  const std::string output = folder + "/load.txt";
  CHECK(std::ofstream(output).good());
  std::vector<std::string> command = {options.bin + "/bench/ficus_load"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const int status = WaitFor(Start(command, output, kClientCore));
  CHECK(status == 0) << "the load client ends with " << status << ": " << ContentOf(output);
  return ContentOf(output);
}

double FigureIn(const std::string& output, const char* pattern) {
  std::smatch found;
  CHECK(std::regex_search(output, found, std::regex(pattern))) << output;
  return std::stod(found[1]);
}

}  // namespace ficus::bench
