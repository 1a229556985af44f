#include "server/daemon/security.h"

#include <string>
#include <utility>

#include "server/security/password_hash.h"

namespace ficus {
namespace {

CertificateFiles FilesOf(const TlsConfig& tls) { return {tls.cert, tls.key, tls.client_ca}; }

// The content of what a key names, or nothing where it names nothing.
Result<std::optional<Certificates>> ReadTls(const TlsConfig& tls) {
  if (tls.cert.empty()) return std::optional<Certificates>();
  ASSIGN_OR_RETURN(Certificates certificates, ReadCertificates(FilesOf(tls)));
  return std::optional<Certificates>(std::move(certificates));
}

Result<std::optional<std::vector<User>>> ReadUserFile(const AuthConfig& auth) {
  if (auth.users_file.empty()) return std::optional<std::vector<User>>();
  ASSIGN_OR_RETURN(std::vector<User> users, ReadUsers(auth.users_file));
  return std::optional<std::vector<User>>(std::move(users));
}

struct KeyProblem {
  std::string key;
  std::string text;
};

// Reads all files; fills what can be read and names the rest.
std::vector<KeyProblem> ReadAll(const Config& config, SecurityFiles& files) {
  std::vector<KeyProblem> problems;
  const auto take = [&](const char* key, auto read, auto& content) {
    if (read.has_value()) {
      content = *std::move(read);
    } else {
      problems.push_back({key, read.error().message});
    }
  };
  take("grpc.tls.cert", ReadTls(config.grpc.tls), files.grpc);
  take("http.tls.cert", ReadTls(config.http.tls), files.http);
  take("auth.users_file", ReadUserFile(config.auth), files.users);
  return problems;
}

}  // namespace

Result<SecurityFiles> ReadSecurityFiles(const Config& config) {
  SecurityFiles files;
  const std::vector<KeyProblem> problems = ReadAll(config, files);
  if (problems.empty()) return files;
  return Error{ErrorCode::kInvalidArgument, problems.front().key + ": " + problems.front().text};
}

std::vector<ConfigMistake> CheckSecurityFiles(const LoadedConfig& loaded) {
  SecurityFiles files;
  std::vector<ConfigMistake> mistakes;
  for (const KeyProblem& problem : ReadAll(loaded.config, files)) {
    mistakes.push_back({loaded.Origin(problem.key).where, problem.key + ": " + problem.text});
  }
  return mistakes;
}

Security::Security(const Config& config, SecurityFiles files, const Parts& parts)
    : health_(config.auth.health_open ? HealthCheckAuth::kOpen : HealthCheckAuth::kRequired),
      grpc_interval_(config.grpc.tls.reload.count()),
      http_interval_(config.http.tls.reload.count()),
      users_interval_(config.auth.reload.count()),
      executor_(ThreadExecutor::Create("security", 1)) {
  if (files.grpc.has_value()) {
    grpc_ = std::make_unique<CertificateSource>("grpc", FilesOf(config.grpc.tls),
                                                *std::move(files.grpc), parts.clock, parts.metrics);
    WatchCertificates(*grpc_, grpc_interval_);
  }
  if (files.http.has_value()) {
    http_ = std::make_unique<CertificateSource>("http", FilesOf(config.http.tls),
                                                *std::move(files.http), parts.clock, parts.metrics);
    WatchCertificates(*http_, http_interval_);
  }
  if (files.users.has_value()) {
    authenticator_ = std::make_unique<Authenticator>(
        Authenticator::Parts{parts.random, parts.clock, *executor_, parts.metrics}, VerifyPassword);
    users_ = std::make_unique<UserSource>(config.auth.users_file, *files.users, *authenticator_,
                                          parts.metrics);
    WatchUsers();
  }
}

PortProtection Security::grpc() const { return {grpc_.get(), authenticator_.get(), health_}; }

void Security::Apply(const Config& config, SecurityFiles files) {
  grpc_interval_ = config.grpc.tls.reload.count();
  http_interval_ = config.http.tls.reload.count();
  users_interval_ = config.auth.reload.count();
  if (grpc_ != nullptr && files.grpc.has_value()) {
    grpc_->Replace(FilesOf(config.grpc.tls), *std::move(files.grpc));
  }
  if (http_ != nullptr && files.http.has_value()) {
    http_->Replace(FilesOf(config.http.tls), *std::move(files.http));
  }
  if (users_ != nullptr && files.users.has_value()) {
    users_->Replace(config.auth.users_file, *files.users);
  }
}

// What goes wrong with a refresh is told by the source.
void Security::WatchCertificates(CertificateSource& source, const std::atomic<int64_t>& interval) {
  executor_->PostAfter(interval, [this, &source, &interval] {
    static_cast<void>(source.Refresh());
    WatchCertificates(source, interval);
  });
}

void Security::WatchUsers() {
  executor_->PostAfter(users_interval_, [this] {
    static_cast<void>(users_->Refresh());
    WatchUsers();
  });
}

void Security::Close() {
  if (authenticator_ != nullptr) authenticator_->Close();
  executor_->Close();
}

}  // namespace ficus
