// `ficusctl remote ...`: what a destination can do.
#pragma once

#include <CLI/CLI.hpp>

#include "server/ctl/admin_client.h"
#include "server/ctl/command.h"

namespace ficus {

// Adds the subcommand; one that is parsed sets `command`. Both outlive the app.
//
//   remote test NAME    the node tries its remote of that name
//   remote test URL     this program tries the destination itself
void AddRemoteCommands(CLI::App& app, const ClientOptions& client, Command& command);

}  // namespace ficus
