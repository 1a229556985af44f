#include "engine/segment/segment_bounds.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>

#include <fmt/core.h>

#include "engine/base/check.h"

namespace ficus {
namespace {

constexpr size_t kDayDigits = 8;
constexpr size_t kHourDigits = 10;

int64_t FloorDivide(int64_t value, int64_t by) {
  const int64_t quotient = value / by;
  return value % by < 0 ? quotient - 1 : quotient;
}

// `count` * `nanos`, at the ends of int64 where it would not fit.
int64_t SaturatingMultiply(int64_t count, int64_t nanos) {
  int64_t product = 0;
  if (!__builtin_mul_overflow(count, nanos, &product)) return product;
  return count < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

bool ParseDigits(std::string_view text, int& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && text.front() != '-';
}

// False for hours that int64 nanoseconds do not reach. The first one that they reach begins before
// them: there the begin is that of time.
bool BeginOf(int64_t hours, UnixNanos& begin) {
  const int64_t first = FloorDivide(TimeRange::All().begin, kNanosPerHour);
  if (hours == first) {
    begin = TimeRange::All().begin;
    return true;
  }
  return hours > first && !__builtin_mul_overflow(hours, kNanosPerHour, &begin);
}

}  // namespace

TimeRange BoundsFor(UnixNanos time, SegmentUnit unit, uint32_t num,
                    const std::vector<TimeRange>& neighbours) {
  CHECK(num > 0);
  const int64_t unit_nanos = unit == SegmentUnit::kHour ? kNanosPerHour : kNanosPerDay;
  const int64_t width = SaturatingMultiply(num, unit_nanos);
  const int64_t index = FloorDivide(time, width);
  TimeRange bounds{SaturatingMultiply(index, width), SaturatingMultiply(index + 1, width)};
  for (const TimeRange& neighbour : neighbours) {
    CHECK(!neighbour.Contains(time));
    if (neighbour.end <= time) bounds.begin = std::max(bounds.begin, neighbour.end);
    if (neighbour.begin > time) bounds.end = std::min(bounds.end, neighbour.begin);
  }
  CHECK(bounds.Contains(time));
  return bounds;
}

UnixNanos LatestEndFor(std::string_view name, UnixNanos begin, SegmentUnit unit, uint32_t num) {
  const SegmentUnit least =
      name.size() == kSegmentPrefix.size() + kDayDigits ? SegmentUnit::kDay : SegmentUnit::kHour;
  return std::max(BoundsFor(begin, unit, num, {}).end, BoundsFor(begin, least, 1, {}).end);
}

std::string SegmentDirectoryName(UnixNanos begin, SegmentUnit unit) {
  const int64_t days = FloorDivide(begin, kNanosPerDay);
  const std::chrono::year_month_day date{
      std::chrono::sys_days{std::chrono::days{static_cast<int>(days)}}};
  const int64_t in_day = ((begin % kNanosPerDay) + kNanosPerDay) % kNanosPerDay;
  std::string name =
      fmt::format("{}{:04}{:02}{:02}", kSegmentPrefix, static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (unit == SegmentUnit::kHour || in_day != 0)
    name += fmt::format("{:02}", in_day / kNanosPerHour);
  return name;
}

bool ParseSegmentDirectoryName(std::string_view name, UnixNanos& begin) {
  if (!name.starts_with(kSegmentPrefix)) return false;
  const std::string_view digits = name.substr(kSegmentPrefix.size());
  if (digits.size() != kDayDigits && digits.size() != kHourDigits) return false;
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  if (!ParseDigits(digits.substr(0, 4), year) || !ParseDigits(digits.substr(4, 2), month) ||
      !ParseDigits(digits.substr(6, 2), day) ||
      (digits.size() == kHourDigits && !ParseDigits(digits.substr(8, 2), hour))) {
    return false;
  }
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || hour > 23 || year < 1677 || year > 2262) return false;
  const int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  // Only a segment that begins at midnight has a name without an hour.
  return BeginOf(days * 24 + hour, begin) &&
         (digits.size() == kHourDigits || begin % kNanosPerDay == 0);
}

}  // namespace ficus
