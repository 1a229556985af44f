#include "engine/table/mem_levels.h"

#include <limits>
#include <utility>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

constexpr size_t kNoBound = std::numeric_limits<size_t>::max();

// Mem parts of one row each, at positions 1, 2, 3 and so on.
struct Parts {
  std::vector<std::shared_ptr<const MemPart>> parts;
  MemLevels levels;
  uint64_t positions = 0;

  explicit Parts(size_t count, size_t introductions = 1) {
    for (size_t i = 0; i < count; ++i) Add(introductions);
  }
  void Add(size_t introductions) {
    const LogPosition position(++positions);
    RowBatch row;
    row.series = {SeriesId(1)};
    row.timestamps = {static_cast<int64_t>(positions)};
    row.versions = {1};
    parts.push_back(MemPart::Create({std::move(row)}, {}, position, position, 0, {}));
    levels.Add(introductions);
  }
  MemStretch Find(uint64_t flushing_to = 0, uint64_t line = 0, size_t bytes_max = kNoBound) const {
    return levels.Find(parts, LogPosition(flushing_to), LogPosition(line), bytes_max);
  }
  // As a table would, but that the part that stands for all is the first of them.
  void Join(const MemStretch& stretch) {
    levels.Join(stretch);
    const auto first = parts.begin() + static_cast<ptrdiff_t>(stretch.begin);
    parts.erase(first + 1, parts.begin() + static_cast<ptrdiff_t>(stretch.end));
  }
};

bool Is(const MemStretch& stretch, size_t begin, size_t end) {
  CAPTURE(stretch.begin, stretch.end);
  CHECK(stretch.begin == begin);
  CHECK(stretch.end == end);
  return stretch.begin == begin && stretch.end == end;
}

TEST_CASE("mem parts are joined once there are enough of them", "[table]") {
  REQUIRE(Parts(0).Find().parts() == 0);
  REQUIRE(Parts(15).Find().parts() == 0);
  REQUIRE(Is(Parts(16).Find(), 0, 16));
  REQUIRE(Is(Parts(40).Find(), 0, 40));
}

TEST_CASE("a part of many introductions counts as joined", "[table]") {
  REQUIRE(Is(Parts(16, 15).Find(), 0, 16));
  REQUIRE(Parts(255, 16).Find().parts() == 0);
  REQUIRE(Is(Parts(256, 16).Find(), 0, 256));
}

TEST_CASE("parts of one and of many introductions in turn are joined once they are very many",
          "[table]") {
  Parts parts(0);
  for (size_t i = 0; i < 255; ++i) parts.Add(i % 2 == 0 ? 1 : 24);
  REQUIRE(parts.Find().parts() == 0);
  parts.Add(24);
  REQUIRE(Is(parts.Find(), 0, 256));
  parts.Join(parts.Find());
  // What was made of them waits for its like.
  for (size_t i = 0; i < 300; ++i) {
    REQUIRE(parts.parts.size() <= 257);
    parts.Add(i % 2 == 0 ? 1 : 24);
    const MemStretch found = parts.Find();
    if (found.parts() == 0) continue;
    REQUIRE(found.begin > 0);
    parts.Join(found);
  }
}

TEST_CASE("what is being flushed is not joined, nor what lies on both sides of a line", "[table]") {
  const Parts parts(300);
  REQUIRE(Is(parts.Find(0, 20), 20, 300));
  // Too few beyond the line: those before it.
  REQUIRE(Is(parts.Find(0, 290), 0, 290));
  // Beside a flush only very many.
  REQUIRE(Is(parts.Find(10), 10, 300));
  REQUIRE(parts.Find(50).parts() == 0);
  REQUIRE(Is(parts.Find(20, 290), 20, 290));
  REQUIRE(parts.Find(40, 290).parts() == 0);
}

TEST_CASE("mem parts of other levels are left alone, and large ones join when they are very many",
          "[table]") {
  Parts parts(255 * 16);
  for (size_t i = 0; i < 255; ++i) parts.Join({i, i + 16});
  REQUIRE(parts.levels.size() == 255);
  REQUIRE(parts.Find().parts() == 0);
  Parts more(256 * 16 + 15);
  for (size_t i = 0; i < 256; ++i) more.Join({i, i + 16});
  REQUIRE(Is(more.Find(), 0, 256));
  more.Join(more.Find());
  REQUIRE(more.levels.size() == 16);
  REQUIRE(more.Find().parts() == 0);
  more.levels.RemoveFirst(1);
  REQUIRE(more.levels.size() == 15);
}

TEST_CASE("mem parts that are joined stay below a bound of bytes", "[table]") {
  const Parts parts(40);
  const size_t one = parts.parts.front()->memory_bytes();
  REQUIRE(Is(parts.Find(0, 0, 20 * one), 20, 40));
  REQUIRE(parts.Find(0, 0, 15 * one).parts() == 0);
}

}  // namespace
}  // namespace ficus
