#include "server/daemon/config_check.h"

#include <string>
#include <string_view>

#include <fmt/core.h>

#include "engine/base/result.h"
#include "server/remote/open_store.h"
#include "server/remote/store_url.h"
#include "server/scheduler/schedule.h"
#include "server/scheduler/time_zone.h"

namespace ficus {
namespace {

constexpr size_t kShownBytesMax = 60;

class Checker {
 public:
  explicit Checker(const LoadedConfig& loaded) : loaded_(loaded) {}

  std::vector<ConfigMistake> Check() {
    for (const auto& [name, remote] : loaded_.config.remotes) {
      CheckRemote("remotes." + name + ".url", remote);
    }
    for (const auto& [name, backup] : loaded_.config.backups) {
      const std::string schedule = "backups." + name + ".schedule";
      if (const auto parsed = Schedule::Parse(backup.schedule); !parsed) {
        Mistake(schedule,
                fmt::format("{}: {}", Shown(schedule, backup.schedule), parsed.error().message));
      }
      const std::string zone = "backups." + name + ".time_zone";
      if (const auto found = TimeZone::Load(backup.time_zone); !found) {
        Mistake(zone, Shown(zone, backup.time_zone) + " " + found.error().message);
      }
    }
    return std::move(mistakes_);
  }

 private:
  void CheckRemote(const std::string& key, const RemoteConfig& remote) {
    if (const Result<> fits = CheckStoreUrl(remote.url); !fits) {
      // The message shows of the URL what may be shown.
      Mistake(key, fits.error().message);
      return;
    }
    const Result<std::string> folder = ParseFileUrl(remote.url);
    if (folder && IsBelow(*folder, loaded_.config.storage.path)) {
      Mistake(key, fmt::format("{} lies in storage.path, which a restore replaces",
                               Shown(key, WithoutSecrets(remote.url))));
    }
  }

  static bool IsBelow(std::string_view path, std::string_view parent) {
    while (parent.size() > 1 && parent.back() == '/') parent.remove_suffix(1);
    return path.substr(0, parent.size()) == parent &&
           (path.size() == parent.size() || path[parent.size()] == '/');
  }

  std::string Shown(const std::string& key, std::string_view value) const {
    if (loaded_.secrets.count(key) != 0) return "its value";
    return fmt::format("\"{}{}\"", value.substr(0, kShownBytesMax),
                       value.size() > kShownBytesMax ? "..." : "");
  }

  void Mistake(const std::string& key, const std::string& text) {
    mistakes_.push_back({loaded_.Origin(key).where, key + ": " + text});
  }

  const LoadedConfig& loaded_;
  std::vector<ConfigMistake> mistakes_;
};

}  // namespace

std::vector<ConfigMistake> CheckMeanings(const LoadedConfig& loaded) {
  return Checker(loaded).Check();
}

}  // namespace ficus
