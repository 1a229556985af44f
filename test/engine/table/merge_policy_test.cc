#include "engine/table/merge_policy.h"

#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"

namespace ficus {
namespace {

// Parts of these sizes, one after another in time.
std::vector<PartInfo> Parts(const std::vector<uint64_t>& sizes) {
  std::vector<PartInfo> parts;
  for (const uint64_t size : sizes) {
    PartInfo info;
    info.number = FileNumber(parts.size() + 1);
    info.file_bytes = size;
    info.times = {static_cast<int64_t>(parts.size()) * 10,
                  static_cast<int64_t>(parts.size()) * 10 + 10};
    parts.push_back(info);
  }
  return parts;
}

std::vector<bool> NoBarrier(const std::vector<PartInfo>& parts) {
  return std::vector<bool>(parts.size(), false);
}

TEST_CASE("a few small parts are left alone", "[table][merge]") {
  const auto parts = Parts({100, 100, 100});
  REQUIRE(ChooseMerge(parts, NoBarrier(parts), {}).empty());
}

TEST_CASE("neighbours of like size are merged, a large one beside them is not", "[table][merge]") {
  const auto parts = Parts({100000, 100, 100, 100, 100});
  const MergeChoice choice = ChooseMerge(parts, NoBarrier(parts), {});
  REQUIRE(choice.begin == 1);
  REQUIRE(choice.end == 5);
}

TEST_CASE("no merge crosses a barrier", "[table][merge]") {
  const auto parts = Parts({100, 100, 100, 100, 100, 100});
  std::vector<bool> barrier = NoBarrier(parts);
  barrier[3] = true;
  REQUIRE(ChooseMerge(parts, barrier, {}).empty());
  const MergeChoice final_choice = ChooseFinalMerge(parts, barrier, {});
  REQUIRE(!final_choice.empty());
  REQUIRE((final_choice.end <= 3 || final_choice.begin >= 3));
}

TEST_CASE("parts that overlap in time go before larger gains elsewhere", "[table][merge]") {
  auto parts = Parts({100, 100, 100, 100, 5000, 100, 100, 100, 100, 100, 100});
  for (size_t i = 0; i < 4; ++i) parts[i].times = {0, 40};
  const MergeChoice choice = ChooseMerge(parts, NoBarrier(parts), {});
  REQUIRE(choice.begin == 0);
  REQUIRE(choice.end == 4);
}

TEST_CASE("an output never exceeds its limit", "[table][merge]") {
  const auto parts = Parts({400, 400, 400, 400});
  MergeLimits limits;
  limits.output_bytes_max = 1000;
  REQUIRE(ChooseMerge(parts, NoBarrier(parts), limits).empty());
}

TEST_CASE("too many parts are merged even where it is unbalanced", "[table][merge]") {
  std::vector<uint64_t> sizes;
  for (uint64_t size = 1; sizes.size() < 33; size *= 2) sizes.push_back(size);
  const auto parts = Parts(sizes);
  REQUIRE(!ChooseMerge(parts, NoBarrier(parts), {}).empty());
}

TEST_CASE("a table that is fed for long keeps few parts and rewrites each row seldom",
          "[table][merge]") {
  SeededRandom random(11);
  std::vector<PartInfo> parts;
  uint64_t written = 0;
  uint64_t fed = 0;
  uint64_t number = 0;
  size_t most_parts = 0;
  for (int64_t flush = 0; flush < 3000; ++flush) {
    PartInfo info;
    info.number = FileNumber(++number);
    info.file_bytes = 500 + random.Below(1000);
    info.times = {flush * 10, flush * 10 + 11};
    fed += info.file_bytes;
    parts.push_back(info);
    for (;;) {
      const MergeChoice choice = ChooseMerge(parts, NoBarrier(parts), {});
      if (choice.empty()) break;
      PartInfo merged = parts[choice.begin];
      merged.number = FileNumber(++number);
      merged.file_bytes = 0;
      for (size_t i = choice.begin; i < choice.end; ++i) merged.file_bytes += parts[i].file_bytes;
      merged.times.end = parts[choice.end - 1].times.end;
      written += merged.file_bytes;
      parts.erase(parts.begin() + static_cast<ptrdiff_t>(choice.begin),
                  parts.begin() + static_cast<ptrdiff_t>(choice.end));
      parts.insert(parts.begin() + static_cast<ptrdiff_t>(choice.begin), merged);
    }
    most_parts = std::max(most_parts, parts.size());
  }
  CAPTURE(most_parts, written / fed);
  REQUIRE(most_parts <= 40);
  REQUIRE(written <= 8 * fed);
}

TEST_CASE("a final merge leaves one part", "[table][merge]") {
  auto parts = Parts({5, 80, 3, 3, 3, 9000});
  const MergeChoice choice = ChooseFinalMerge(parts, NoBarrier(parts), {});
  REQUIRE(choice.end - choice.begin >= 2);
  const auto one = Parts({7});
  REQUIRE(ChooseFinalMerge(one, NoBarrier(one), {}).empty());
}

}  // namespace
}  // namespace ficus
