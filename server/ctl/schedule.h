// `ficusctl schedule ...`: what the node runs by the clock.
#pragma once

#include <CLI/CLI.hpp>

#include "server/ctl/admin_client.h"
#include "server/ctl/command.h"

namespace ficus {

// Adds the subcommand; one that is parsed sets `command`. Both outlive the app.
void AddScheduleCommands(CLI::App& app, const ClientOptions& client, Command& command);

}  // namespace ficus
