#include "server/ctl/remote.h"

#include <algorithm>
#include <memory>

#include <fmt/core.h>

#include "engine/base/random.h"
#include "server/ctl/text_table.h"
#include "server/remote/open_store.h"
#include "server/remote/store_probe.h"

namespace ficus {
namespace {

namespace v1 = admin::v1;
using Stub = v1::AdminService::Stub;

struct Asked {
  std::string target;  // a name or a URL
  bool create = false;
};

// A person waits for the answer.
constexpr RetryPolicy kRetry{
    .attempts = 3, .pause_first_nanos = 100 * kNanosPerMilli, .pause_max_nanos = kNanosPerSecond};

bool IsUrl(const std::string& target) { return target.find_first_of(":/") != std::string::npos; }

Failure FailureOf(const Error& error) {
  const bool interrupted = error.code == ErrorCode::kCancelled;
  return {interrupted ? ExitCode::kInterrupted : ExitCodeOf(error),
          "remote test: " + error.message};
}

Result<v1::TestRemoteResponse> TestHere(const Asked& asked, const std::stop_token& stop) {
  StoreOptions options;
  options.retry = kRetry;
  options.missing = asked.create ? MissingFolder::kCreate : MissingFolder::kRefuse;
  const auto store = OpenStore(asked.target, options);
  if (!store) {
    Error error = store.error();
    if (error.code == ErrorCode::kNotFound) error.message += "; --create makes it";
    return error;
  }
  SystemRandom random;
  ASSIGN_OR_RETURN(const std::vector<ProbeVerdict> verdicts, ProbeStore(**store, random, stop));
  v1::TestRemoteResponse response;
  response.set_remote((*store)->url());
  for (const ProbeVerdict& verdict : verdicts) {
    v1::RemoteCheck& check = *response.add_checks();
    check.set_name(verdict.name);
    check.set_passed(verdict.ok);
    check.set_text(verdict.detail);
  }
  return response;
}

ExitCode Report(const Console& console, const ClientOptions& options,
                const v1::TestRemoteResponse& response) {
  TextTable table({"CHECK", "RESULT", "DETAIL"});
  for (const v1::RemoteCheck& check : response.checks()) {
    table.Add({check.name(), check.passed() ? "ok" : "FAILED", check.text()});
  }
  PrintResult(console, options.output, response, table.Text());
  const auto failed = std::count_if(response.checks().begin(), response.checks().end(),
                                    [](const v1::RemoteCheck& check) { return !check.passed(); });
  if (failed == 0) return ExitCode::kDone;
  return Fail(console,
              {ExitCode::kFailed, fmt::format("remote test: {}: {} of {} checks failed",
                                              response.remote(), failed, response.checks_size())});
}

ExitCode Test(Console& console, const ClientOptions& options, const Asked& asked) {
  if (IsUrl(asked.target)) {
    const auto response = TestHere(asked, console.interrupts());
    if (!response) return Fail(console, FailureOf(response.error()));
    return Report(console, options, *response);
  }
  AdminClient client(options, console.interrupts());
  v1::TestRemoteRequest request;
  request.set_remote(asked.target);
  v1::TestRemoteResponse response;
  if (auto failure = client.Call(&Stub::TestRemote, request, response, AdminClient::Limit::kNone)) {
    failure->message = "remote test: " + failure->message;
    return Fail(console, *failure);
  }
  return Report(console, options, response);
}

}  // namespace

void AddRemoteCommands(CLI::App& app, const ClientOptions& client, Command& command) {
  CLI::App* const remote = app.add_subcommand("remote", "destinations of backups");
  remote->require_subcommand(1);
  const auto asked = std::make_shared<Asked>();
  CLI::App* const test = remote->add_subcommand(
      "test", "put, read, list and delete objects of its own, and say what works");
  test->add_option("remote", asked->target, "name of a remote of the node, or a URL")->required();
  test->add_flag("--create", asked->create, "make the folder of a file:// URL where it is missing");
  test->callback([asked, &client, &command] {
    command = [asked, &client](Console& console) { return Test(console, client, *asked); };
  });
}

}  // namespace ficus
