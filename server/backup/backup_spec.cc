#include "server/backup/backup_spec.h"

#include <chrono>

namespace ficus {

CivilHour UtcCivilHour(UnixNanos time) {
  const std::chrono::sys_time<std::chrono::nanoseconds> point{std::chrono::nanoseconds(time)};
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  const auto hour = std::chrono::duration_cast<std::chrono::hours>(point - day);
  return {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())), static_cast<int>(hour.count())};
}

}  // namespace ficus
