#include "server/daemon/config_changes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "config/keys.h"
#include "engine/base/check.h"

namespace ficus {
namespace {

constexpr std::array<std::string_view, 9> kAlways = {
    "log.level",       "log.format",      "query.timeout", "query.damaged_parts", "disk.warn",
    "grpc.tls.reload", "http.tls.reload", "auth.insecure", "auth.reload"};
// Texts; empty means that something is switched off, which a listener cannot do while it listens.
constexpr std::array<std::string_view, 6> kUnlessSwitched = {
    "grpc.tls.cert", "grpc.tls.key", "grpc.tls.client_ca",
    "http.tls.cert", "http.tls.key", "auth.users_file"};

template <typename Keys>
bool Has(const Keys& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool IsReloadable(std::string_view key, const std::string& before, const std::string& after) {
  if (Has(kAlways, key)) return true;
  return Has(kUnlessSwitched, key) && !before.empty() && !after.empty();
}

// A remote or backup that one of the two does not have.
template <typename Entries>
void NameDifferences(const char* section, const Entries& left, const Entries& right,
                     std::vector<std::string>& keys) {
  const auto differs = [&](const std::string& name) {
    const auto in_left = left.find(name);
    const auto in_right = right.find(name);
    return in_left == left.end() || in_right == right.end() ||
           !(in_left->second == in_right->second);
  };
  Entries both = left;
  both.insert(right.begin(), right.end());
  for (const auto& item : both) {
    if (differs(item.first)) keys.push_back(std::string(section) + "." + item.first);
  }
}

}  // namespace

ConfigChanges CompareConfigs(const Config& running, const Config& next) {
  ConfigChanges changes;
  changes.applied = running;
  for (const ConfigKey& key : ConfigKeys()) {
    const std::string before = key.show(running);
    const std::string after = key.show(next);
    if (before == after) continue;
    if (IsReloadable(key.path, before, after)) {
      const Result<> set = key.set(changes.applied, after);
      CHECK(set.has_value()) << key.path;  // it was loaded
      changes.changed.push_back(key.path);
    } else {
      changes.need_restart.push_back(key.path);
    }
  }
  NameDifferences("remotes", running.remotes, next.remotes, changes.need_restart);
  NameDifferences("backups", running.backups, next.backups, changes.need_restart);
  return changes;
}

}  // namespace ficus
