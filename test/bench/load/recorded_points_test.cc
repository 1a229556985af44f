#include "bench/load/recorded_points.h"

#include <map>
#include <set>
#include <string>

#include <catch2/catch.hpp>
#include <zlib.h>

#include "test/support/temp_directory.h"

namespace ficus::load {
namespace {

void WriteTable(const TempDirectory& directory, const std::string& name, const std::string& text) {
  gzFile file = ::gzopen(directory.File(name).c_str(), "wb");
  REQUIRE(file != nullptr);
  REQUIRE(::gzwrite(file, text.data(), static_cast<unsigned>(text.size())) > 0);
  REQUIRE(::gzclose(file) == Z_OK);
}

// Two pods with a row that is there twice, a service, two edges, a table without time.
void WriteRecording(const TempDirectory& directory) {
  WriteTable(directory, "a_metric.csv.gz",
             "Time,TimeStamp,PodName,CpuUsage(m),NodeLoad\n"
             "2022-08-22 03:00:00.5 +0000 UTC,9,a,1.5,2\n"
             "2022-08-22 03:01:00 +0000 UTC,9,a,1.25,\n"
             "2022-08-22 03:01:00 +0000 UTC,9,a,1.25,\n");
  WriteTable(directory, "b_metric.csv.gz",
             "Time,TimeStamp,PodName,CpuUsage(m),NodeLoad\n"
             "2022-08-22 03:02:00 +0000 UTC,9,b,7,8\n");
  WriteTable(directory, "front_service.csv.gz",
             "Time,TimeStamp,ServiceName,SuccessRate(%)\n"
             "2022-08-22 03:00:00 +0000 UTC,9,Frontend,100\n");
  WriteTable(directory, "source_50.csv.gz",
             "time,timestamp,x_y,y_z\n2022-08-22 03:00:00 +0000 UTC,9,0.1,0.2\n");
  WriteTable(directory, "dependency.csv.gz", "Source,Target,Weight\nx,y,1\n");
}

std::vector<Point> AllPoints(const RecordedPoints& points, uint32_t streams, uint64_t rounds) {
  std::vector<Point> all;
  for (uint32_t stream = 0; stream < streams; ++stream) {
    for (uint64_t i = 0; i < rounds * points.PointsPerRound(stream); ++i) {
      all.emplace_back();
      points.Get(stream, i, all.back());
    }
  }
  return all;
}

TEST_CASE("a recording is replayed so that it ends at the wanted time", "[load]") {
  const TempDirectory directory;
  WriteRecording(directory);
  const auto points = RecordedPoints::Load(directory.path(), {1, 1, 1'000'000'000}).value();
  REQUIRE(points->PointsPerRound(0) == 7);
  REQUIRE(points->series() == 5);
  const auto all = AllPoints(*points, 1, 1);
  std::map<size_t, size_t> by_measure;
  for (const Point& point : all) {
    ++by_measure[point.measure];
    REQUIRE(point.cells.size() == points->measures()[point.measure].fields.size());
  }
  REQUIRE(by_measure == std::map<size_t, size_t>{{0, 4}, {1, 1}, {2, 2}});
  REQUIRE(all.front().timestamp_ms == 1'000'000'000 - 120'000);
  REQUIRE(all.back().timestamp_ms == 1'000'000'000);
  REQUIRE(all.back().cells == std::vector<Cell>{Cell::Float(7), Cell::Float(8)});
  REQUIRE(all[4].cells == std::vector<Cell>{Cell::Float(1.25), Cell::Null()});
}

TEST_CASE("columns become names of fields", "[load]") {
  const TempDirectory directory;
  WriteRecording(directory);
  const auto points = RecordedPoints::Load(directory.path(), {1, 1, 0}).value();
  REQUIRE(
      points->measures()[0].fields ==
      std::vector<FieldShape>{{"cpu_usage", FieldKind::kFloat}, {"node_load", FieldKind::kFloat}});
}

TEST_CASE("copies and further rounds have names of their own", "[load]") {
  const TempDirectory directory;
  WriteRecording(directory);
  const uint32_t streams = GENERATE(1, 2);
  const auto points = RecordedPoints::Load(directory.path(), {streams, 3, 0}).value();
  std::map<std::pair<size_t, std::string>, size_t> series;
  for (const Point& point : AllPoints(*points, streams, 2)) ++series[{point.measure, point.tags}];
  REQUIRE(series.size() == 5 * 3 * 2);
  REQUIRE(points->series() == 5 * 3);
}

TEST_CASE("a broken table is named", "[load]") {
  const TempDirectory directory;
  WriteRecording(directory);
  const std::string row =
      GENERATE("2022-08-22 +0000,9,c,1,2\n", "2022-08-22 03:00:00 +0000 UTC,9,c,x,2\n", "1,2\n");
  WriteTable(directory, "c_metric.csv.gz", "Time,TimeStamp,PodName,CpuUsage(m),NodeLoad\n" + row);
  const auto points = RecordedPoints::Load(directory.path(), {1, 1, 0});
  REQUIRE_FALSE(points);
  REQUIRE(points.error().message.find("c_metric.csv.gz") != std::string::npos);
}

TEST_CASE("a folder without tables is not found", "[load]") {
  const TempDirectory directory;
  REQUIRE(RecordedPoints::Load(directory.path(), {1, 1, 0}).error().code == ErrorCode::kNotFound);
  REQUIRE(RecordedPoints::Load(directory.File("x"), {1, 1, 0}).error().code == ErrorCode::kIo);
}

}  // namespace
}  // namespace ficus::load
