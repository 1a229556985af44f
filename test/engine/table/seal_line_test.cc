#include "engine/table/seal_line.h"

#include <algorithm>
#include <string>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/table/manifest.h"
#include "test/engine/table/table_harness.h"

namespace ficus {
namespace {

constexpr Scn kScn{1'000'000};

// Batches [from, to], one row each: series 1 at time `position`.
void IntroduceBatches(TableHarness& harness, uint64_t from, uint64_t to) {
  for (uint64_t position = from; position <= to; ++position) {
    harness.Introduce(position, {{1, static_cast<int64_t>(position), 7}});
  }
}

bool HoldsExactly(const Rows& rows, uint64_t last) {
  if (rows.size() != last) return false;
  for (uint64_t position = 1; position <= last; ++position) {
    if (!rows.contains({1, static_cast<int64_t>(position)})) return false;
  }
  return true;
}

bool AllThere(TableHarness& harness, const PinnedTable& pinned) {
  const std::vector<std::string> files = harness.Files();
  return std::all_of(
      pinned.files->parts.begin(), pinned.files->parts.end(), [&](const SnapshotPart& part) {
        return std::find(files.begin(), files.end(), part.file->name()) != files.end();
      });
}

TEST_CASE("a pin holds the rows up to the line and none beyond", "[table][snapshot]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  IntroduceBatches(harness, 1, 2);
  REQUIRE(harness.Flush().has_value());
  IntroduceBatches(harness, 3, 4);
  harness.seal().Draw(LogPosition(4), kScn);
  IntroduceBatches(harness, 5, 6);
  const Result<PinnedTable> pinned = harness.Pin();
  REQUIRE(pinned.has_value());
  REQUIRE(HoldsExactly(harness.ReadFrom(*pinned->files), 4));
  REQUIRE(pinned->files->mem_parts.empty());
  REQUIRE(pinned->directory == "shard-0");
  REQUIRE(pinned->manifest.flushed == LogPosition(4));
  REQUIRE(pinned->manifest.scn == kScn);
  REQUIRE(pinned->manifest.log == kLog);
  REQUIRE(pinned->manifest.group == kGroup);
  REQUIRE(pinned->manifest.parts.size() == 2);
  REQUIRE(pinned->manifest.runs.size() == 1);
  REQUIRE(DecodeManifest(EncodeManifest(pinned->manifest)).has_value());
  // What lies beyond was not waited for.
  REQUIRE(harness.Current()->mem_parts.size() == 2);
}

TEST_CASE(
    "the files of a line are kept although flushes and merges go on before they are asked for",
    "[table][snapshot]") {
  TableHarness harness;
  harness.options().merge.parts_min = 2;
  REQUIRE(harness.Open().has_value());
  IntroduceBatches(harness, 1, 3);
  harness.seal().Draw(LogPosition(3), kScn);
  IntroduceBatches(harness, 4, 6);
  REQUIRE(harness.Flush().has_value());
  REQUIRE(harness.Current()->mem_parts.empty());
  REQUIRE(harness.MergeAll().has_value());
  REQUIRE(harness.Current()->parts.size() == 1);
  REQUIRE(HoldsExactly(harness.Read(), 6));
  auto pinned = harness.Pin();
  REQUIRE(pinned.has_value());
  REQUIRE(HoldsExactly(harness.ReadFrom(*pinned->files), 3));
  REQUIRE(AllThere(harness, *pinned));

  SECTION("and go with the last holder") {
    const size_t files = harness.Files().size();
    harness.seal().Lift();
    harness.executor().RunUntilIdle();
    REQUIRE(harness.Files().size() == files);
    REQUIRE(AllThere(harness, *pinned));
    *pinned = PinnedTable();
    harness.executor().RunUntilIdle();
    REQUIRE(harness.Files().size() < files);
    REQUIRE(HoldsExactly(harness.Read(), 6));
  }
  SECTION("and a second pin at the line holds the same") {
    const auto second = harness.Pin();
    REQUIRE(second.has_value());
    REQUIRE(second->manifest == pinned->manifest);
  }
}

TEST_CASE("a table without news is pinned with the same manifest, byte for byte",
          "[table][snapshot]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  IntroduceBatches(harness, 1, 2);
  harness.seal().Draw(LogPosition(2), kScn);
  const Result<PinnedTable> first = harness.Pin();
  REQUIRE(first.has_value());
  harness.seal().Lift();
  // Other tables have gone on, this one has not.
  harness.seal().Draw(LogPosition(9), Scn(kScn.value() + 7));
  const Result<PinnedTable> second = harness.Pin();
  REQUIRE(second.has_value());
  REQUIRE(EncodeManifest(second->manifest) == EncodeManifest(first->manifest));
  harness.seal().Lift();

  IntroduceBatches(harness, 10, 10);
  harness.seal().Draw(LogPosition(10), Scn(kScn.value() + 8));
  const Result<PinnedTable> third = harness.Pin();
  REQUIRE(third.has_value());
  REQUIRE(third->manifest.epoch > first->manifest.epoch);
  REQUIRE(third->manifest.flushed == LogPosition(10));
}

TEST_CASE("no two manifests of pins have one epoch, also after a restart", "[table][snapshot]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  IntroduceBatches(harness, 1, 2);
  harness.seal().Draw(LogPosition(2), kScn);
  const Result<PinnedTable> first = harness.Pin();
  REQUIRE(first.has_value());
  const Manifest before = first->manifest;
  harness.seal().Lift();
  harness.Kill();
  harness.clock().Advance(1);

  REQUIRE(harness.Open().has_value());
  harness.seal().Draw(LogPosition(3), kScn);
  const Result<PinnedTable> second = harness.Pin();
  REQUIRE(second.has_value());
  REQUIRE(second->manifest.epoch > before.epoch);
  // The table's own manifests go on from there.
  IntroduceBatches(harness, 4, 4);
  REQUIRE(harness.Flush().has_value());
  REQUIRE(harness.Current()->manifest_epoch > second->manifest.epoch);
}

TEST_CASE("a flush of everything is done only when what lies beyond the line is flushed, too",
          "[table][snapshot]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  IntroduceBatches(harness, 1, 2);
  harness.seal().Draw(LogPosition(2), kScn);
  IntroduceBatches(harness, 3, 4);
  REQUIRE(harness.Flush().has_value());
  REQUIRE(harness.table().Flushed() == LogPosition(4));
  REQUIRE(harness.Current()->parts.size() == 2);
  REQUIRE(harness.Current()->parts[0].part->info().last_position == LogPosition(2));
}

TEST_CASE("mem parts of both sides of a line are not coalesced", "[table][snapshot]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  IntroduceBatches(harness, 1, 10);
  harness.seal().Draw(LogPosition(10), kScn);
  IntroduceBatches(harness, 11, 50);
  const auto& parts = harness.Current()->mem_parts;
  REQUIRE(parts.size() < 30);
  for (const auto& part : parts) {
    CAPTURE(part->first_position(), part->last_position());
    REQUIRE((part->last_position() <= LogPosition(10) || part->first_position() > LogPosition(10)));
  }
  const auto pinned = harness.Pin();
  REQUIRE(pinned.has_value());
  REQUIRE(HoldsExactly(harness.ReadFrom(*pinned->files), 10));
}

TEST_CASE("rows of both sides of a line that arrive together become two mem parts",
          "[table][snapshot]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  for (uint64_t position = 1; position <= 20; ++position) {
    if (position == 11) harness.seal().Draw(LogPosition(10), kScn);
    harness.HandOver(position, {{1, static_cast<int64_t>(position), 1}}, 1, [] {});
  }
  harness.executor().RunUntilIdle();
  const auto parts = harness.Current()->mem_parts;
  REQUIRE(parts.size() == 2);
  REQUIRE(parts[0]->last_position() == LogPosition(10));
  REQUIRE(parts[1]->first_position() == LogPosition(11));
  REQUIRE(harness.Pin().has_value());
}

TEST_CASE("a table without rows beyond what is flushed is pinned without a flush",
          "[table][snapshot]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  IntroduceBatches(harness, 1, 2);
  REQUIRE(harness.Flush().has_value());
  harness.seal().Draw(LogPosition(9), kScn);
  const auto before = harness.Files();
  const auto pinned = harness.Pin();
  REQUIRE(pinned.has_value());
  REQUIRE(harness.Files() == before);
  REQUIRE(pinned->manifest.flushed == LogPosition(9));
}

TEST_CASE("a pin tells why the flush failed", "[table][snapshot]") {
  TableHarness harness;
  LogCapture log;
  REQUIRE(harness.Open().has_value());
  IntroduceBatches(harness, 1, 2);
  harness.seal().Draw(LogPosition(2), kScn);
  harness.fs().SetLimits({.total_bytes = 0, .total_inodes = 1000});
  const auto pinned = harness.Pin();
  REQUIRE(!pinned.has_value());
  REQUIRE(pinned.error().code == ErrorCode::kNoSpace);
  REQUIRE(harness.no_space() > 0);
}

TEST_CASE("a line that was lifted pins nothing", "[table][snapshot]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  IntroduceBatches(harness, 1, 2);
  harness.seal().Draw(LogPosition(2), kScn);
  Result<PinnedTable> result = Error{ErrorCode::kUnavailable, "not called"};
  harness.table().PinAt(LogPosition(2), [&](Result<PinnedTable> pinned) { result = pinned; });
  harness.seal().Lift();
  harness.executor().RunUntilIdle();
  REQUIRE(result.error().code == ErrorCode::kFailedPrecondition);
}

TEST_CASE("a closed table pins nothing", "[table][snapshot]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  IntroduceBatches(harness, 1, 2);
  harness.seal().Draw(LogPosition(2), kScn);
  harness.table().Shut();
  REQUIRE(harness.Pin().error().code == ErrorCode::kUnavailable);
}

TEST_CASE("a table that keeps files for a line is not idle", "[table][snapshot]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  IntroduceBatches(harness, 1, 2);
  harness.seal().Draw(LogPosition(2), kScn);
  IntroduceBatches(harness, 3, 4);
  REQUIRE(harness.Flush().has_value());
  REQUIRE(!harness.table().IsIdle());
  harness.seal().Lift();
  REQUIRE(harness.table().IsIdle());
}

}  // namespace
}  // namespace ficus
