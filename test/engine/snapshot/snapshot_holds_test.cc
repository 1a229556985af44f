#include "engine/snapshot/snapshot_holds.h"

#include <optional>
#include <utility>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("what is held is not removed, and the refusal says who holds it", "[snapshot]") {
  SnapshotHolds holds;
  auto hold = holds.Hold("a", "backup nightly");
  REQUIRE(hold.has_value());
  auto second = holds.Hold("a", "backup weekly");
  REQUIRE(second.has_value());
  const Result<> refused = holds.BeginRemoval("a");
  REQUIRE(refused.error().code == ErrorCode::kFailedPrecondition);
  REQUIRE(refused.error().message.find("in use by backup") != std::string::npos);
  REQUIRE(holds.BeginRemoval("b").has_value());
  hold->Release();
  REQUIRE(!holds.BeginRemoval("a").has_value());
  second->Release();
  REQUIRE(holds.BeginRemoval("a").has_value());
}

TEST_CASE("what is being removed is not held, nor removed twice", "[snapshot]") {
  SnapshotHolds holds;
  REQUIRE(holds.BeginRemoval("a").has_value());
  REQUIRE(holds.Hold("a", "x").error().code == ErrorCode::kNotFound);
  REQUIRE(holds.BeginRemoval("a").error().code == ErrorCode::kUnavailable);
  holds.EndRemoval("a");
  REQUIRE(holds.Hold("a", "x").has_value());
}

TEST_CASE("a hold may outlive what it came from", "[snapshot]") {
  SnapshotHold hold;
  {
    SnapshotHolds holds;
    hold = *holds.Hold("a", "x");
  }
  REQUIRE(hold);
  hold.Release();
  REQUIRE(!hold);
}

}  // namespace
}  // namespace ficus
