#include "engine/query/measure_execution.h"

#include <string>

#include <catch2/catch.hpp>

#include "test/engine/query/query_harness.h"
#include "test/engine/schema/objects.h"

namespace ficus {
namespace {

constexpr UnixNanos kDay = 20'000 * kNanosPerDay;  // midnight of the harness' today
constexpr UnixNanos kMinute = 60 * kNanosPerSecond;

TestPoint Point(UnixNanos time, std::string id, int64_t value) {
  return {time, 1, {{"id", std::move(id)}}, {{"value", value}}};
}

// Group g, measure m (objects.h) with a rule on layer and count; now is noon.
void Prepare(QueryHarness& harness) {
  harness.clock.Advance(12 * kNanosPerHour);
  harness.Create(ProposeGroup("g"));
  harness.Create(ProposeMeasure("g", "m"));
  harness.Create(ProposeIndexRule("g", "layers", {"layer", "count"}));
  harness.Create(ProposeBinding("g", "binding", "m", {"layers"}));
}

MeasureQuery Query() {
  MeasureQuery query;
  query.groups = {"g"};
  query.name = "m";
  query.begin = kDay - 10 * kNanosPerDay;
  query.end = kDay + 10 * kNanosPerDay;
  query.tags = {{"default", {"id"}}};
  query.fields = {"value"};
  return query;
}

// "id@minute=value" per row: what most tests look at.
std::string Text(const std::vector<MeasureRow>& rows) {
  std::string text;
  for (const MeasureRow& row : rows) {
    if (!text.empty()) text += ' ';
    text += ToText(row.tags.at(0));
    if (row.timestamp != 0) text += '@' + std::to_string((row.timestamp - kDay) / kMinute);
    for (const TagValue& field : row.fields) text += '=' + ToText(field);
  }
  std::erase(text, '"');
  return text;
}

TEST_CASE("rows come by time, then by series, with their header", "[query]") {
  QueryHarness harness;
  Prepare(harness);
  harness.Write("g", "m",
                {Point(kDay + 2 * kMinute, "a", 12), Point(kDay + kMinute, "a", 11),
                 Point(kDay + kMinute, "b", 21), Point(kDay - kMinute, "b", 20)});
  const bool a_first = SeriesIdOf(*EncodeSeriesKey("m", {std::string("a")})) <
                       SeriesIdOf(*EncodeSeriesKey("m", {std::string("b")}));
  const std::vector<MeasureRow> rows = harness.Ask(Query());
  REQUIRE(Text(rows) ==
          (a_first ? "b@-1=20 a@1=11 b@1=21 a@2=12" : "b@-1=20 b@1=21 a@1=11 a@2=12"));
  REQUIRE(rows[0].series == SeriesIdOf(*EncodeSeriesKey("m", {std::string("b")})));
  REQUIRE(rows[0].version == 1);

  MeasureQuery descending = Query();
  descending.order = SortOrder::kDescending;
  REQUIRE(Text(harness.Ask(std::move(descending))) ==
          (a_first ? "a@2=12 a@1=11 b@1=21 b@-1=20" : "a@2=12 b@1=21 a@1=11 b@-1=20"));
}

TEST_CASE("both ends of the time range are included", "[query]") {
  QueryHarness harness;
  Prepare(harness);
  for (int i = 0; i < 5; ++i) harness.Write("g", "m", {Point(kDay + i * kMinute, "a", i)});
  MeasureQuery query = Query();
  query.begin = kDay + kMinute;
  query.end = kDay + 3 * kMinute;
  REQUIRE(Text(harness.Ask(std::move(query))) == "a@1=1 a@2=2 a@3=3");

  MeasureQuery backwards = Query();
  backwards.begin = kDay + 3 * kMinute;
  backwards.end = kDay;
  REQUIRE(harness.Ask(std::move(backwards)).empty());
}

}  // namespace
}  // namespace ficus
