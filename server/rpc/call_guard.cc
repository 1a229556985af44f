#include "server/rpc/call_guard.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <grpc/slice.h>

namespace ficus {
namespace {

constexpr std::string_view kHealthCheck = "/grpc.health.v1.Health/Check";

struct Guard {
  Authenticator& authenticator;
  HealthCheckAuth health;
};

std::string_view View(const grpc_slice& slice) {
  return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)), GRPC_SLICE_LENGTH(slice)};
}

// The first entry of a name, as BanyanDB takes it; null when there is none.
const grpc_metadata* Find(const grpc_metadata* entries, size_t count, std::string_view name) {
  for (size_t i = 0; i < count; ++i) {
    if (View(entries[i].key) == name) return &entries[i];
  }
  return nullptr;
}

// The answer to one call; the two entries end here.
void Answer(AuthVerdict verdict, grpc_process_auth_metadata_done_cb done, void* call) {
  if (verdict == AuthVerdict::kGranted) {
    std::array<grpc_metadata, 2> consumed{};
    consumed[0].key = grpc_slice_from_static_string("username");
    consumed[1].key = grpc_slice_from_static_string("password");
    done(call, consumed.data(), consumed.size(), nullptr, 0, GRPC_STATUS_OK, nullptr);
  } else if (verdict == AuthVerdict::kDenied) {
    done(call, nullptr, 0, nullptr, 0, GRPC_STATUS_UNAUTHENTICATED, "Invalid credentials");
  } else {
    done(call, nullptr, 0, nullptr, 0, GRPC_STATUS_RESOURCE_EXHAUSTED,
         "too many passwords wait to be verified; try again");
  }
}

void Process(void* state, grpc_auth_context*, const grpc_metadata* entries, size_t count,
             grpc_process_auth_metadata_done_cb done, void* call) {
  const Guard& guard = *static_cast<const Guard*>(state);
  if (count == 0) {
    done(call, nullptr, 0, nullptr, 0, GRPC_STATUS_UNAUTHENTICATED, "metadata is not provided");
    return;
  }
  const grpc_metadata* const path = Find(entries, count, ":path");
  if (guard.health == HealthCheckAuth::kOpen && path != nullptr &&
      View(path->value) == kHealthCheck) {
    Answer(AuthVerdict::kGranted, done, call);
    return;
  }
  const grpc_metadata* const username = Find(entries, count, "username");
  const grpc_metadata* const password = Find(entries, count, "password");
  guard.authenticator.Check(username == nullptr ? "" : View(username->value),
                            password == nullptr ? "" : View(password->value),
                            [done, call](AuthVerdict verdict) { Answer(verdict, done, call); });
}

}  // namespace

grpc_auth_metadata_processor MakeCallGuard(Authenticator& authenticator, HealthCheckAuth health) {
  grpc_auth_metadata_processor guard;
  guard.process = Process;
  guard.destroy = [](void* state) { delete static_cast<Guard*>(state); };
  guard.state = new Guard{authenticator, health};
  return guard;
}

}  // namespace ficus
