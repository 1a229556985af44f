#include "server/backup/utc_time.h"

#include <chrono>
#include <cstddef>

#include <fmt/format.h>

namespace ficus {
namespace {

__extension__ using WideInt = __int128;  // holds any product of two int64

// Digits only, `size` of them; -1 for anything else.
int64_t Number(std::string_view text, size_t begin, size_t size) {
  int64_t number = 0;
  for (const char c : text.substr(begin, size)) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

}  // namespace

std::string UtcText(UnixNanos time) {
  int64_t day = time / kNanosPerDay;
  int64_t rest = time % kNanosPerDay;
  if (rest < 0) {
    rest += kNanosPerDay;
    --day;
  }
  const std::chrono::year_month_day date{
      std::chrono::sys_days{std::chrono::days{static_cast<int>(day)}}};
  const int64_t seconds = rest / kNanosPerSecond;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     seconds / 3600, seconds / 60 % 60, seconds % 60, rest % kNanosPerSecond);
}

bool ParseUtcText(std::string_view text, UnixNanos& time) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00.000000000Z";
  if (text.size() != kShape.size()) return false;
  for (size_t i = 0; i < kShape.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == '0' ? !is_digit : text[i] != kShape[i]) return false;
  }
  const std::chrono::year_month_day date{
      std::chrono::year{static_cast<int>(Number(text, 0, 4))},
      std::chrono::month{static_cast<unsigned>(Number(text, 5, 2))},
      std::chrono::day{static_cast<unsigned>(Number(text, 8, 2))}};
  if (!date.ok()) return false;
  const int64_t hour = Number(text, 11, 2);
  const int64_t minute = Number(text, 14, 2);
  const int64_t second = Number(text, 17, 2);
  if (hour > 23 || minute > 59 || second > 59) return false;
  const int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const int64_t rest = ((hour * 60 + minute) * 60 + second) * kNanosPerSecond + Number(text, 20, 9);
  const WideInt nanos = static_cast<WideInt>(days) * kNanosPerDay + rest;
  if (nanos < INT64_MIN || nanos > INT64_MAX) return false;
  time = static_cast<int64_t>(nanos);
  return true;
}

}  // namespace ficus
