#include "server/backup/backup_scope.h"

#include <algorithm>
#include <set>
#include <utility>

#include "server/backup/sha256.h"

namespace ficus {
namespace {

constexpr size_t kTextBytesMax = 256;

std::string Joined(std::string_view what, std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string text(what);
  for (size_t i = 0; i < names.size(); ++i) text += (i == 0 ? " " : ", ") + names[i];
  return text;
}

// "measure/sw_metric", ...; the schemas are part of every backup.
std::set<std::string> GroupsOf(const BackupManifest& manifest) {
  std::set<std::string> groups;
  for (const BackupCatalog& catalog : manifest.catalogs) {
    for (const BackupGroup& group : catalog.groups) {
      groups.insert(catalog.folder + "/" + group.name);
    }
  }
  return groups;
}

std::string Shortened(std::string text) {
  if (text.size() <= kTextBytesMax) return text;
  return "sha256:" + HexOf(Sha256Of(text));
}

}  // namespace

std::string ScopeText(std::vector<std::string> groups, std::vector<std::string> catalogs) {
  if (groups.empty() && catalogs.empty()) return std::string(kNodeScope);
  std::string text;
  if (!groups.empty()) text = Joined("groups", std::move(groups));
  if (!catalogs.empty()) {
    text += (text.empty() ? "" : "; ") + Joined("catalogs", std::move(catalogs));
  }
  return Shortened(std::move(text));
}

std::string ScopeOf(const BackupManifest& manifest) {
  if (!manifest.scope.empty()) return manifest.scope;
  if (manifest.whole_node) return std::string(kNodeScope);
  const std::set<std::string> groups = GroupsOf(manifest);
  return Shortened(Joined("holds", {groups.begin(), groups.end()}));
}

bool Covers(const BackupManifest& later, const BackupManifest& earlier) {
  if (later.whole_node || earlier.whole_node) return later.whole_node;
  if (ScopeOf(later) == ScopeOf(earlier)) return true;
  const std::set<std::string> later_groups = GroupsOf(later);
  const std::set<std::string> earlier_groups = GroupsOf(earlier);
  return std::includes(later_groups.begin(), later_groups.end(), earlier_groups.begin(),
                       earlier_groups.end());
}

}  // namespace ficus
