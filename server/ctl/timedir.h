// `ficusctl timedir ...`: the time directories of a destination, and the markers by which a node is
// asked to restore one of them at its next start.
#pragma once

#include <CLI/CLI.hpp>

#include "server/ctl/admin_client.h"
#include "server/ctl/command.h"

namespace ficus {

// Adds the subcommand; one that is parsed sets `command`. Both outlive the app.
//
//   timedir list --dest URL [--prefix 2026-11]
//   timedir create [NAME] --root DIR [--catalog measure ...] [--form released|seed] [--dry-run]
//   timedir read --root DIR [--catalog ...]
//   timedir delete --root DIR [--catalog ...] [--dry-run]
void AddTimedirCommands(CLI::App& app, const ClientOptions& client, Command& command);

}  // namespace ficus
