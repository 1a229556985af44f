// What protects a running node: the certificates of its listeners and the users that may sign in,
// as its configuration names them, looked at again and again.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "config/config.h"
#include "config/load.h"
#include "config/mistake.h"
#include "engine/base/clock.h"
#include "engine/base/metrics.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/runtime/executor.h"
#include "server/rpc/server_credentials.h"
#include "server/security/authenticator.h"
#include "server/security/certificate_source.h"
#include "server/security/user_source.h"

namespace ficus {

// The content of the files; none where the configuration names none.
struct SecurityFiles {
  std::optional<Certificates> grpc;
  std::optional<Certificates> http;
  std::optional<std::vector<User>> users;
};

// kInvalidArgument: what is wrong with the first file that cannot be used, after its key.
Result<SecurityFiles> ReadSecurityFiles(const Config& config);

// The same for all of them, each at the place where the configuration names it.
std::vector<ConfigMistake> CheckSecurityFiles(const LoadedConfig& loaded);

// Threads: any, but Close and the destructor.
class Security {
 public:
  // All of it outlives the object.
  struct Parts {
    RandomSource& random;
    const Clock& clock;
    MetricRegistry& metrics;
  };

  // `files` are what `config` names.
  Security(const Config& config, SecurityFiles files, const Parts& parts);
  ~Security() { Close(); }

  // As long as the object.
  PortProtection grpc() const;
  CertificateSource* http_certificates() const { return http_.get(); }
  Authenticator* authenticator() const { return authenticator_.get(); }

  // From here on the files that `config` names, which hold `files`. What was off stays off, and
  // what was on stays on: that takes a start.
  void Apply(const Config& config, SecurityFiles files);

  // Calls that wait for a verification are answered; nothing is looked at any more. Before the
  // servers stop. Idempotent.
  void Close();

 private:
  void WatchCertificates(CertificateSource& source, const std::atomic<int64_t>& interval);
  void WatchUsers();

  const HealthCheckAuth health_;
  std::atomic<int64_t> grpc_interval_{0};
  std::atomic<int64_t> http_interval_{0};
  std::atomic<int64_t> users_interval_{0};
  std::unique_ptr<ThreadExecutor> executor_;
  std::unique_ptr<CertificateSource> grpc_;
  std::unique_ptr<CertificateSource> http_;
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<UserSource> users_;
};

}  // namespace ficus
