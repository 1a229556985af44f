#include "bench/load/generated_points.h"

#include <set>
#include <tuple>

#include <catch2/catch.hpp>

namespace ficus::load {
namespace {

TEST_CASE("each tick has one point of every series, each on the stream of its entity", "[load]") {
  const uint64_t series = GENERATE(1, 2, 3, 7, 30, 31);
  const uint32_t streams = GENERATE(1, 2, 3, 5);
  CAPTURE(series, streams);
  const GeneratedPoints points({series, streams, 1'000'000, 250});
  std::set<std::tuple<size_t, std::string, int64_t>> seen;
  Point point;
  for (uint32_t stream = 0; stream < streams; ++stream) {
    for (uint64_t i = 0; i < 3 * points.PointsPerRound(stream); ++i) {
      points.Get(stream, i, point);
      REQUIRE(seen.emplace(point.measure, point.tags, point.timestamp_ms).second);
      REQUIRE(points.TickAt(point.timestamp_ms) == i / points.PointsPerRound(stream));
    }
  }
  REQUIRE(seen.size() == 3 * series);
}

TEST_CASE("the number of a point follows from its series and tick", "[load]") {
  const GeneratedPoints points({31, 3, 5'000, 1000});
  Point point;
  uint64_t series = 0;
  for (size_t measure = 0; measure < points.measures().size(); ++measure) {
    for (uint64_t entity = 0; entity < points.EntityCount(measure); ++entity, ++series) {
      const auto stream = static_cast<uint32_t>(entity % 3);
      const uint64_t number = points.Offset(measure, entity) + 2 * points.PointsPerRound(stream);
      points.Get(stream, number, point);
      REQUIRE(point.measure == measure);
      REQUIRE(point.tags == EncodeTags(GeneratedPoints::Tags(entity)));
      REQUIRE(point.timestamp_ms == 7'000);
      std::vector<Cell> cells;
      GeneratedPoints::Cells(measure, entity, 7'000, cells);
      REQUIRE(point.cells == cells);
      REQUIRE(cells.size() == points.measures()[measure].fields.size());
    }
  }
  REQUIRE(series == 31);
}

TEST_CASE("a time between two ticks or before the first has no tick", "[load]") {
  const GeneratedPoints points({3, 1, 5'000, 1000});
  REQUIRE(points.TickAt(5'000) == 0u);
  REQUIRE(points.TickAt(9'000) == 4u);
  REQUIRE_FALSE(points.TickAt(5'001));
  REQUIRE_FALSE(points.TickAt(4'000));
}

TEST_CASE("entities have names of their own", "[load]") {
  std::set<std::string> names;
  for (uint64_t entity = 0; entity < 1000; ++entity) {
    names.insert(GeneratedPoints::Tags(entity)[0]);
  }
  REQUIRE(names.size() == 1000);
  REQUIRE(GeneratedPoints::Tags(0)[0] == "YWdlbnQ6OnNlcnZpY2UtMDAwMDAw.1");
}

}  // namespace
}  // namespace ficus::load
