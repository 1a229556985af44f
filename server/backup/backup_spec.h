// What a backup job is asked to do, resolved: no configuration text, no time zone names.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "server/backup/manifest.h"
#include "server/backup/repository_keys.h"

namespace ficus {

// What is read back after a commit.
enum class VerifyMode : uint8_t { kOff, kSample, kFull };

// How many committed backups stay: the newest of each of the last N hours, days, weeks and months,
// and at least `min` whatever their age. All zero: nothing is ever removed.
struct KeepRule {
  uint32_t hourly = 0;
  uint32_t daily = 0;
  uint32_t weekly = 0;
  uint32_t monthly = 0;
  uint32_t min = 0;
  bool KeepsAll() const { return hourly + daily + weekly + monthly + min == 0; }
  // Keeps what either keeps.
  KeepRule Together(const KeepRule& other) const {
    if (KeepsAll() || other.KeepsAll()) return {};
    return {std::max(hourly, other.hourly), std::max(daily, other.daily),
            std::max(weekly, other.weekly), std::max(monthly, other.monthly),
            std::max(min, other.min)};
  }
  friend bool operator==(const KeepRule&, const KeepRule&) = default;
};

// A point in time as the clocks on the wall of the job's time zone show it.
using CivilTime = std::function<CivilHour(UnixNanos)>;

struct BackupJobSpec {
  std::string name;    // in the configuration; empty for a run by hand
  std::string remote;  // name of a destination
  TimeStyle time_style = TimeStyle::kDaily;
  CivilTime civil_time;  // unset: UTC
  TimedirForm form = TimedirForm::kReleased;
  // Empty: all. A name may end in '*'. One that matches nothing fails the run.
  std::vector<std::string> groups;
  // Folders ("measure", ...); empty: all.
  std::vector<std::string> catalogs;
  VerifyMode verify = VerifyMode::kSample;
  double sample_percent = 5;  // of the bytes, for kSample
  KeepRule keep;
  // Commits what can be read of a damaged node, as a backup that is never called verified and
  // displaces nothing. Otherwise damage fails the run.
  bool allow_degraded = false;
};

// UTC, whatever the machine's zone.
CivilHour UtcCivilHour(UnixNanos time);

}  // namespace ficus
