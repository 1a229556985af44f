#include "test/node/node.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <netinet/in.h>
#include <sstream>
#include <string_view>
#include <sys/socket.h>
#include <utility>

#include <signal.h>
#include <unistd.h>

namespace ficus {
namespace {

// Exit codes beyond it are signals.
constexpr int kSignalled = 128;

// The address behind `label` in a line such as "gRPC 127.0.0.1:1234, HTTP 127.0.0.1:1235, ...".
std::string AddressBehind(std::string_view line, std::string_view label) {
  const size_t at = line.find(label);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = line.substr(at + label.size());
  return std::string(rest.substr(0, rest.find_first_not_of("0123456789.:")));
}

// The answer of `address` (host:port) to a GET; "" when nobody answers.
std::string Get(const std::string& address, const std::string& path) {
  const size_t colon = address.find(':');
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(static_cast<uint16_t>(std::stoul(address.substr(colon + 1))));
  ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &server.sin_addr);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string answer;
  const std::string request =
      "GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n\r\n";
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0 &&
      ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char bytes[65536];
    for (ssize_t got = 1; got > 0;) {
      got = ::recv(socket, bytes, sizeof bytes, 0);
      if (got > 0) answer.append(bytes, static_cast<size_t>(got));
    }
  }
  ::close(socket);
  return answer;
}

}  // namespace

Node::Node(std::string folder, std::vector<std::string> settings)
    : folder_(std::move(folder)),
      settings_(std::move(settings)),
      config_file_(folder_ + "/ficus.yaml"),
      log_file_(folder_ + "/ficusd.log"),
      output_file_(folder_ + "/ficusd.out"),
      data_(folder_ + "/data") {}

Node::~Node() { ReportBreakdown(); }

void Node::ReportBreakdown() const {
  if (process_ == nullptr) return;
  const int code = process_->Wait(std::chrono::seconds(0)).value_or(0);
  if (code <= kSignalled || code == kSignalled + SIGKILL || code == kSignalled + SIGTERM) return;
  Report("ended by signal " + std::to_string(code - kSignalled));
}

void Node::Report(const std::string& what) const {
  std::fprintf(stderr, "ficusd %s:\n%s%s", what.c_str(), log().c_str(),
               ReadFile(output_file_).c_str());
}

void Node::WriteConfig() const {
  std::ofstream config(config_file_);
  config << "grpc: {listen: \"" << grpc_ << "\"}\n"
         << "http: {listen: \"" << http_ << "\"}\n"
         << "metrics: {listen: \"" << metrics_ << "\"}\n"
         << "log: {output: \"" << log_file_ << "\", format: text}\n";
  bool storage = false;
  for (const std::string& setting : settings_) {
    config << setting << "\n";
    storage = storage || setting.find("storage:") == 0;
  }
  if (!storage) config << "storage: {path: \"" << data_ << "\"}\n";
}

void Node::Launch() {
  grpc_ = http_ = metrics_ = kAnyPort;
  StartProcess();
}

void Node::StartProcess() {
  WriteConfig();
  ReportBreakdown();
  std::vector<std::string> command = prefix_;
  command.insert(command.end(), {FICUSD_PATH, "--config", config_file_});
  process_ = std::make_unique<ChildProcess>(command, output_file_);
}

bool Node::Start(Ports ports) {
  const size_t before = log().size();
  if (ports == Ports::kFree) {
    Launch();
  } else {
    StartProcess();
  }
  bool ready = false;
  WaitUntil([&] {
    ready = ReadAddresses(log().substr(before));
    return ready || !process_->Running();
  });
  if (!ready && process_->Running()) Report("runs and does not serve");
  return ready;
}

bool Node::ReadAddresses(const std::string& log) {
  const size_t at = log.find("daemon.ready");
  if (at == std::string::npos) return false;
  const size_t end = log.find('\n', at);
  if (end == std::string::npos) return false;
  const std::string line = log.substr(at, end - at);
  grpc_ = AddressBehind(line, "gRPC ");
  http_ = AddressBehind(line, "HTTP ");
  metrics_ = AddressBehind(line, "metrics ");
  return true;
}

void Node::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait(std::chrono::seconds(60));
}

int Node::Stop(std::chrono::seconds patience) {
  process_->Signal(SIGTERM);
  const auto code = process_->Wait(patience);
  if (!code) Kill();
  return code.value_or(-1);
}

std::string Node::Health() const { return Get(http_, "/api/healthz"); }

std::string Node::MetricsText() const { return Get(metrics_, "/metrics"); }

double Node::Metric(const std::string& name, const std::vector<std::string>& labels) const {
  std::istringstream lines(MetricsText());
  double sum = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(name) != 0) continue;
    if (line.size() == name.size() || (line[name.size()] != '{' && line[name.size()] != ' ')) {
      continue;
    }
    const bool all = std::all_of(labels.begin(), labels.end(), [&](const std::string& label) {
      return line.find(label) != std::string::npos;
    });
    if (all) sum += std::strtod(line.c_str() + line.rfind(' '), nullptr);
  }
  return sum;
}

std::unique_ptr<ChildProcess> StartLoadClient(std::vector<std::string> arguments,
                                              const std::string& output) {
  arguments.insert(arguments.begin(), FICUS_LOAD_PATH);
  return std::make_unique<ChildProcess>(arguments, output);
}

int RunLoadClient(std::vector<std::string> arguments, const std::string& output,
                  std::chrono::seconds patience) {
  return StartLoadClient(std::move(arguments), output)->Wait(patience).value_or(-1);
}

}  // namespace ficus
