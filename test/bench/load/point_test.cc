#include "bench/load/point.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "banyandb/measure/v1/write.pb.h"

namespace ficus::load {
namespace {

banyandb::measure::v1::WriteRequest Parse(const std::string& bytes) {
  banyandb::measure::v1::WriteRequest request;
  REQUIRE(request.ParseFromString(bytes));
  return request;
}

Point PointWith(std::vector<Cell> cells, int64_t timestamp_ms = 1'700'000'000'123) {
  return {0, timestamp_ms, EncodeTags({"service-1", "MESH"}), std::move(cells)};
}

std::string Request(const Point& point, uint64_t message_id) {
  std::string bytes;
  AppendRequest(point, message_id, bytes);
  return bytes;
}

TEST_CASE("the bytes of a point are those of a write request", "[load]") {
  const auto request =
      Parse(Request(PointWith({Cell::Int(42), Cell::Float(0.5), Cell::Null()}), 7));
  REQUIRE(request.message_id() == 7);
  const auto& value = request.data_point();
  REQUIRE(value.timestamp().seconds() == 1'700'000'000);
  REQUIRE(value.timestamp().nanos() == 123'000'000);
  REQUIRE(value.tag_families_size() == 1);
  REQUIRE(value.tag_families(0).tags_size() == 2);
  REQUIRE(value.tag_families(0).tags(0).str().value() == "service-1");
  REQUIRE(value.tag_families(0).tags(1).str().value() == "MESH");
  REQUIRE(value.fields_size() == 3);
  REQUIRE(value.fields(0).int_().value() == 42);
  REQUIRE(value.fields(1).float_().value() == 0.5);
  REQUIRE(value.fields(2).has_null());
  REQUIRE(request.GetReflection()->GetUnknownFields(request).empty());
}

TEST_CASE("any number survives the way into a request", "[load]") {
  const int64_t integer = GENERATE(0, 1, -1, 127, 128, std::numeric_limits<int64_t>::max(),
                                   std::numeric_limits<int64_t>::min());
  const double number = GENERATE(0.0, -0.0, 1e300, std::nan(""), -1.25);
  CAPTURE(integer, number);
  const auto request = Parse(Request(PointWith({Cell::Int(integer), Cell::Float(number)}), 1));
  REQUIRE(request.data_point().fields(0).int_().value() == integer);
  REQUIRE(Cell::Float(request.data_point().fields(1).float_().value()) == Cell::Float(number));
}

TEST_CASE("a whole second needs no nanoseconds", "[load]") {
  const auto request = Parse(Request(PointWith({Cell::Int(1)}, 1'700'000'000'000), 1));
  REQUIRE(request.data_point().timestamp().seconds() == 1'700'000'000);
  REQUIRE(request.data_point().timestamp().nanos() == 0);
}

TEST_CASE("long tags are counted right", "[load]") {
  const std::string tag(GENERATE(0, 1, 120, 125, 126, 127, 128, 16'383, 70'000), 'x');
  Point point = PointWith({Cell::Int(1)});
  point.tags = EncodeTags({tag, "short"});
  const auto request = Parse(Request(point, 1));
  REQUIRE(request.data_point().tag_families(0).tags(0).str().value() == tag);
  REQUIRE(request.data_point().tag_families(0).tags(1).str().value() == "short");
}

TEST_CASE("the head in front of a point names group, measure and positions", "[load]") {
  const MeasureShape shape{"cpm", "default", {"id", "layer"}, 1, {{"value", FieldKind::kInt}},
                           "1m"};
  const auto request = Parse(EncodeHead("sw", shape) + Request(PointWith({Cell::Int(1)}), 1));
  REQUIRE(request.metadata().group() == "sw");
  REQUIRE(request.metadata().name() == "cpm");
  const auto& spec = request.data_point_spec();
  REQUIRE(spec.tag_family_spec_size() == 1);
  REQUIRE(spec.tag_family_spec(0).name() == "default");
  REQUIRE(spec.tag_family_spec(0).tag_names_size() == 2);
  REQUIRE(spec.tag_family_spec(0).tag_names(1) == "layer");
  REQUIRE(spec.field_names_size() == 1);
  REQUIRE(spec.field_names(0) == "value");
}

}  // namespace
}  // namespace ficus::load
