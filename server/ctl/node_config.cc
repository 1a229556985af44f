#include "server/ctl/node_config.h"

#include <string>

#include <fmt/core.h>

namespace ficus {
namespace {

namespace v1 = admin::v1;
using Stub = v1::AdminService::Stub;

std::string ListOf(const google::protobuf::RepeatedPtrField<std::string>& keys) {
  std::string list;
  for (const std::string& key : keys) list += "  " + key + "\n";
  return list;
}

std::string TextOf(const v1::ReloadConfigResponse& response) {
  if (response.changed().empty() && response.need_restart().empty()) {
    return "nothing of the configuration has changed\n";
  }
  std::string text;
  if (!response.changed().empty()) text += "taken over:\n" + ListOf(response.changed());
  if (!response.need_restart().empty()) {
    text += "from the next start of the node on:\n" + ListOf(response.need_restart());
  }
  return text;
}

ExitCode Reload(Console& console, const ClientOptions& options) {
  AdminClient client(options, console.interrupts());
  v1::ReloadConfigResponse response;
  if (auto failure = client.Call(&Stub::ReloadConfig, v1::ReloadConfigRequest(), response)) {
    // The node's mistake, not one of this command line.
    if (failure->code == ExitCode::kUsage) failure->code = ExitCode::kConfiguration;
    failure->message = "nothing was taken over: " + failure->message;
    return Fail(console, *failure);
  }
  PrintResult(console, options.output, response, TextOf(response));
  return ExitCode::kDone;
}

}  // namespace

void AddConfigCommands(CLI::App& app, const ClientOptions& client, Command& command) {
  CLI::App* const config = app.add_subcommand("config", "the configuration of a running node");
  config->require_subcommand(1);
  config->add_subcommand("reload", "have the node read it again and take over what it can")
      ->callback([&client, &command] {
        command = [&client](Console& console) { return Reload(console, client); };
      });
}

}  // namespace ficus
