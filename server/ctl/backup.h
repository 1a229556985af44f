// `ficusctl backup ...`: backups of a running node, made, listed, verified and pruned by the node.
#pragma once

#include <CLI/CLI.hpp>

#include "server/ctl/admin_client.h"
#include "server/ctl/command.h"

namespace ficus {

// Adds the subcommand; one that is parsed sets `command`. Both outlive the app.
void AddBackupCommands(CLI::App& app, const ClientOptions& client, Command& command);

}  // namespace ficus
