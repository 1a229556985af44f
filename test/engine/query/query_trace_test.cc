#include "engine/query/query_trace.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("steps nest and know how long they took", "[query]") {
  ManualClock clock(1000);
  QuerySpan root;
  {
    QueryStep outer(&root, clock, "outer");
    clock.Advance(5);
    {
      QueryStep inner(outer.span(), clock, "inner");
      inner.Tag("rows", uint64_t{3});
      clock.Advance(7);
      inner.Fail("why");
    }
    QueryStep counted(outer.span(), clock, "counted");
    counted.SetDuration(2);
    clock.Advance(1);
  }
  REQUIRE(root.children.size() == 1);
  const QuerySpan& outer = *root.children[0];
  REQUIRE(outer.name == "outer");
  REQUIRE(outer.begin == 1000);
  REQUIRE(outer.end == 1013);
  REQUIRE(outer.duration_nanos == 13);
  REQUIRE(outer.children.size() == 2);
  REQUIRE(outer.children[0]->duration_nanos == 7);
  REQUIRE(outer.children[0]->error);
  REQUIRE(outer.children[0]->tags ==
          std::vector<std::pair<std::string, std::string>>{{"rows", "3"}, {"error_msg", "why"}});
  REQUIRE(outer.children[1]->duration_nanos == 2);
}

TEST_CASE("without a parent nothing is recorded, at any depth", "[query]") {
  const ManualClock clock(0);
  QueryStep step(nullptr, clock, "step");
  step.Tag("a", "b");
  REQUIRE(!step.recorded());
  REQUIRE(step.span() == nullptr);
}

TEST_CASE("a step has a bounded number of children and says when some are missing", "[query]") {
  const ManualClock clock(0);
  QuerySpan root;
  for (int i = 0; i < 1000; ++i) {
    QueryStep step(&root, clock, "step");
    root.tags.emplace_back("between", "yes");
  }
  REQUIRE(root.children.size() == 200);
  size_t notes = 0;
  for (const auto& [key, value] : root.tags) notes += key == "steps_left_out" ? 1 : 0;
  REQUIRE(notes == 1);
}

}  // namespace
}  // namespace ficus
