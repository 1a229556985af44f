// ficusctl config: the configuration of a running node.
#pragma once

#include <CLI/CLI.hpp>

#include "server/ctl/admin_client.h"
#include "server/ctl/command.h"

namespace ficus {

// Adds `config reload`. `client` and `command` outlive the app.
void AddConfigCommands(CLI::App& app, const ClientOptions& client, Command& command);

}  // namespace ficus
