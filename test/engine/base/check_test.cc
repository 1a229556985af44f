#include "engine/base/check.h"

#include <catch2/catch.hpp>

#include "test/engine/base/death.h"

namespace ficus {
namespace {

TEST_CASE("a failed check says where, what and the values, then aborts", "[check]") {
  const Death death = RunInChild([] {
    const int number = 2;
    CHECK(number == 1) << "number is " << number;
  });
  REQUIRE(death.aborted);
  REQUIRE_THAT(death.standard_error, Catch::Contains("check_test.cc:"));
  REQUIRE_THAT(death.standard_error, Catch::Contains("CHECK failed: number == 1 number is 2\n"));
}

TEST_CASE("a check that holds is evaluated once and prints nothing", "[check]") {
  int evaluated = 0;
  int printed = 0;
  CHECK(++evaluated > 0) << ++printed;
  REQUIRE(evaluated == 1);
  REQUIRE(printed == 0);
}

TEST_CASE("a check may stand alone in a branch", "[check]") {
  const bool holds = true;
  int taken = 0;
  if (holds)
    CHECK(true);
  else
    taken = 1;
  REQUIRE(taken == 0);
}

}  // namespace
}  // namespace ficus
