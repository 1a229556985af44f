#include "server/backup/backup_spec.h"

#include <catch2/catch.hpp>

namespace ficus {

TEST_CASE("an hour of UTC is the same on every machine", "[backup]") {
  const CivilHour epoch = UtcCivilHour(0);
  REQUIRE((epoch.year == 1970 && epoch.month == 1 && epoch.day == 1 && epoch.hour == 0));
  const CivilHour before = UtcCivilHour(-1);
  REQUIRE((before.year == 1969 && before.month == 12 && before.day == 31 && before.hour == 23));
  const CivilHour leap = UtcCivilHour(int64_t{1709251199} * kNanosPerSecond);
  REQUIRE((leap.year == 2024 && leap.month == 2 && leap.day == 29 && leap.hour == 23));
  REQUIRE(TimedirName(TimeStyle::kHourly, leap) == "2024-02-29-23");
}

}  // namespace ficus
