#include "bench/load/oracle.h"

#include <vector>

#include <catch2/catch.hpp>

namespace ficus::load {
namespace {

constexpr int64_t kBegin = 0;
constexpr int64_t kEnd = int64_t{1} << 50;

// One stream, six series: two entities of each measure. Of five issued ticks the first three are
// acknowledged, and of the fourth the first two points: entities 0 and 1 of measure 0.
JournalRun Run() {
  JournalRun run;
  run.group = "sw";
  run.layout = {6, 1, 10'000, 1000};
  run.issued.resize(1);
  run.acked.resize(1);
  run.issued[0].Add(0, 30);
  run.acked[0].Add(0, 20);
  return run;
}

Oracle TheOracle() {
  std::vector<JournalRun> runs;
  runs.push_back(Run());
  return Oracle(std::move(runs));
}

ReadPoint PointAt(size_t measure, uint64_t entity, int64_t time) {
  ReadPoint point{time, GeneratedPoints::Tags(entity), {}};
  GeneratedPoints::Cells(measure, entity, time, point.cells);
  return point;
}

// The points of a series at these ticks.
std::vector<ReadPoint> Points(size_t measure, uint64_t entity, std::vector<int64_t> ticks) {
  std::vector<ReadPoint> points;
  for (const int64_t tick : ticks) points.push_back(PointAt(measure, entity, 10'000 + tick * 1000));
  return points;
}

Findings Check(size_t measure, uint64_t entity, std::vector<ReadPoint> points) {
  Findings findings;
  TheOracle().Check(measure, entity, kBegin, kEnd, std::move(points), findings);
  return findings;
}

TEST_CASE("a node that has all acknowledged points passes", "[load]") {
  const Findings first = Check(0, 1, Points(0, 1, {0, 1, 2, 3}));
  REQUIRE(first.offences() == 0);
  REQUIRE(first.acknowledged == 4);
  REQUIRE(Check(2, 1, Points(2, 1, {0, 1, 2})).offences() == 0);
}

TEST_CASE("points without an answer may be there or not", "[load]") {
  const Findings findings = Check(2, 0, Points(2, 0, {0, 1, 2, 4}));
  REQUIRE(findings.offences() == 0);
  REQUIRE(findings.unanswered == 1);
}

TEST_CASE("an acknowledged point that is gone is missing", "[load]") {
  REQUIRE(Check(0, 0, Points(0, 0, {0, 2, 3})).missing == 1);
  REQUIRE(Check(0, 0, Points(0, 0, {0, 1, 2})).missing == 1);
  REQUIRE(Check(0, 0, {}).missing == 4);
}

TEST_CASE("a point that was never sent is found", "[load]") {
  REQUIRE(Check(0, 0, Points(0, 0, {0, 1, 2, 3, 5})).never_sent == 1);
  auto points = Points(0, 0, {0, 1, 2, 3});
  points.push_back(PointAt(0, 0, 10'500));
  REQUIRE(Check(0, 0, points).never_sent == 1);
}

TEST_CASE("a wrong value, a wrong tag and a point twice are wrong", "[load]") {
  auto points = Points(1, 0, {0, 1, 2});
  SECTION("value") { points[1].cells[2].integer += 1; }
  SECTION("kind") { points[1].cells[2] = Cell::Null(); }
  SECTION("tag") { points[1].tags[1] = "ELSE"; }
  SECTION("twice") { points.push_back(points[1]); }
  const Findings findings = Check(1, 0, points);
  REQUIRE(findings.wrong == 1);
  REQUIRE(findings.offences() == 1);
  REQUIRE(findings.examples.size() == 1);
}

TEST_CASE("only points inside the range are wanted", "[load]") {
  Findings findings;
  TheOracle().Check(0, 0, 11'000, 12'000, Points(0, 0, {1, 2}), findings);
  REQUIRE(findings.offences() == 0);
  REQUIRE(findings.acknowledged == 2);
}

TEST_CASE("runs whose points share times add up", "[load]") {
  std::vector<JournalRun> runs;
  runs.push_back(Run());
  runs.push_back(Run());
  runs[1].layout.start_ms = 12'000;
  const Oracle oracle(std::move(runs));
  REQUIRE(oracle.begin_ms() == 10'000);
  REQUIRE(oracle.end_ms() == 16'000);
  Findings findings;
  oracle.Check(0, 0, kBegin, kEnd, Points(0, 0, {0, 1, 2, 3, 4, 5}), findings);
  REQUIRE(findings.offences() == 0);
  REQUIRE(findings.acknowledged == 6);
}

}  // namespace
}  // namespace ficus::load
