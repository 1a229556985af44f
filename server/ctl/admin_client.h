// Calls of a node's admin service, with the tool's time limit, interrupts and exit codes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <grpcpp/client_context.h>

#include "engine/base/error.h"
#include "ficus/admin/v1/admin.grpc.pb.h"
#include "server/client/node_channel.h"
#include "server/ctl/command.h"

namespace ficus {

enum class OutputFormat : uint8_t { kTable, kWide, kJson, kYaml };

// What every command that speaks to a node is told.
struct ClientOptions {
  NodeAddress node;
  OutputFormat output = OutputFormat::kTable;
  // Of one call; 30 s for calls that only ask, none for those that work or follow.
  std::optional<std::chrono::nanoseconds> timeout;

  bool structured() const { return output == OutputFormat::kJson || output == OutputFormat::kYaml; }
};

// --addr, what lets one in there, -o and --timeout; `options` outlives the app.
void AddClientOptions(CLI::App& app, ClientOptions& options);

// Prints a result: `message` as JSON or YAML where that was asked for, otherwise `text`.
void PrintResult(const Console& console, OutputFormat format,
                 const google::protobuf::Message& message, const std::string& text);

// The exit code for an error's word ("not found", "unavailable") as the node tells it.
ExitCode ExitCodeOfWord(std::string_view word);

class AdminClient {
 public:
  // A call that only asks ends after the default time limit; one that works does not.
  enum class Limit : uint8_t { kDefault, kNone };

  // Connects at the first call. After `interrupt` every call ends with kInterrupted; with options
  // that cannot be used, each ends with the reason.
  AdminClient(const ClientOptions& options, std::stop_token interrupt);

  const std::stop_token& interrupt() const { return interrupt_; }

  // A unary method of the stub; none when it succeeded.
  template <typename Request, typename Response>
  std::optional<Failure> Call(grpc::Status (admin::v1::AdminService::Stub::*method)(
                                  grpc::ClientContext*, const Request&, Response*),
                              const Request& request, Response& response,
                              Limit limit = Limit::kDefault) {
    if (unusable_.has_value()) return unusable_;
    grpc::ClientContext context;
    Prepare(context, limit);
    const std::stop_callback cancel(interrupt_, [&] { context.TryCancel(); });
    return FailureOf((stub_.get()->*method)(&context, request, &response), context);
  }

  // A method that answers with a stream; `each` sees every message, and returns false to end early.
  template <typename Reader, typename Request, typename Each>
  std::optional<Failure> Read(std::unique_ptr<Reader> (admin::v1::AdminService::Stub::*method)(
                                  grpc::ClientContext*, const Request&),
                              const Request& request, const Each& each) {
    if (unusable_.has_value()) return unusable_;
    grpc::ClientContext context;
    Prepare(context, Limit::kNone);
    const std::stop_callback cancel(interrupt_, [&] { context.TryCancel(); });
    const std::unique_ptr<Reader> reader = (stub_.get()->*method)(&context, request);
    bool ended_early = false;
    EachMessage(*reader, each, ended_early);
    if (ended_early) context.TryCancel();
    const grpc::Status status = reader->Finish();
    if (ended_early) return std::nullopt;
    return FailureOf(status, context);
  }

 private:
  template <typename Message, typename Each>
  static void EachMessage(grpc::ClientReader<Message>& reader, const Each& each,
                          bool& ended_early) {
    Message message;
    while (!ended_early && reader.Read(&message)) ended_early = !each(std::as_const(message));
  }
  void Prepare(grpc::ClientContext& context, Limit limit) const;
  std::optional<Failure> FailureOf(const grpc::Status& status,
                                   const grpc::ClientContext& context) const;

  const ClientOptions options_;
  const std::stop_token interrupt_;
  std::optional<Failure> unusable_;  // why there is no channel
  std::unique_ptr<admin::v1::AdminService::Stub> stub_;
};

}  // namespace ficus
