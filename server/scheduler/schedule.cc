#include "server/scheduler/schedule.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/random.h"
#include "engine/base/suggestion.h"
#include "engine/encoding/checksum.h"

namespace ficus {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;
constexpr int64_t kSearchSeconds = 30 * 366 * kSecondsPerDay;
constexpr int64_t kLastSecond = INT64_MAX / kNanosPerSecond - 1;
constexpr int64_t kFirstSecond = INT64_MIN / kNanosPerSecond + 1;
constexpr int64_t kNoReading = INT64_MAX;

struct Descriptor {
  std::string_view name;
  std::string_view fields;
};

constexpr std::array<Descriptor, 7> kDescriptors = {{{"@hourly", "0 * * * *"},
                                                     {"@daily", "0 0 * * *"},
                                                     {"@midnight", "0 0 * * *"},
                                                     {"@weekly", "0 0 * * 0"},
                                                     {"@monthly", "0 0 1 * *"},
                                                     {"@yearly", "0 0 1 1 *"},
                                                     {"@annually", "0 0 1 1 *"}}};
constexpr std::string_view kEvery = "@every";

Error At(size_t column, std::string_view message) {
  return {ErrorCode::kInvalidArgument, fmt::format("column {}: {}", column, message)};
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

int64_t FloorDiv(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

int64_t UnitSeconds(char unit) {
  switch (unit) {
    case 'd':
      return kSecondsPerDay;
    case 'h':
      return 3600;
    case 'm':
      return 60;
    case 's':
      return 1;
    default:
      return 0;
  }
}

// "1h30m" from `text`, which begins at `column`.
Result<int64_t> ParseInterval(std::string_view text, size_t column) {
  if (text.empty()) return At(column, "an interval such as 90m is missing");
  int64_t seconds = 0;
  int64_t unit_before = INT64_MAX;
  for (size_t at = 0; at < text.size();) {
    int64_t number = 0;
    const size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - start < 9) {
      number = number * 10 + (text[at++] - '0');
    }
    if (at == start) return At(column + at, "a whole number is missing: write for example 1h30m");
    const int64_t unit = at < text.size() ? UnitSeconds(text[at]) : 0;
    if (unit == 0) return At(column + at, "a unit is missing: s, m, h or d");
    if (unit >= unit_before) return At(column + start, "the larger unit goes first, each once");
    unit_before = unit;
    seconds += number * unit;
    ++at;
  }
  if (seconds < kIntervalNanosMin / kNanosPerSecond) return At(column, "the least interval is 1s");
  if (seconds > kIntervalNanosMax / kNanosPerSecond) {
    return At(column, "the longest interval is 366d");
  }
  return seconds * kNanosPerSecond;
}

std::string UnknownDescriptor(std::string_view word) {
  std::vector<std::string> names{std::string(kEvery)};
  for (const Descriptor& descriptor : kDescriptors) names.emplace_back(descriptor.name);
  const std::string nearest = NearestWord(word, names);
  return "a word that begins with @ is @hourly, @daily, @midnight, @weekly, @monthly, @yearly, "
         "@annually or @every" +
         (nearest.empty() ? "" : "; did you mean " + nearest + "?");
}

// The first reading from `from` on and before `end` that matches; seconds on the clock.
int64_t NextReading(const CronFields& cron, int64_t from, int64_t end) {
  int64_t day = FloorDiv(from, kSecondsPerDay);
  int64_t minute = (from - day * kSecondsPerDay + 59) / 60;
  for (; day * kSecondsPerDay < end; ++day, minute = 0) {
    if (minute >= 1440 || !cron.MatchesDay(ReadingOf(day * kSecondsPerDay))) continue;
    const int found = cron.NextMinute(static_cast<int>(minute));
    if (found < 0) continue;
    const int64_t reading = day * kSecondsPerDay + found * 60;
    return reading < end ? reading : kNoReading;
  }
  return kNoReading;
}

int64_t Clamped(int64_t seconds) { return std::clamp(seconds, kFirstSecond, kLastSecond); }

}  // namespace

Result<Schedule> Schedule::Parse(std::string_view text) {
  if (text.size() > kScheduleBytesMax) {
    return At(kScheduleBytesMax + 1, fmt::format("longer than {} bytes", kScheduleBytesMax));
  }
  size_t begin = 0;
  while (begin < text.size() && IsBlank(text[begin])) ++begin;
  size_t end = text.size();
  while (end > begin && IsBlank(text[end - 1])) --end;
  Schedule schedule;
  schedule.text_ = std::string(text);
  if (begin == end) return At(1, "a schedule is missing: five fields, or a word such as @daily");
  if (text[begin] != '@') {
    ASSIGN_OR_RETURN(schedule.cron_, CronFields::Parse(text.substr(0, end)));
    return schedule;
  }
  size_t word_end = begin;
  while (word_end < end && !IsBlank(text[word_end])) ++word_end;
  const std::string_view word = text.substr(begin, word_end - begin);
  size_t rest = word_end;
  while (rest < end && IsBlank(text[rest])) ++rest;
  if (word == kEvery) {
    ASSIGN_OR_RETURN(schedule.interval_nanos_,
                     ParseInterval(text.substr(rest, end - rest), rest + 1));
    return schedule;
  }
  for (const Descriptor& descriptor : kDescriptors) {
    if (descriptor.name != word) continue;
    if (rest < end) return At(rest + 1, fmt::format("nothing may follow {}", word));
    ASSIGN_OR_RETURN(schedule.cron_, CronFields::Parse(descriptor.fields));
    return schedule;
  }
  return At(begin + 1, UnknownDescriptor(word));
}

UnixNanos Schedule::NextSlot(UnixNanos after, const TimeZone& zone) const {
  CHECK(interval_nanos_ == 0);
  int64_t from = Clamped(FloorDiv(after, kNanosPerSecond) + 1);
  const int64_t horizon = std::min(kLastSecond, from + kSearchSeconds);
  while (from < horizon) {
    const TimeZone::Stretch stretch = zone.StretchAt(from);
    const int64_t end = std::min(stretch.end, horizon);
    int64_t reading = from + stretch.offset;
    if (!cron_.follows_clock() && stretch.begin != kStretchNoBegin) {
      const int64_t gap_begin = stretch.begin + stretch.offset_before;
      const int64_t gap_end = stretch.begin + stretch.offset;
      const bool at_gap = from <= stretch.begin && gap_begin < gap_end;
      if (at_gap && NextReading(cron_, gap_begin, gap_end) != kNoReading) {
        return stretch.begin * kNanosPerSecond;
      }
      // Readings below this one were shown before.
      reading = std::max(reading, gap_begin);
    }
    const int64_t found = NextReading(cron_, reading, end + stretch.offset);
    if (found != kNoReading) return (found - stretch.offset) * kNanosPerSecond;
    from = end;
  }
  return kNoSlot;
}

UnixNanos Schedule::LatestSlot(UnixNanos at_most, const TimeZone& zone) const {
  CHECK(interval_nanos_ == 0);
  at_most = std::min(at_most, kNoSlot - 1);
  const int64_t end = Clamped(FloorDiv(at_most, kNanosPerSecond));
  for (int64_t back = 120; back <= kSearchSeconds && end - back > kFirstSecond; back *= 2) {
    UnixNanos slot = NextSlot((end - back) * kNanosPerSecond, zone);
    if (slot > at_most) continue;
    for (UnixNanos next = slot; next <= at_most; next = NextSlot(slot, zone)) slot = next;
    return slot;
  }
  return kNoSlot;
}

int64_t JitterNanos(uint64_t node_id, std::string_view job, UnixNanos slot, int64_t jitter_nanos) {
  if (jitter_nanos <= 0) return 0;
  SeededRandom random(node_id ^ Xxh3(job) ^ SeededRandom(static_cast<uint64_t>(slot)).Next());
  return static_cast<int64_t>(random.Below(static_cast<uint64_t>(jitter_nanos) + 1));
}

}  // namespace ficus
