#include "test/crash/crash_explorer.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"

namespace ficus {
namespace {

// Longer sequences and deeper crashes, for a night: ./dev crash --long.
bool IsLong() { return std::getenv("FICUS_CRASH_LONG") != nullptr; }

// A long run may be cut into pieces that are run one by one: FICUS_CRASH_SLICE=3/20 is the fourth
// of twenty. Which sequences it takes depends on nothing else.
struct Slice {
  size_t index = 0;
  size_t count = 1;
};

Slice SliceOfRun() {
  const char* const text = std::getenv("FICUS_CRASH_SLICE");
  if (text == nullptr) return {};
  Slice slice;
  const bool is_read = std::sscanf(text, "%zu/%zu", &slice.index, &slice.count) == 2;
  INFO("FICUS_CRASH_SLICE=" << text);
  REQUIRE((is_read && slice.index < slice.count));
  return slice;
}

CrashExplorer::Limits Nested(int nesting) {
  CrashExplorer::Limits limits;
  limits.nesting = nesting;
  return limits;
}

// What the ordinary run counted when it was last looked at. More of either by half says that
// something new is left to luck: look before the numbers are raised.
struct Baseline {
  size_t states;
  size_t most_pending;
};

void RequireHeld(const CrashExplorer& explorer, const char* what, Baseline baseline) {
  const CrashCounts& counts = explorer.counts();
  std::printf(
      "%s: %zu sequences, %zu crash points, %zu states (%zu a sequence), %zu of them left by a "
      "recovery, at most %zu effects pending\n",
      what, counts.sequences, counts.crash_points, counts.states,
      counts.states / std::max<size_t>(counts.sequences, 1), counts.recovery_states,
      counts.most_pending);
  const std::optional<Violation>& violation = explorer.violation();
  INFO((violation.has_value() ? violation->invariant + ": " + violation->story : ""));
  REQUIRE(!violation.has_value());
  REQUIRE((counts.states > 0 || counts.sequences == 0));
  if (IsLong()) return;
  REQUIRE(counts.states * 2 <= baseline.states * 3);
  REQUIRE(counts.most_pending * 2 <= baseline.most_pending * 3);
}

// A backup changes nothing of the node but that a snapshot is there: what follows it is explored
// where a restore comes later, and what comes before it where that is one operation. A restore
// needs a backup.
enum class BackupUse { kNone, kWaiting, kRestored, kMissing };

BackupUse UseOf(const std::vector<CrashOp>& sequence) {
  BackupUse use = BackupUse::kNone;
  for (const CrashOp op : sequence) {
    if (op == CrashOp::kBackup) use = BackupUse::kWaiting;
    if (op != CrashOp::kRestore) continue;
    if (use == BackupUse::kNone) return BackupUse::kMissing;
    use = BackupUse::kRestored;
  }
  return use;
}

// Explores the sequences of one slice.
class Enumeration {
 public:
  Enumeration(CrashExplorer& explorer, size_t length)
      : explorer_(explorer), length_(length), slice_(SliceOfRun()) {}

  // All that go on from `sequence` and have up to `length` operations.
  void ExploreAll(std::vector<CrashOp>& sequence) {
    const BackupUse use = UseOf(sequence);
    if (use == BackupUse::kMissing) return;
    const bool ends_with_backup =
        !sequence.empty() && sequence.size() <= 2 && sequence.back() == CrashOp::kBackup;
    if (use != BackupUse::kWaiting || ends_with_backup) ExploreOne(sequence);
    if (sequence.size() == length_) return;
    for (const CrashOp op : kCrashOps) {
      sequence.push_back(op);
      ExploreAll(sequence);
      sequence.pop_back();
    }
  }

 private:
  void ExploreOne(const std::vector<CrashOp>& sequence) {
    if (number_++ % slice_.count == slice_.index) explorer_.Explore(sequence);
  }

  CrashExplorer& explorer_;
  const size_t length_;
  const Slice slice_;
  size_t number_ = 0;
};

void ExploreFrom(CrashOp first, Baseline nested_baseline, Baseline baseline) {
  LogCapture log;
  CrashCounts nested_counts;
  CrashExplorer nested(Nested(IsLong() ? 2 : 1), nested_counts);
  // The job of a backup touches nothing that a start reads.
  const bool is_nested = IsLong() || first != CrashOp::kBackup;
  if (is_nested && SliceOfRun().index == 0) nested.Explore({first});
  RequireHeld(nested, (CrashOpName(first) + ", recovery crashed").c_str(), nested_baseline);
  CrashCounts counts;
  CrashExplorer explorer(Nested(0), counts);
  std::vector<CrashOp> sequence = {first};
  Enumeration(explorer, IsLong() ? 4 : 3).ExploreAll(sequence);
  RequireHeld(explorer, CrashOpName(first).c_str(), baseline);
}

TEST_CASE("the first start and the first row survive every crash", "[crash]") {
  LogCapture log;
  CrashCounts counts;
  CrashExplorer explorer(Nested(IsLong() ? 2 : 1), counts);
  explorer.Explore({});
  RequireHeld(explorer, "first start, recovery crashed", {3782, 37});
}

TEST_CASE("with a relaxed log a crash leaves what was acknowledged up to some moment", "[crash]") {
  LogCapture log;
  CrashExplorer::Limits limits = Nested(0);
  limits.durability = Durability::kRelaxed;
  CrashCounts counts;
  CrashExplorer explorer(limits, counts);
  std::vector<CrashOp> sequence;
  Enumeration(explorer, IsLong() ? 3 : 2).ExploreAll(sequence);
  RequireHeld(explorer, "relaxed log", {39558, 51});
}

// One case for each first operation, so that they run side by side. Each explores every sequence of
// up to three operations that begins with it, and crashes the recovery from a crash of it, too.
TEST_CASE("whatever follows a row, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kPut, {268, 34}, {41018, 49});
}
TEST_CASE("whatever follows a batch, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kBatch, {304, 36}, {60404, 57});
}
TEST_CASE("whatever follows a flush, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kFlush, {4, 34}, {36488, 49});
}
TEST_CASE("whatever follows a merge, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kMerge, {4, 34}, {36477, 49});
}
TEST_CASE("whatever follows retention, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kRetention, {4, 34}, {38044, 53});
}
TEST_CASE("whatever follows a schema change, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kSchema, {352, 34}, {41840, 49});
}
TEST_CASE("whatever follows a group made again, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kRecreate, {19016, 34}, {85341, 55});
}
TEST_CASE("whatever follows a snapshot, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kSnapshot, {11501, 34}, {34756, 49});
}
TEST_CASE("whatever follows a backup, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kBackup, {0, 0}, {13147, 65});
}
TEST_CASE("a restored node survives every crash of its next operations", "[crash]") {
  LogCapture log;
  CrashCounts counts;
  CrashExplorer::Limits limits = Nested(0);
  CrashExplorer explorer(limits, counts);
  explorer.Explore(
      {CrashOp::kBatch, CrashOp::kBackup, CrashOp::kRetention, CrashOp::kPut, CrashOp::kRestore});
  explorer.Explore(
      {CrashOp::kBackup, CrashOp::kRecreate, CrashOp::kBatch, CrashOp::kRestore, CrashOp::kBackup});
  explorer.Explore(
      {CrashOp::kBackup, CrashOp::kBatch, CrashOp::kRestore, CrashOp::kPut, CrashOp::kRestore});
  RequireHeld(explorer, "backups and restores", {9295, 71});
}
TEST_CASE("whatever follows a restart, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kRestart, {261, 34}, {34594, 45});
}

}  // namespace
}  // namespace ficus
