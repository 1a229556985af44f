// `ficusctl snapshot ...`: taken by a running node; listed, verified and deleted on its root.
#pragma once

#include <CLI/CLI.hpp>

#include "server/ctl/admin_client.h"
#include "server/ctl/command.h"

namespace ficus {

// Adds the subcommand; one that is parsed sets `command`. Both outlive the app.
void AddSnapshotCommands(CLI::App& app, const ClientOptions& client, Command& command);

}  // namespace ficus
