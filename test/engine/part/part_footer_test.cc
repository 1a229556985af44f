#include "engine/part/part_footer.h"

#include <limits>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

PartFooter Example() {
  PartFooter footer;
  footer.info.rows = 5;
  footer.info.blocks = 2;
  footer.info.series = 3;
  footer.info.times = {-7, 1'700'000'000'000'000'001};
  footer.info.first_position = LogPosition(1);
  footer.info.last_position = LogPosition(std::numeric_limits<uint64_t>::max());
  footer.info.generation = 4;
  footer.info.has_tombstones = true;
  footer.entries = 3;
  footer.first = {SubjectId(1), SeriesId(~uint64_t{0})};
  footer.last = {SubjectId(~uint64_t{0}), SeriesId(0)};
  footer.key_bytes = 10;
  footer.column_bytes = 20;
  return footer;
}

}  // namespace

TEST_CASE("a part's footer comes back from its JSON", "[part]") {
  const std::string json = PartFooterToJson(Example());
  const auto parsed = PartFooterFromJson(json);
  REQUIRE(parsed.has_value());
  REQUIRE((*parsed == Example()));
  REQUIRE(PartFooterToJson(*parsed) == json);
  // A member of a later build is ignored.
  REQUIRE(PartFooterFromJson("{\"later\":[]," + json.substr(1)).has_value());
}

TEST_CASE("a footer that lacks a member or holds nonsense is refused", "[part][damage]") {
  const std::string json = PartFooterToJson(Example());
  for (const char* bad : {"", "{", "[]", "3", "{}", "{\"rows\":1}", "[[[[[[[[[[[[]]]]]]]]]]]]"}) {
    CAPTURE(bad);
    REQUIRE(PartFooterFromJson(bad).error().code == ErrorCode::kCorruption);
  }
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = json;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const std::string& bad :
       {with("\"rows\":5", "\"rows\":-5"), with("\"rows\":5", "\"rows\":0"),
        with("\"rows\":5", "\"rows\":\"5\""), with("\"rows\":5", "\"rows\":5.5"),
        with("\"rows\"", "\"rowz\""), with("\"generation\":4", "\"generation\":4294967296"),
        with("\"has_tombstones\":true", "\"has_tombstones\":1"),
        with("\"time_begin\":-7", "\"time_begin\":1800000000000000000"),
        with("\"first_subject\":\"0000000000000001\"", "\"first_subject\":\"1\"")}) {
    CAPTURE(bad);
    REQUIRE(PartFooterFromJson(bad).error().code == ErrorCode::kCorruption);
  }
  REQUIRE(!PartFooterFromJson(std::string(100'000, ' ') + json).has_value());
}

}  // namespace ficus
