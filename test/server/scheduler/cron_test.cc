#include "server/scheduler/cron.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

std::string Refused(const std::string& text) {
  const Result<CronFields> cron = CronFields::Parse(text);
  CAPTURE(text);
  REQUIRE_FALSE(cron);
  REQUIRE(cron.error().code == ErrorCode::kInvalidArgument);
  return cron.error().message;
}

// The minutes of a day that match, as "h:mm".
std::vector<std::string> Minutes(const std::string& text) {
  const Result<CronFields> cron = CronFields::Parse(text);
  CAPTURE(text);
  REQUIRE(cron);
  std::vector<std::string> minutes;
  for (int at = cron->NextMinute(0); at >= 0; at = at == 1439 ? -1 : cron->NextMinute(at + 1)) {
    minutes.push_back(std::to_string(at / 60) + ":" + std::to_string(at % 60));
  }
  return minutes;
}

// The days of November 2026 that match; the first is a Sunday.
std::vector<int> Days(const std::string& fields) {
  const Result<CronFields> cron = CronFields::Parse("0 0 " + fields);
  CAPTURE(fields);
  REQUIRE(cron);
  std::vector<int> days;
  for (int day = 1; day <= 30; ++day) {
    ClockReading reading;
    reading.year = 2026;
    reading.month = 11;
    reading.day = day;
    reading.weekday = (day - 1) % 7;
    if (cron->MatchesDay(reading)) days.push_back(day);
  }
  return days;
}

using Texts = std::vector<std::string>;
using Numbers = std::vector<int>;

TEST_CASE("numbers, lists, ranges and steps name minutes and hours", "[scheduler][cron]") {
  REQUIRE(Minutes("5 1 * * *") == Texts{"1:5"});
  REQUIRE(Minutes("0,30 1,23 * * *") == Texts{"1:0", "1:30", "23:0", "23:30"});
  REQUIRE(Minutes("58-59 4-5 * * *") == Texts{"4:58", "4:59", "5:58", "5:59"});
  REQUIRE(Minutes("*/20 0 * * *") == Texts{"0:0", "0:20", "0:40"});
  REQUIRE(Minutes("10-50/20,1 */12 * * *") ==
          Texts{"0:1", "0:10", "0:30", "0:50", "12:1", "12:10", "12:30", "12:50"});
  REQUIRE(Minutes("* * * * *").size() == 1440);
  REQUIRE(Minutes(" \t0   0\t* *  * ") == Texts{"0:0"});
}

TEST_CASE("names and numbers of months and weekdays mean the same", "[scheduler][cron]") {
  REQUIRE(Days("* NOV *") == Days("* 11 *"));
  REQUIRE(Days("* nov *").size() == 30);
  REQUIRE(Days("* 1-10,DEC *").empty());
  REQUIRE(Days("* * SUN") == Numbers{1, 8, 15, 22, 29});
  REQUIRE(Days("* * 0") == Days("* * 7"));
  REQUIRE(Days("* * 0") == Days("* * SUN"));
  REQUIRE(Days("* * SAT-SUN") == Days("* * 6-7"));
  REQUIRE(Days("* * SAT-SUN") == Numbers{1, 7, 8, 14, 15, 21, 22, 28, 29});
  REQUIRE(Days("* * mon-FRI").size() == 21);
  REQUIRE(Days("* * 5-7").size() == 13);
}

TEST_CASE("of two restricted day fields one is enough", "[scheduler][cron]") {
  REQUIRE(Days("13 * FRI") == Numbers{6, 13, 20, 27});
  REQUIRE(Days("14 * FRI") == Numbers{6, 13, 14, 20, 27});
  REQUIRE(Days("14 * *") == Numbers{14});
  REQUIRE(Days("31 2 FRI").empty());
}

TEST_CASE("a day field that begins with a star restricts both", "[scheduler][cron]") {
  REQUIRE(Days("*/2 * SUN") == Numbers{1, 15, 29});
  REQUIRE(Days("8-14 * */7") == Numbers{8});
}

TEST_CASE("hours with a star or a step follow the clock", "[scheduler][cron]") {
  REQUIRE(CronFields::Parse("0 * * * *")->follows_clock());
  REQUIRE(CronFields::Parse("0 */2 * * *")->follows_clock());
  REQUIRE(CronFields::Parse("0 8-18/2 * * *")->follows_clock());
  REQUIRE_FALSE(CronFields::Parse("*/5 8-18,20 * * *")->follows_clock());
}

TEST_CASE("each mistake in a cron line is told with its column", "[scheduler][cron]") {
  const auto [text, mistake] = GENERATE(table<std::string, std::string>({
      {"60 * * * *", "column 1: 60 is above 59, the last minute"},
      {"0 24 * * *", "column 3: 24 is above 23, the last hour"},
      {"0 0 0 * *", "column 5: 0 is below 1, the first day of the month"},
      {"0 0 * 13 *", "column 7: 13 is above 12, the last month"},
      {"0 0 * * 8", "column 9: 8 is above 7, the last day of the week"},
      {"0  1,2,x * * *", "column 8: x is not an hour"},
      {"0 0 * FEV *", "column 7: FEV is not a month; did you mean FEB?"},
      {"0 0 * * MUN", "column 9: MUN is not a day of the week; did you mean SUN?"},
      {"0 0 * * MONDAY", "column 9: MONDAY is not a day of the week"},
      {"0 20-4 * * *", "column 3: 20-4 runs backwards; write two ranges with a comma between them"},
      {"*/0 * * * *", "column 3: 0 is not a step: write a number from 1 to 59"},
      {"*/ * * * *", "column 3: nothing is not a step: write a number from 1 to 59"},
      {"*/61 * * * *", "column 3: 61 is not a step: write a number from 1 to 59"},
      {"5/15 * * * *", "column 1: a step needs * or a range; write 5-59/15"},
      {"1, * * * *", "column 3: a minute is missing"},
      {"1- * * * *", "column 3: a minute is missing"},
      {"-1 * * * *", "column 1: a minute is missing"},
      {"99999 * * * *", "column 1: 99999 is not a minute"},
      {"? * * * *", "column 1: ? is not a minute"},
      {"0 0 31 2 *", "column 5: no month of \"2\" has such a day"},
      {"0 0 31 4,6,SEP,11 *", "column 5: no month of \"4,6,SEP,11\" has such a day"},
      {"0 0 30-31 FEB *", "column 5: no month of \"FEB\" has such a day"},
      {"0 0 * *",
       "column 8: there are 4 of five fields: minute, hour, day of the month, month, day of the "
       "week"},
      {"0 0 0 * * *",
       "column 11: there is a sixth field; a schedule has five, and none for seconds"},
  }));
  REQUIRE(Refused(text) == mistake);
}

TEST_CASE("the 29th of February is a date", "[scheduler][cron]") {
  REQUIRE(CronFields::Parse("0 0 29 2 *"));
  REQUIRE(CronFields::Parse("0 0 31 2 MON"));
}

}  // namespace
}  // namespace ficus
