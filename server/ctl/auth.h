// ficusctl auth: making what a file of users holds, and looking at one. Speaks to no node.
#pragma once

#include <CLI/CLI.hpp>

#include "server/ctl/command.h"

namespace ficus {

// Adds `auth hash` and `auth users`. `command` outlives the app.
void AddAuthCommands(CLI::App& app, Command& command);

}  // namespace ficus
