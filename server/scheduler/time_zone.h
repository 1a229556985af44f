// Time zones by their IANA names, from the system's tzdata.
//
// A zone is a row of stretches, each with one offset from UTC. Where the offset grows, the clocks
// on the wall skip some readings (a gap); where it shrinks, they show some twice.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"

namespace ficus {

// What a clock on the wall shows.
struct ClockReading {
  int64_t year = 1970;
  int month = 1;    // 1 to 12
  int day = 1;      // 1 to 31
  int hour = 0;     // 0 to 23
  int minute = 0;   // 0 to 59
  int second = 0;   // 0 to 59
  int weekday = 4;  // 0 is Sunday

  friend bool operator==(const ClockReading&, const ClockReading&) = default;
};

// The reading that lies `seconds` after 1970-01-01 00:00:00 on the same clock.
ClockReading ReadingOf(int64_t seconds);

// Times of a stretch that has no begin or no end.
inline constexpr int64_t kStretchNoBegin = INT64_MIN;
inline constexpr int64_t kStretchNoEnd = INT64_MAX;

// Copies are handles to one loaded zone. All members: any thread.
class TimeZone {
 public:
  // Half-open, in seconds since 1970 UTC; offsets in seconds east of UTC.
  struct Stretch {
    int64_t begin = kStretchNoBegin;
    int64_t end = kStretchNoEnd;
    int64_t offset = 0;
    int64_t offset_before = 0;  // of the stretch before; `offset` when there is none
  };

  static TimeZone Utc();

  // kInvalidArgument: not the name of a zone, with the one that was probably meant; the message is
  // the end of a sentence that begins with the name. kNotFound: this machine has no tzdata.
  // Zones stay in memory for the life of the process.
  static Result<TimeZone> Load(const std::string& name);

  const std::string& name() const;

  // The stretch that holds `unix_seconds`.
  Stretch StretchAt(int64_t unix_seconds) const;

  ClockReading At(UnixNanos time) const;

  friend bool operator==(const TimeZone& a, const TimeZone& b) { return a.name() == b.name(); }

 private:
  struct Zone;
  explicit TimeZone(std::shared_ptr<const Zone> zone) : zone_(std::move(zone)) {}

  std::shared_ptr<const Zone> zone_;
};

// All names that tzdata lists, sorted; empty when this machine has no tzdata.
std::vector<std::string> TimeZoneNames();

}  // namespace ficus
