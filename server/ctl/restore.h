// `ficusctl restore ...`: brings a backup back, without the daemon's help: it reads the destination
// and stages below the root; the next start of the node does the rest.
#pragma once

#include <CLI/CLI.hpp>

#include "server/ctl/admin_client.h"
#include "server/ctl/command.h"

namespace ficus {

// Adds the subcommand; one that is parsed sets `command`. Both outlive the app.
void AddRestoreCommands(CLI::App& app, const ClientOptions& client, Command& command);

}  // namespace ficus
