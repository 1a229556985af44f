#include "server/ctl/table.h"

#include <memory>

#include <fmt/core.h>

namespace ficus {
namespace {

namespace v1 = admin::v1;
using Stub = v1::AdminService::Stub;

ExitCode Flush(Console& console, const ClientOptions& options) {
  AdminClient client(options, console.interrupts());
  v1::FlushResponse response;
  if (auto failure =
          client.Call(&Stub::Flush, v1::FlushRequest(), response, AdminClient::Limit::kNone)) {
    failure->message = "flush: " + failure->message;
    return Fail(console, *failure);
  }
  if (!options.structured()) fmt::print(console.out, "every row in memory is in a file\n");
  return ExitCode::kDone;
}

ExitCode Merge(Console& console, const ClientOptions& options, bool wait) {
  AdminClient client(options, console.interrupts());
  v1::MergeRequest request;
  request.set_wait(wait);
  v1::MergeResponse response;
  if (auto failure = client.Call(&Stub::Merge, request, response, AdminClient::Limit::kNone)) {
    failure->message = "merge: " + failure->message;
    return Fail(console, *failure);
  }
  if (!options.structured()) {
    fmt::print(console.out, "{}\n", wait ? "there is nothing left to merge" : "merging has begun");
  }
  return ExitCode::kDone;
}

ExitCode ConfirmClock(Console& console, const ClientOptions& options) {
  AdminClient client(options, console.interrupts());
  v1::ConfirmClockResponse response;
  if (auto failure = client.Call(&Stub::ConfirmClock, v1::ConfirmClockRequest(), response)) {
    failure->message = "confirm-clock: " + failure->message;
    return Fail(console, *failure);
  }
  if (!options.structured()) fmt::print(console.out, "retention goes by the clock again\n");
  return ExitCode::kDone;
}

}  // namespace

void AddTableCommands(CLI::App& app, const ClientOptions& client, Command& command) {
  CLI::App* const table = app.add_subcommand("table", "the tables of a running node");
  table->require_subcommand(1);
  table->add_subcommand("flush", "write what is in memory to files")->callback([&client, &command] {
    command = [&client](Console& console) { return Flush(console, client); };
  });
  table
      ->add_subcommand("confirm-clock",
                       "the clock is right: let retention, suspended after a step of it, go on")
      ->callback([&client, &command] {
        command = [&client](Console& console) { return ConfirmClock(console, client); };
      });
  const auto wait = std::make_shared<bool>(false);
  CLI::App* const merge = table->add_subcommand("merge", "merge until nothing is left to merge");
  merge->add_flag("--wait", *wait, "until it is done");
  merge->callback([wait, &client, &command] {
    command = [wait, &client](Console& console) { return Merge(console, client, *wait); };
  });
}

}  // namespace ficus
