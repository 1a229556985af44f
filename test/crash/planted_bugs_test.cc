// Plants a bug in the engine, explores the crashes of a sequence that reaches the broken line, and
// requires that something notices. A harness that misses one of these proves nothing.
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <sys/mman.h>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/base/planted_bug.h"
#include "engine/base/stop.h"
#include "test/crash/crash_explorer.h"
#include "test/engine/base/death.h"

#ifdef FICUS_PLANTED_BUGS

namespace ficus {
namespace {

using Sequence = std::vector<CrashOp>;
using Op = CrashOp;

std::set<PlantedBug>& Tested() {
  static std::set<PlantedBug> tested;
  return tested;
}

struct Scenario {
  Sequence sequence;
  Durability durability = Durability::kStrict;
};

// What the child leaves for its parent, however it ends.
class SharedCounts {
 public:
  SharedCounts()
      : counts_(
            static_cast<CrashCounts*>(::mmap(nullptr, sizeof(CrashCounts), PROT_READ | PROT_WRITE,
                                             MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    REQUIRE(counts_ != MAP_FAILED);
  }
  ~SharedCounts() { ::munmap(counts_, sizeof(CrashCounts)); }
  SharedCounts(const SharedCounts&) = delete;
  SharedCounts& operator=(const SharedCounts&) = delete;

  CrashCounts& get() { return *counts_; }

 private:
  CrashCounts* const counts_;
};

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// In the child: says on standard error what was found, or nothing.
void ExploreWith(PlantedBug bug, const Scenario& scenario, CrashCounts& counts) {
  LogCapture log;
  const StopHandler stop([](std::string_view reason) {
    std::fprintf(stderr, "the engine stops itself: %s\n", std::string(reason).c_str());
    std::abort();
  });
  Plant(bug);
  CrashExplorer::Limits limits;
  limits.nesting = 0;
  limits.durability = scenario.durability;
  limits.every_operation = true;
  CrashExplorer explorer(limits, counts);
  try {
    explorer.Explore(scenario.sequence);
  } catch (const Catch::TestFailureException&) {
    std::fprintf(stderr, "an operation never ends\n");
    return;
  }
  if (!explorer.violation().has_value()) return;
  std::fprintf(stderr, "broken: %s\n%s\n", explorer.violation()->invariant.c_str(),
               explorer.violation()->story.c_str());
}

void RequireFound(PlantedBug bug, const char* text, const Scenario& scenario) {
  SharedCounts counts;
  std::fflush(stdout);
  const Death death = RunInChild([&] { ExploreWith(bug, scenario, counts.get()); });
  std::printf("%s: %s; %zu states\n", text, FirstLine(death.standard_error).c_str(),
              counts.get().states);
  if (std::getenv("FICUS_CRASH_STORY") != nullptr) std::puts(death.standard_error.c_str());
  INFO(death.standard_error);
  REQUIRE(!death.standard_error.empty());
  // A node that only dies by a signal has noticed nothing.
  const bool is_detected = !death.aborted ||
                           death.standard_error.find("CHECK failed") != std::string::npos ||
                           death.standard_error.find("stops itself") != std::string::npos;
  REQUIRE(is_detected);
}

// A test for one bug.
#define PLANTED_BUG(bug, text, ...)                                  \
  const bool tested_##bug = Tested().insert(PlantedBug::bug).second; \
  TEST_CASE("a planted bug is found: " text, "[crash][planted]") {   \
    REQUIRE(tested_##bug);                                           \
    RequireFound(PlantedBug::bug, text, __VA_ARGS__);                \
  }

// Relied on before it is on the device.
PLANTED_BUG(kPartNotSynced, "a part is named unsynced", Scenario{{Op::kPut, Op::kFlush}})
PLANTED_BUG(kManifestNotSynced, "a manifest is renamed unsynced", Scenario{{Op::kPut, Op::kFlush}})
PLANTED_BUG(kManifestDirectoryNotSynced, "the name of a manifest is not synced",
            Scenario{{Op::kPut, Op::kFlush, Op::kMerge}})
PLANTED_BUG(kPartDirectoryNotSynced, "the name of a part is not synced",
            Scenario{{Op::kPut, Op::kFlush}})
PLANTED_BUG(kLogGroupNotSynced, "a group of the log is acknowledged unsynced", Scenario{{Op::kPut}})
PLANTED_BUG(kLogFileHeaderNotSynced, "the header of a log file is not synced",
            Scenario{{Op::kPut, Op::kPut, Op::kPut, Op::kPut}})
PLANTED_BUG(kLogFileDirectoryNotSynced, "the name of a log file is not synced",
            Scenario{{Op::kPut, Op::kPut, Op::kPut, Op::kPut}})
PLANTED_BUG(kShardDirectoryNotSynced, "the name of a shard is not synced",
            Scenario{{Op::kBatch, Op::kFlush, Op::kPut, Op::kPut, Op::kPut, Op::kPut, Op::kFlush,
                      Op::kWatch}})
PLANTED_BUG(kSegmentDirectoryNotSynced, "the name of a segment is not synced",
            Scenario{{Op::kBatch}})
PLANTED_BUG(kGroupDirectoryNotSynced, "the name of a group is not synced", Scenario{{Op::kPut}})
PLANTED_BUG(kSnapshotFilesNotSynced, "a manifest in a snapshot is not synced",
            Scenario{{Op::kSnapshot}})
PLANTED_BUG(kSnapshotDirectoriesNotSynced, "the names in a snapshot are not synced",
            Scenario{{Op::kSnapshot}})
PLANTED_BUG(kSnapshotListNotSynced, "the list of a snapshot is renamed unsynced",
            Scenario{{Op::kSnapshot}})

// Errors of logic in flush and merge.
PLANTED_BUG(kFlushAheadOfLog, "a flush records a position that the log has not synced",
            Scenario{{Op::kPut, Op::kFlush}, Durability::kRelaxed})
PLANTED_BUG(kFlushPositionTooHigh, "a flush records one position too many",
            Scenario{{Op::kPut, Op::kFlush, Op::kPut}})
PLANTED_BUG(kFlushPositionOfNewestRow, "a flush records the position of rows that came later",
            Scenario{{Op::kPut, Op::kBusy}})
PLANTED_BUG(kFlushIsNoPrefix, "a flush takes mem parts that are no prefix",
            Scenario{{Op::kPut, Op::kBatch, Op::kFlush}})
PLANTED_BUG(kFlushWritesNoIndexRun, "a flush forgets the new series",
            Scenario{{Op::kBatch, Op::kFlush}})
PLANTED_BUG(kFlushIgnoresSnapshotLine, "a snapshot holds rows above its position",
            Scenario{{Op::kPut, Op::kBusy}})
PLANTED_BUG(kManifestFromStaleOne, "a manifest is derived from a stale one",
            Scenario{{Op::kPut, Op::kFlush}})
PLANTED_BUG(kMergeInputsRemovedEarly, "the inputs of a merge go before the manifest is durable",
            Scenario{{Op::kPut, Op::kFlush, Op::kMerge}})
PLANTED_BUG(kMergeKeepsOlderVersion, "a merge keeps the older of two versions",
            Scenario{{Op::kPut}})
PLANTED_BUG(kMergeDropsLastRow, "a merge drops the last row of a block",
            Scenario{{Op::kBatch, Op::kFlush, Op::kMerge, Op::kPut, Op::kFlush, Op::kMerge}})
PLANTED_BUG(kMergeOutputNotNamed, "the output of a merge is not named",
            Scenario{{Op::kPut, Op::kFlush, Op::kMerge}})

// Errors of logic in recovery.
PLANTED_BUG(kRecoveryTakesOlderManifest, "recovery takes the older manifest",
            Scenario{{Op::kPut, Op::kFlush, Op::kMerge}})
PLANTED_BUG(kRecoveryRemovesNamedFile, "recovery deletes a file that is named",
            Scenario{{Op::kPut}})
PLANTED_BUG(kFileNumbersStartAgain, "file numbers start again after a restart",
            Scenario{{Op::kPut}})
PLANTED_BUG(kReplaySkipsOneTooMany, "replay skips one position too many", Scenario{{Op::kPut}})
PLANTED_BUG(kReplayIgnoresLogId, "a position of a lost log counts for the new one",
            Scenario{{Op::kNewLog, Op::kPut}})
PLANTED_BUG(kReplayIgnoresRetiredGroups, "replay ignores that a group was retired",
            Scenario{{Op::kPut, Op::kRecreate}})
PLANTED_BUG(kReplayIgnoresRemovedSegments, "replay ignores that a segment was removed",
            Scenario{{Op::kBatch, Op::kRetention}})
PLANTED_BUG(kReplayIgnoresIncarnation, "a removal hits the segment that was made again",
            Scenario{{Op::kBatch, Op::kRetention, Op::kWatch, Op::kSchema, Op::kBatch}})
PLANTED_BUG(kReplayStopsAfterFirstFile, "replay stops after the first file",
            Scenario{{Op::kPut, Op::kPut, Op::kPut, Op::kPut}})
PLANTED_BUG(kTornTailAccepted, "a torn batch is accepted without its checksum",
            Scenario{{Op::kBatch, Op::kSchema}})

// Errors of logic in log, schema, removal and snapshot.
PLANTED_BUG(kTrimIgnoresUnflushed, "the log is trimmed past rows that are not flushed",
            Scenario{{Op::kBatch, Op::kPut, Op::kPut, Op::kPut, Op::kPut, Op::kWatch}})
PLANTED_BUG(kTrimOneFileTooMany, "the log is trimmed by one file too many",
            Scenario{{Op::kBatch, Op::kPut, Op::kPut, Op::kPut, Op::kPut, Op::kWatch}})
PLANTED_BUG(kTrimIgnoresPins, "the log is trimmed past a removal that is not done",
            Scenario{{Op::kBatch, Op::kFlush, Op::kRetention, Op::kPut, Op::kPut, Op::kPut,
                      Op::kPut, Op::kFlush, Op::kWatch}})
PLANTED_BUG(kRetirementNotLogged, "the end of a group is not in the log",
            Scenario{{Op::kPut, Op::kRecreate}})
PLANTED_BUG(kGroupThrownAwayEarly, "a group is thrown away before its end is durable",
            Scenario{{Op::kRecreate}})
PLANTED_BUG(kSegmentRemovedEarly, "a segment is removed before its end is durable",
            Scenario{{Op::kBatch, Op::kRetention}})
PLANTED_BUG(kSchemaChangeNotSynced, "a change of the schema is acknowledged unsynced",
            Scenario{{Op::kSchema}, Durability::kRelaxed})
PLANTED_BUG(kRowsAcknowledgedEarly, "rows are acknowledged before they are shown",
            Scenario{{Op::kPut}})
PLANTED_BUG(kSeriesKnownToOtherTable, "a series of another table counts as known",
            Scenario{{Op::kBatch}})
PLANTED_BUG(kSnapshotWithoutIndex, "a snapshot leaves the index out", Scenario{{Op::kSnapshot}})

TEST_CASE("every planted bug has a test", "[crash][planted]") {
  const auto last = static_cast<size_t>(PlantedBug::kLast);
  REQUIRE(Tested().size() == last);
}

void RequireHeld(Durability durability) {
  LogCapture log;
  CrashCounts counts;
  CrashExplorer::Limits limits;
  limits.nesting = 0;
  limits.durability = durability;
  // Much more is pending with a relaxed log.
  if (durability == Durability::kRelaxed) limits.states = {2, 4, 2};
  CrashExplorer explorer(limits, counts);
  explorer.Explore({Op::kPut, Op::kBusy});
  explorer.Explore({Op::kBatch, Op::kFlush, Op::kRetention, Op::kPut, Op::kPut, Op::kPut, Op::kPut,
                    Op::kFlush, Op::kWatch});
  explorer.Explore({Op::kBatch, Op::kRetention, Op::kWatch, Op::kSchema, Op::kBatch});
  explorer.Explore({Op::kBatch, Op::kPut, Op::kPut, Op::kPut, Op::kPut, Op::kWatch});
  explorer.Explore({Op::kNewLog, Op::kPut});
  const std::optional<Violation>& violation = explorer.violation();
  INFO((violation.has_value() ? violation->invariant + ": " + violation->story : ""));
  REQUIRE(!violation.has_value());
  std::printf("without a planted bug: %zu states, at most %zu effects pending\n", counts.states,
              counts.most_pending);
  REQUIRE(counts.states > 0);
}

TEST_CASE("without a planted bug the long sequences hold", "[crash][planted]") {
  RequireHeld(Durability::kStrict);
}

TEST_CASE("without a planted bug the long sequences hold with a relaxed log", "[crash][planted]") {
  RequireHeld(Durability::kRelaxed);
}

}  // namespace
}  // namespace ficus

#endif
