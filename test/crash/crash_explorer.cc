#include "test/crash/crash_explorer.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace ficus {
namespace {

Result<> CheckAllowed(const World& world, const std::vector<World>& allowed) {
  if (std::find(allowed.begin(), allowed.end(), world) != allowed.end()) return Ok();
  std::string text = "shown is " + world.ToString() + "; allowed is";
  for (const World& candidate : allowed) text += " " + candidate.ToString() + ";";
  return Error{ErrorCode::kCorruption, text};
}

Result<> CheckSame(const World& before, const World& after) {
  if (before == after) return Ok();
  return Error{ErrorCode::kCorruption,
               "shown was " + before.ToString() + "; after a restart " + after.ToString()};
}

Result<> CheckGiven(DatabaseHarness& node, const Expectation& expected) {
  ASSIGN_OR_RETURN(const NumberHistory given, ReadNumbers(node.fs()));
  return CheckNumbers(expected.numbers, given);
}

Result<> CheckLedger(const MemoryLedger& ledger) {
  if (ledger.used_bytes() == 0) return Ok();
  return Error{ErrorCode::kResourceExhausted,
               fmt::format("{} bytes are still reserved", ledger.used_bytes())};
}

}  // namespace

void CrashExplorer::Explore(const std::vector<CrashOp>& sequence) {
  ++counts_.sequences;
  std::string story;
  for (const CrashOp op : sequence) story += CrashOpName(op) + " ";
  Workload workload(limits_.durability);
  const auto crash = [&](const Workload& at, std::string_view effect) {
    if (violation_.has_value()) return;
    CrashHere(at.fs(), at.log_fs(),
              {at.expected(), at.now(), fmt::format("{}| before {}", story, effect)},
              limits_.nesting);
  };
  if (sequence.empty()) workload.Observe(crash);
  workload.Prepare();
  for (size_t i = 0; i < sequence.size(); ++i) {
    if (limits_.every_operation || i + 1 == sequence.size()) workload.Observe(crash);
    workload.Run(sequence[i]);
  }
  crash(workload, "the end");
  workload.Observe({});
  const Situation end = {workload.expected(), workload.now(), story + "| without a crash"};
  if (!Holds(workload.Check(), "every operation succeeds and shows what it did", end)) return;
  if (!Holds(snapshots_.Check(workload.node(), workload.expected()), "snapshots are whole", end)) {
    return;
  }
  workload.node().Close();
  Holds(CheckLedger(workload.node().ledger()), "a stopped node holds no memory", end);
}

void CrashExplorer::CrashHere(const MemoryFileSystem& fs, const MemoryFileSystem& log_fs,
                              const Situation& situation, int nesting) {
  ++counts_.crash_points;
  counts_.most_pending =
      std::max(counts_.most_pending, fs.pending_count() + log_fs.pending_count());
  ForEachCrashState(fs, log_fs, limits_.states, [&](Disks disks) {
    if (!violation_.has_value()) Recover(std::move(disks), situation, nesting);
  });
}

bool CrashExplorer::Holds(const Result<>& result, const char* invariant,
                          const Situation& situation) {
  if (result.has_value()) return true;
  if (!violation_.has_value()) {
    violation_ = {invariant, situation.story + ": " + result.error().ToString()};
  }
  return false;
}

void CrashExplorer::Recover(Disks disks, const Situation& situation, int nesting) {
  if (!seen_.emplace(disks.Digest(), situation.expected.Digest()).second) return;
  ++counts_.states;
  if (nesting < limits_.nesting) ++counts_.recovery_states;
  // Another seed at each level, so that no random id is drawn twice.
  DatabaseHarness node(100 + static_cast<uint64_t>(nesting));
  MakeTiny(node.options());
  node.options().accept_log_loss = situation.expected.accepts_log_loss;
  node.clock().StepWall(situation.now - node.now());
  node.UseDisks(std::move(disks.fs), std::move(disks.log_fs));
  Start(node, situation, nesting);
  node.Kill();
  Holds(CheckLedger(node.ledger()), "a stopped node holds no memory", situation);
}

void CrashExplorer::Start(DatabaseHarness& node, const Situation& situation, int nesting) {
  if (nesting > 0) {
    const auto crash = [&](uint64_t, std::string_view effect) {
      if (violation_.has_value()) return;
      CrashHere(node.fs(), node.log_fs(),
                {situation.expected, situation.now,
                 fmt::format("{} | recovery, before {}", situation.story, effect)},
                nesting - 1);
    };
    node.fs().SetObserver(crash);
    node.log_fs().SetObserver(crash);
  }
  const Result<> opened = node.Open();
  node.fs().SetObserver({});
  node.log_fs().SetObserver({});
  if (Holds(opened, "a node starts after every crash", situation)) CheckRecovered(node, situation);
}

void CrashExplorer::CheckRecovered(DatabaseHarness& node, const Situation& situation) {
  const Result<World> world = ReadWorld(node.database(), node.ledger());
  if (!Holds(world.has_value() ? Ok() : Result<>(world.error()),
             "everything can be read, nothing is damaged or parked", situation)) {
    return;
  }
  if (!Holds(CheckAllowed(*world, situation.expected.worlds),
             "what was acknowledged is shown, once, and nothing that was not written", situation)) {
    return;
  }
  if (!Holds(snapshots_.Check(node, situation.expected), "snapshots are whole", situation)) return;
  // Starting again, trimming the log and writing out what was replayed changes nothing.
  node.Pass(kNanosPerSecond);
  if (!Holds(node.FlushAll(), "a recovered node can flush", situation)) return;
  node.Pass(kNanosPerSecond);
  if (!Holds(CheckFiles(node.database(), node.fs()),
             "the directories hold what is named, and nothing else", situation)) {
    return;
  }
  if (!Holds(CheckGiven(node, situation.expected), "no epoch and no file number is given again",
             situation)) {
    return;
  }
  node.Kill();
  if (!Holds(node.Open(), "a node starts a second time", situation)) return;
  const Result<World> again = ReadWorld(node.database(), node.ledger());
  if (!Holds(again.has_value() ? Ok() : Result<>(again.error()),
             "everything can be read, nothing is damaged or parked", situation)) {
    return;
  }
  Holds(CheckSame(*world, *again), "a second start shows the same", situation);
}

}  // namespace ficus
