// Runs a command line of ficusctl in this process, against a node that a test makes up.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "server/ctl/admin_client.h"
#include "server/ctl/auth.h"
#include "server/ctl/backup.h"
#include "server/ctl/command.h"
#include "server/ctl/node_config.h"
#include "server/ctl/remote.h"
#include "server/ctl/schedule.h"
#include "server/ctl/snapshot.h"
#include "server/ctl/table.h"
#include "server/ctl/timedir.h"
#include "test/server/rpc/fake_node.h"

namespace ficus {

// A FILE that is a string.
class TextFile {
 public:
  TextFile() : file_(open_memstream(&data_, &size_)) { REQUIRE(file_ != nullptr); }
  ~TextFile() {
    std::fclose(file_);
    std::free(data_);
  }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return std::string(data_, size_);
  }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
  std::FILE* file_;
};

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;

  bool OutHas(const std::string& text) const { return out.find(text) != std::string::npos; }
  bool ErrHas(const std::string& text) const { return err.find(text) != std::string::npos; }
};

struct Terminal {
  bool is_terminal = false;
  std::stop_token interrupt;
  std::string input{};
};

inline Outcome RunCtl(std::vector<std::string> arguments, const Terminal& terminal = {}) {
  CLI::App app("ficusctl");
  ClientOptions client;
  Command command;
  AddClientOptions(app, client);
  app.require_subcommand(1);
  AddBackupCommands(app, client, command);
  AddScheduleCommands(app, client, command);
  AddTableCommands(app, client, command);
  AddRemoteCommands(app, client, command);
  AddTimedirCommands(app, client, command);
  AddSnapshotCommands(app, client, command);
  AddConfigCommands(app, client, command);
  AddAuthCommands(app, command);
  try {
    std::reverse(arguments.begin(), arguments.end());
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(error, out, err) == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
    return {code, out.str(), err.str()};
  }
  TextFile out;
  TextFile err;
  std::string input = terminal.input;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(
      input.empty() ? std::fopen("/dev/null", "r") : fmemopen(input.data(), input.size(), "r"),
      std::fclose);
  Console console;
  console.in = in.get();
  console.out = out.file();
  console.err = err.file();
  console.err_is_terminal = terminal.is_terminal;
  console.interrupts = [&terminal] { return terminal.interrupt; };
  const ExitCode code = command(console);
  return {static_cast<int>(code), out.text(), err.text()};
}

inline Outcome RunCtl(const FakeNode& node, std::vector<std::string> arguments,
                      const Terminal& terminal = {}) {
  arguments.insert(arguments.end(), {"--addr", node.address()});
  return RunCtl(std::move(arguments), terminal);
}

}  // namespace ficus
