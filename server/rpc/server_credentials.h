// How the server's port is protected: TLS with certificates that may change, and a guard for calls.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/security/server_credentials.h>

#include "server/rpc/call_guard.h"
#include "server/security/authenticator.h"
#include "server/security/certificate_source.h"

namespace ficus {

// What is null is not done: without certificates the port is plain text, without an authenticator
// every call is let in. All of it outlives the server.
struct PortProtection {
  CertificateSource* certificates = nullptr;
  Authenticator* authenticator = nullptr;
  HealthCheckAuth health = HealthCheckAuth::kOpen;
};

// The credentials of a port, over gRPC's core: its C++ classes neither guard a port in plain text
// nor verify off the network's threads, and their watcher of certificate files
// (FileWatcherCertificateProvider of 1.51) hands on a key that does not fit. TLS is 1.2 or newer.
// They outlive the server.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const PortProtection& protection);

}  // namespace ficus
