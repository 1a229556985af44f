#include "server/scheduler/time_zone.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include <absl/time/civil_time.h>
#include <absl/time/time.h>
#include <fmt/core.h>

#include "engine/base/suggestion.h"

namespace ficus {
namespace {

constexpr size_t kNameBytesMax = 64;
constexpr int64_t kSecondsPerDay = 86'400;

int64_t FloorDiv(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

std::string Folder() {
  const char* const folder = std::getenv("TZDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/usr/share/zoneinfo";
}

// The library opens what it is given: absolute paths, "localtime" and whatever the environment
// names are none of ours.
bool IsZoneName(const std::string& name) {
  const auto is_name_byte = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '+' || c == '/';
  };
  return !name.empty() && name.size() <= kNameBytesMax && name.front() != '/' &&
         name != "localtime" && std::all_of(name.begin(), name.end(), is_name_byte);
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// "europe/berlin" and "Berlin" mean Europe/Berlin; otherwise the nearest name.
std::string NearestZone(const std::string& name, const std::vector<std::string>& names) {
  const std::string lower = Lower(name);
  for (const std::string& candidate : names) {
    const std::string known = Lower(candidate);
    if (known == lower || known.substr(known.rfind('/') + 1) == lower) return candidate;
  }
  return NearestWord(name, names);
}

int64_t SecondsOf(const absl::CivilSecond& reading) {
  return reading - absl::CivilSecond(1970, 1, 1);
}

}  // namespace

struct TimeZone::Zone {
  std::string name;
  absl::TimeZone zone;
};

ClockReading ReadingOf(int64_t seconds) {
  const int64_t days = FloorDiv(seconds, kSecondsPerDay);
  const absl::CivilDay date = absl::CivilDay(1970, 1, 1) + days;
  const int within = static_cast<int>(seconds - days * kSecondsPerDay);
  ClockReading civil;
  civil.year = date.year();
  civil.month = date.month();
  civil.day = date.day();
  civil.hour = within / 3600;
  civil.minute = within / 60 % 60;
  civil.second = within % 60;
  civil.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
  return civil;
}

TimeZone TimeZone::Utc() {
  return TimeZone(std::make_shared<Zone>(Zone{"UTC", absl::UTCTimeZone()}));
}

Result<TimeZone> TimeZone::Load(const std::string& name) {
  if (name == "UTC") return Utc();
  Zone zone{name, {}};
  if (IsZoneName(name) && absl::LoadTimeZone(name, &zone.zone)) {
    return TimeZone(std::make_shared<Zone>(std::move(zone)));
  }
  const std::vector<std::string> names = TimeZoneNames();
  if (names.empty()) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("cannot be looked up: there is no time zone data in {}; install "
                             "the package tzdata, or use UTC",
                             Folder())};
  }
  const std::string nearest = NearestZone(name, names);
  return Error{
      ErrorCode::kInvalidArgument,
      "is not a time zone" + (nearest.empty() ? "; write a name such as Europe/Berlin, or UTC"
                                              : "; did you mean " + nearest + "?")};
}

const std::string& TimeZone::name() const { return zone_->name; }

TimeZone::Stretch TimeZone::StretchAt(int64_t unix_seconds) const {
  const absl::TimeZone& zone = zone_->zone;
  const absl::Time time = absl::FromUnixSeconds(unix_seconds);
  Stretch stretch;
  stretch.offset = zone.At(time).offset;
  stretch.offset_before = stretch.offset;
  absl::TimeZone::CivilTransition change;
  if (zone.NextTransition(time, &change)) {
    stretch.end = SecondsOf(change.from) - stretch.offset;
  }
  if (zone.PrevTransition(time + absl::Seconds(1), &change)) {
    stretch.begin = SecondsOf(change.to) - stretch.offset;
    stretch.offset_before = SecondsOf(change.from) - stretch.begin;
  }
  return stretch;
}

ClockReading TimeZone::At(UnixNanos time) const {
  const int64_t seconds = FloorDiv(time, kNanosPerSecond);
  return ReadingOf(seconds + zone_->zone.At(absl::FromUnixSeconds(seconds)).offset);
}

std::vector<std::string> TimeZoneNames() {
  // Lines "Z <name> ..." and "L <target> <name>" of the compact form of the database.
  std::ifstream database(Folder() + "/tzdata.zi");
  std::vector<std::string> names;
  for (std::string line; std::getline(database, line);) {
    std::istringstream words(line);
    std::string kind;
    std::string name;
    words >> kind >> name;
    if (kind == "L") words >> name;
    if ((kind == "Z" || kind == "L") && IsZoneName(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace ficus
