// Decides about a call by its metadata, before anything else of it is looked at: BanyanDB's
// `username` and `password` on every call.
//
// It stands in front of every method of every service, those of the library included, and of paths
// that no service has. Source: BanyanDB's public API, "auth".
#pragma once

#include <grpc/grpc_security.h>

#include "server/security/authenticator.h"

namespace ficus {

// Whether grpc.health.v1.Health/Check answers without credentials. Watch never does.
enum class HealthCheckAuth { kOpen, kRequired };

// The guard as gRPC's core takes it; whoever gives it away no longer owns it. `authenticator`
// outlives every call. The handler of a call that is let in does not see the two entries.
grpc_auth_metadata_processor MakeCallGuard(Authenticator& authenticator, HealthCheckAuth health);

}  // namespace ficus
