// A channel to a node: encrypted, and with a name and a password on every call, where that is asked
// for.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/support/channel_arguments.h>

#include "engine/base/result.h"

namespace ficus {

struct NodeAddress {
  std::string address = "127.0.0.1:17912";  // host:port
  // TLS; set, too, by each of the following four.
  bool tls = false;
  std::string ca_file;    // empty: the system's authorities
  std::string cert_file;  // what this side shows, with its key
  std::string key_file;
  std::string server_name;    // that the node's certificate must have; empty: the host of `address`
  std::string username;       // empty: calls say nothing about who makes them
  std::string password_file;  // empty: the environment's FICUS_PASSWORD
  // Passwords may cross a network in plain text.
  bool insecure = false;

  bool WantsTls() const {
    return tls || !ca_file.empty() || !cert_file.empty() || !key_file.empty() ||
           !server_name.empty();
  }
};

// Connects at the first call. kInvalidArgument, kNotFound, kIo, kPermissionDenied: a sentence that
// says which of the settings cannot be used and why; it never holds the password.
Result<std::shared_ptr<grpc::Channel>> ConnectToNode(const NodeAddress& node,
                                                     grpc::ChannelArguments arguments = {});

// Waits for a connection, which is tried at once again where it fails; for whoever makes one call
// and ends. After `patience` at the latest, which passes where nobody listens: the call itself then
// says why. Blocks.
//
// The first try may be lost for no reason: gRPC 1.51 reads errno some calls after connect(), and
// where /sys is not mounted one of these may have set it.
void Reach(const std::shared_ptr<grpc::Channel>& channel, std::chrono::milliseconds patience);

// What a command waits: long for two refusals, short for a person.
inline constexpr std::chrono::milliseconds kReachPatience{500};

}  // namespace ficus
