// The five fields of a cron line, as sets.
//
//     minute 0-59, hour 0-23, day of month 1-31, month 1-12 or JAN-DEC, day of week 0-7 or SUN-SAT
//     (0 and 7 are Sunday); each is *, a number, a range a-b, a step */n or a-b/n, or a list of
//     these
//
// As in Vixie's cron: when neither day field begins with *, a day that is in one of them is enough;
// otherwise it must be in both.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/result.h"
#include "server/scheduler/time_zone.h"

namespace ficus {

class CronFields {
 public:
  // `text` has five fields between blanks. kInvalidArgument: "column 5: 13 is above 12, the last
  // month"; columns count bytes from 1. A date that no year has, such as 31 February, is refused.
  static Result<CronFields> Parse(std::string_view text);

  // Whether the hour field holds * or a step: such a schedule follows the readings of the clock,
  // not the hours of a day.
  bool follows_clock() const { return follows_clock_; }

  bool MatchesDay(const ClockReading& day) const;

  // The first matching minute of a day from `minute` on, both from 0 to 1439; -1 for none.
  int NextMinute(int minute) const;

 private:
  uint64_t minutes_ = 0;
  uint64_t hours_ = 0;
  uint64_t days_ = 0;
  uint64_t months_ = 0;
  uint64_t weekdays_ = 0;  // bits 0 to 6
  bool any_day_ = false;   // the field begins with *
  bool any_weekday_ = false;
  bool follows_clock_ = false;
};

}  // namespace ficus
