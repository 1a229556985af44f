#include "engine/database/position_pins.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("the oldest position stays pinned until its last pin is gone", "[database]") {
  PositionPins pins;
  REQUIRE(!pins.Oldest().has_value());
  PositionPins::Pin five = pins.Take(LogPosition(5));
  PositionPins::Pin again = pins.Take(LogPosition(5));
  const PositionPins::Pin seven = pins.Take(LogPosition(7));
  PositionPins::Pin copy = five;
  five.reset();
  again.reset();
  REQUIRE(pins.Oldest() == LogPosition(5));
  copy.reset();
  REQUIRE(pins.Oldest() == LogPosition(7));
}

TEST_CASE("a pin may outlive its pins", "[database]") {
  PositionPins::Pin pin;
  {
    PositionPins pins;
    pin = pins.Take(LogPosition(1));
  }
  pin.reset();
}

}  // namespace
}  // namespace ficus
