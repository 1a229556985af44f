#include "server/client/node_channel.h"

#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/client_interceptor.h>

#include "server/security/secret_file.h"

namespace ficus {
namespace {

constexpr size_t kPemBytesMax = 1 << 20;
constexpr size_t kPasswordFileBytesMax = 4096;

// Adds name and password to each call. An interceptor, because gRPC's own call credentials refuse a
// channel without TLS.
class SignIn final : public grpc::experimental::Interceptor {
 public:
  SignIn(const std::string& username, const std::string& password)
      : username_(username), password_(password) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    using grpc::experimental::InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      auto* const metadata = methods->GetSendInitialMetadata();
      metadata->emplace("username", username_);
      metadata->emplace("password", password_);
    }
    methods->Proceed();
  }

 private:
  const std::string& username_;
  const std::string& password_;
};

class SignInFactory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  SignInFactory(std::string username, std::string password)
      : username_(std::move(username)), password_(std::move(password)) {}
  grpc::experimental::Interceptor* CreateClientInterceptor(
      grpc::experimental::ClientRpcInfo*) override {
    return new SignIn(username_, password_);
  }

 private:
  const std::string username_;
  const std::string password_;
};

bool IsLoopback(std::string_view address) {
  for (const std::string_view start : {"127.", "localhost:", "[::1]:", "::1:", "unix:"}) {
    if (address.substr(0, start.size()) == start) return true;
  }
  return false;
}

Result<std::string> PemOf(const std::string& path) {
  if (path.empty()) return std::string();
  SecretFileRules rules;
  rules.bytes_max = kPemBytesMax;
  return ReadSecretFile(path, rules);
}

Result<std::string> PasswordOf(const NodeAddress& node) {
  if (!node.password_file.empty()) {
    SecretFileRules rules;
    rules.readers = FileReaders::kOwnerOnly;
    rules.bytes_max = kPasswordFileBytesMax;
    rules.credentials_folder = CredentialsFolder();
    ASSIGN_OR_RETURN(std::string password, ReadSecretFile(node.password_file, rules));
    // Editors add a line break.
    while (!password.empty() && (password.back() == '\n' || password.back() == '\r')) {
      password.pop_back();
    }
    return password;
  }
  const char* const variable = std::getenv("FICUS_PASSWORD");
  if (variable != nullptr) return std::string(variable);
  return Error{ErrorCode::kInvalidArgument,
               "a user needs a password: name a file with --password-file or set FICUS_PASSWORD"};
}

Result<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(const NodeAddress& node) {
  if (!node.WantsTls()) return grpc::InsecureChannelCredentials();
  if (node.cert_file.empty() != node.key_file.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "a certificate and its key belong together: give both"};
  }
  grpc::SslCredentialsOptions options;
  ASSIGN_OR_RETURN(options.pem_root_certs, PemOf(node.ca_file));
  ASSIGN_OR_RETURN(options.pem_cert_chain, PemOf(node.cert_file));
  ASSIGN_OR_RETURN(options.pem_private_key, PemOf(node.key_file));
  return grpc::SslCredentials(options);
}

}  // namespace

Result<std::shared_ptr<grpc::Channel>> ConnectToNode(const NodeAddress& node,
                                                     grpc::ChannelArguments arguments) {
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials,
                   CredentialsOf(node));
  if (!node.server_name.empty()) arguments.SetSslTargetNameOverride(node.server_name);
  std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> interceptors;
  if (!node.username.empty()) {
    if (!node.WantsTls() && !IsLoopback(node.address) && !node.insecure) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("the password would cross the network in plain text to {}: use "
                               "--tls, or say --insecure",
                               node.address)};
    }
    ASSIGN_OR_RETURN(std::string password, PasswordOf(node));
    interceptors.push_back(std::make_unique<SignInFactory>(node.username, std::move(password)));
  }
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      node.address, credentials, arguments, std::move(interceptors));
}

void Reach(const std::shared_ptr<grpc::Channel>& channel, std::chrono::milliseconds patience) {
  const auto until = std::chrono::system_clock::now() + patience;
  const auto settle = [&](grpc_connectivity_state state) {
    while (state == GRPC_CHANNEL_IDLE || state == GRPC_CHANNEL_CONNECTING) {
      if (!channel->WaitForStateChange(state, until)) return state;
      state = channel->GetState(true);
    }
    return state;
  };
  if (settle(channel->GetState(true)) != GRPC_CHANNEL_TRANSIENT_FAILURE) return;
  grpc::experimental::ChannelResetConnectionBackoff(channel.get());
  if (!channel->WaitForStateChange(GRPC_CHANNEL_TRANSIENT_FAILURE, until)) return;
  settle(channel->GetState(true));
}

}  // namespace ficus
