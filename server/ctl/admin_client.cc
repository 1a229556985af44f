#include "server/ctl/admin_client.h"

#include <map>

#include <fmt/core.h>

#include "server/ctl/message_text.h"
#include "server/ctl/quantity_text.h"

namespace ficus {
namespace {

constexpr std::chrono::seconds kAskTimeout{30};

ExitCode ExitCodeOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
      return ExitCode::kUsage;
    case grpc::StatusCode::NOT_FOUND:
      return ExitCode::kNotFound;
    case grpc::StatusCode::ALREADY_EXISTS:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return ExitCode::kBusy;
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return ExitCode::kNotAllowed;
    case grpc::StatusCode::FAILED_PRECONDITION:
      return ExitCode::kRefused;
    case grpc::StatusCode::DATA_LOSS:
      return ExitCode::kDamage;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return ExitCode::kUnreachable;
    default:
      return ExitCode::kFailed;
  }
}

std::string ErrorWord(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto found = metadata.find("ficus-error");
  if (found == metadata.end()) return "";
  return std::string(found->second.data(), found->second.size());
}

void AddNodeOptions(CLI::App& app, NodeAddress& node) {
  app.add_option("--addr", node.address, "gRPC address of the node")->capture_default_str();
  app.add_flag("--tls", node.tls, "encrypt; the node's certificate is checked");
  app.add_option("--tls-ca", node.ca_file,
                 "PEM file of the authorities that may sign it; without it the system's");
  app.add_option("--tls-cert", node.cert_file, "PEM file of a certificate to show to the node");
  app.add_option("--tls-key", node.key_file, "PEM file of its key");
  app.add_option("--tls-server-name", node.server_name,
                 "the name in the node's certificate, when --addr has another");
  app.add_option("-u,--user", node.username, "name to sign in with");
  app.add_option("--password-file", node.password_file,
                 "file with the password, mode 0600; without it the variable FICUS_PASSWORD");
  app.add_flag("--insecure", node.insecure, "send the password in plain text over a network, too");
}

}  // namespace

void AddClientOptions(CLI::App& app, ClientOptions& options) {
  app.fallthrough();
  AddNodeOptions(app, options.node);
  static const std::map<std::string, OutputFormat> kFormats = {{"table", OutputFormat::kTable},
                                                               {"wide", OutputFormat::kWide},
                                                               {"json", OutputFormat::kJson},
                                                               {"yaml", OutputFormat::kYaml}};
  app.add_option_function<std::string>(
         "-o,--output", [&options](const std::string& name) { options.output = kFormats.at(name); },
         "table, wide, json or yaml")
      ->check(CLI::IsMember({"table", "wide", "json", "yaml"}));
  app.add_option_function<std::string>(
      "--timeout",
      [&options](const std::string& text) {
        const std::optional<std::chrono::nanoseconds> parsed = ParseDuration(text);
        if (!parsed.has_value()) {
          throw CLI::ValidationError("--timeout",
                                     "'" + text + "' is no duration such as 30s or 5m");
        }
        options.timeout = parsed;
      },
      "time limit of a call, such as 30s or 5m");
}

void PrintResult(const Console& console, OutputFormat format,
                 const google::protobuf::Message& message, const std::string& text) {
  switch (format) {
    case OutputFormat::kJson:
      fmt::print(console.out, "{}\n", MessageJson(message));
      break;
    case OutputFormat::kYaml:
      fmt::print(console.out, "---\n{}", MessageYaml(message));
      break;
    case OutputFormat::kTable:
    case OutputFormat::kWide:
      fmt::print(console.out, "{}", text);
      break;
  }
  std::fflush(console.out);
}

ExitCode ExitCodeOfWord(std::string_view word) {
  static const std::map<std::string_view, ExitCode> kCodes = {
      {ErrorCodeName(ErrorCode::kInvalidArgument), ExitCode::kUsage},
      {ErrorCodeName(ErrorCode::kFailedPrecondition), ExitCode::kRefused},
      {ErrorCodeName(ErrorCode::kNotFound), ExitCode::kNotFound},
      {ErrorCodeName(ErrorCode::kAlreadyExists), ExitCode::kBusy},
      {ErrorCodeName(ErrorCode::kPermissionDenied), ExitCode::kNotAllowed},
      {ErrorCodeName(ErrorCode::kCorruption), ExitCode::kDamage},
      {ErrorCodeName(ErrorCode::kResourceExhausted), ExitCode::kBusy},
      {ErrorCodeName(ErrorCode::kUnavailable), ExitCode::kUnreachable},
      {ErrorCodeName(ErrorCode::kDeadlineExceeded), ExitCode::kUnreachable},
  };
  const auto found = kCodes.find(word);
  return found == kCodes.end() ? ExitCode::kFailed : found->second;
}

AdminClient::AdminClient(const ClientOptions& options, std::stop_token interrupt)
    : options_(options), interrupt_(std::move(interrupt)) {
  const Result<std::shared_ptr<grpc::Channel>> channel = ConnectToNode(options.node);
  if (channel.has_value()) {
    Reach(*channel, kReachPatience);
    stub_ = admin::v1::AdminService::NewStub(*channel);
  } else {
    unusable_ = Failure{ExitCodeOf(channel.error()), channel.error().message};
  }
}

void AdminClient::Prepare(grpc::ClientContext& context, Limit limit) const {
  std::optional<std::chrono::nanoseconds> timeout = options_.timeout;
  if (!timeout.has_value() && limit == Limit::kDefault) timeout = kAskTimeout;
  if (!timeout.has_value()) return;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::duration_cast<std::chrono::system_clock::duration>(*timeout));
}

std::optional<Failure> AdminClient::FailureOf(const grpc::Status& status,
                                              const grpc::ClientContext& context) const {
  if (status.ok()) return std::nullopt;
  if (interrupt_.stop_requested()) return Failure{ExitCode::kInterrupted, "interrupted"};
  const std::string word = ErrorWord(context);
  if (!word.empty()) {
    // ABORTED says more than the word does: somebody else works there.
    const bool busy = status.error_code() == grpc::StatusCode::ABORTED;
    return Failure{busy ? ExitCode::kBusy : ExitCodeOfWord(word), status.error_message()};
  }
  const ExitCode code = ExitCodeOf(status.error_code());
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return Failure{code,
                     fmt::format("no node answers at {}: {}. Is ficusd running, and is --addr "
                                 "right?",
                                 options_.node.address, status.error_message())};
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Failure{code,
                     fmt::format("{} did not answer in time. What was asked may still happen; "
                                 "a longer --timeout waits for it",
                                 options_.node.address)};
    case grpc::StatusCode::UNIMPLEMENTED:
      return Failure{code, fmt::format("the server at {} has no ficus.admin.v1.AdminService: {}",
                                       options_.node.address, status.error_message())};
    default:
      return Failure{code, status.error_message()};
  }
}

}  // namespace ficus
