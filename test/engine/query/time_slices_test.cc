#include "engine/query/time_slices.h"

#include <string>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

class FixedSegment final : public Segment {
 public:
  explicit FixedSegment(TimeRange times) : times_(times) {}
  const TimeRange& times() const override { return times_; }
  uint32_t shard_count() const override { return 1; }
  uint64_t incarnation() const override { return 1; }
  const std::string& directory() const override { return directory_; }
  Result<std::shared_ptr<TsTable>> Shard(ShardId) override {
    return Error{ErrorCode::kUnavailable, "no table"};
  }
  std::vector<ShardId> ExistingShards() const override { return {}; }
  Result<> EnsureShard(ShardId) override { return Ok(); }

 private:
  TimeRange times_;
  std::string directory_;
};

GroupSegments Group(TimeRange times, const std::vector<TimeRange>& segments) {
  GroupSegments group;
  group.times = times;
  for (const TimeRange& range : segments) {
    group.segments.push_back(std::make_shared<FixedSegment>(range));
  }
  return group;
}

// "[begin,end) group:segment_begin ...": one text per slice.
std::vector<std::string> Slices(const std::vector<GroupSegments>& groups,
                                bool newest_first = false) {
  std::vector<std::string> texts;
  for (const TimeSlice& slice : SliceTime(groups, newest_first)) {
    std::string text =
        "[" + std::to_string(slice.times.begin) + "," + std::to_string(slice.times.end) + ")";
    for (const TimeSlice::Member& member : slice.members) {
      text +=
          " " + std::to_string(member.group) + ":" + std::to_string(member.segment->times().begin);
    }
    texts.push_back(text);
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("one group has one slice per segment, cut by what was asked for", "[query]") {
  const GroupSegments group = Group({5, 35}, {{0, 10}, {10, 20}, {30, 40}});
  REQUIRE(Slices({group}) == Texts{"[5,10) 0:0", "[10,20) 0:10", "[30,35) 0:30"});
  REQUIRE(Slices({group}, true) == Texts{"[30,35) 0:30", "[10,20) 0:10", "[5,10) 0:0"});
}

TEST_CASE("segments of several groups are cut where any of them begins or ends", "[query]") {
  const GroupSegments days = Group({0, 100}, {{0, 24}, {24, 48}});
  const GroupSegments hours = Group({2, 30}, {{4, 8}, {20, 28}});
  REQUIRE(Slices({days, hours}) == Texts{"[0,4) 0:0", "[4,8) 0:0 1:4", "[8,20) 0:0",
                                         "[20,24) 0:0 1:20", "[24,28) 0:24 1:20", "[28,48) 0:24"});
}

TEST_CASE("a segment outside of a group's time has no slice", "[query]") {
  REQUIRE(Slices({Group({50, 60}, {{0, 10}})}).empty());
  REQUIRE(Slices({Group({0, 100}, {{0, 10}}), Group({5, 8}, {{0, 10}})}) ==
          Texts{"[0,5) 0:0", "[5,8) 0:0 1:0", "[8,10) 0:0"});
  REQUIRE(Slices({}).empty());
}

}  // namespace
}  // namespace ficus
