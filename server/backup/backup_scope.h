// How much of the node a backup holds, and which backup may take another one's place.
//
// A scope is a text: "node", or what was asked for, "groups sw_*, web; catalogs measure". Backups
// of one scope follow one another; those of different scopes are apart, for retention too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/backup/manifest.h"

namespace ficus {

inline constexpr std::string_view kNodeScope = "node";

// The scope of a run that asks for `groups` and `catalogs`, in any order; empty lists: all. At most
// a few hundred bytes: what is longer is told apart by its SHA-256.
std::string ScopeText(std::vector<std::string> groups, std::vector<std::string> catalogs);

// The scope that `manifest` names; of one from before scopes were written, what it holds.
std::string ScopeOf(const BackupManifest& manifest);

// Whether nothing is lost when `later` stands where `earlier` stood: it holds the whole node, or
// what was asked for is the same, or it has each group that the other has. A partial backup never
// covers one of the whole node.
bool Covers(const BackupManifest& later, const BackupManifest& earlier);

}  // namespace ficus
