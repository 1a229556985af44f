#include "server/rpc/server_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "engine/base/log.h"
#include "engine/base/mutex.h"

namespace ficus {
namespace {

grpc_ssl_server_certificate_config* ConfigOf(const Certificates& certificates) {
  const grpc_ssl_pem_key_cert_pair pair{certificates.key_pem.c_str(),
                                        certificates.chain_pem.c_str()};
  // gRPC wants authorities even where no client is asked for a certificate: any will do then.
  const std::string& roots =
      certificates.client_ca_pem.empty() ? certificates.chain_pem : certificates.client_ca_pem;
  return grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
}

class ProtectedPort final : public grpc::ServerCredentials {
 public:
  explicit ProtectedPort(const PortProtection& protection) : protection_(protection) {}

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    // The guard is part of the port from the beginning.
    LogError("grpc.credentials", "a processor of metadata was offered and not taken");
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    grpc_server_credentials* const credentials =
        protection_.certificates == nullptr ? grpc_insecure_server_credentials_create() : Tls();
    if (protection_.authenticator != nullptr) {
      grpc_server_credentials_set_auth_metadata_processor(
          credentials, MakeCallGuard(*protection_.authenticator, protection_.health));
    }
    const int port = grpc_server_add_http2_port(server, address.c_str(), credentials);
    grpc_server_credentials_release(credentials);
    return port;
  }

  grpc_server_credentials* Tls() {
    const bool clients_too = !protection_.certificates->Current()->client_ca_pem.empty();
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            clients_too ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                        : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            Fetch, this));
  }

  // Called in front of each handshake.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<ProtectedPort*>(self)->FetchNew(config);
  }
  grpc_ssl_certificate_config_reload_status FetchNew(grpc_ssl_server_certificate_config** config) {
    MutexLock lock(mutex_);
    std::shared_ptr<const Certificates> current = protection_.certificates->Current();
    if (current == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    *config = ConfigOf(*current);
    given_ = std::move(current);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const PortProtection protection_;
  Mutex mutex_;
  std::shared_ptr<const Certificates> given_ GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const PortProtection& protection) {
  return std::make_shared<ProtectedPort>(protection);
}

}  // namespace ficus
