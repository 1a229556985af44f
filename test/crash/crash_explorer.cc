#include "test/crash/crash_explorer.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/core.h>

namespace ficus {
namespace {

uint64_t DigestOf(const std::vector<World>& worlds) {
  uint64_t digest = 0;
  for (const World& world : worlds) {
    digest = digest * 31 + std::hash<std::string>{}(world.ToString());
  }
  return digest;
}

}  // namespace

void CrashExplorer::Explore(const std::vector<CrashOp>& sequence) {
  ++counts_.sequences;
  std::string story;
  for (const CrashOp op : sequence) story += CrashOpName(op) + " ";
  Workload workload;
  const auto crash = [&](const Workload& at, std::string_view effect) {
    if (violation_.has_value()) return;
    CrashHere(at.fs(), at.log_fs(),
              {at.allowed(), at.now(), fmt::format("{}| before {}", story, effect)},
              limits_.nesting);
  };
  if (sequence.empty()) workload.Observe(crash);
  workload.Prepare();
  for (size_t i = 0; i < sequence.size(); ++i) {
    if (i + 1 == sequence.size()) workload.Observe(crash);
    workload.Run(sequence[i]);
  }
  crash(workload, "the end");
  workload.Observe({});
  const Result<> shown = workload.Check();
  if (!shown.has_value() && !violation_.has_value()) {
    violation_ = story + "without a crash: " + shown.error().message;
  }
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

void CrashExplorer::Recover(Disks disks, const Situation& situation, int nesting) {
  if (!seen_.emplace(disks.Digest(), DigestOf(situation.allowed)).second) return;
  ++counts_.states;
  if (nesting < limits_.nesting) ++counts_.recovery_states;
  // Another seed at each level, so that no random id is drawn twice.
  DatabaseHarness node(100 + static_cast<uint64_t>(nesting));
  MakeTiny(node.options());
  node.clock().StepWall(situation.now - node.now());
  node.UseDisks(std::move(disks.fs), std::move(disks.log_fs));
  if (nesting > 0) {
    const auto crash = [&](uint64_t, std::string_view effect) {
      if (violation_.has_value()) return;
      CrashHere(node.fs(), node.log_fs(),
                {situation.allowed, situation.now,
                 fmt::format("{} | recovery, before {}", situation.story, effect)},
                nesting - 1);
    };
    node.fs().SetObserver(crash);
    node.log_fs().SetObserver(crash);
  }
  const Result<> opened = node.Open();
  node.fs().SetObserver({});
  node.log_fs().SetObserver({});
  const Result<> held = opened.has_value() ? CheckRecovered(node, situation.allowed) : opened;
  if (!held.has_value() && !violation_.has_value()) {
    violation_ = situation.story + ": " + held.error().ToString();
  }
  node.Kill();
}

Result<> CrashExplorer::CheckRecovered(DatabaseHarness& node, const std::vector<World>& allowed) {
  ASSIGN_OR_RETURN(const World world, ReadWorld(node.database(), node.ledger()));
  if (std::find(allowed.begin(), allowed.end(), world) == allowed.end()) {
    std::string text = "shown is " + world.ToString() + "; allowed is";
    for (const World& candidate : allowed) text += " " + candidate.ToString() + ";";
    return Error{ErrorCode::kCorruption, text};
  }
  // Starting again, and writing out what was replayed, changes nothing.
  node.executor().RunUntilIdle();
  RETURN_IF_ERROR(node.FlushAll());
  node.executor().RunUntilIdle();
  RETURN_IF_ERROR(CheckFiles(node.database(), node.fs()));
  node.Kill();
  RETURN_IF_ERROR(node.Open());
  ASSIGN_OR_RETURN(const World again, ReadWorld(node.database(), node.ledger()));
  if (again == world) return Ok();
  return Error{ErrorCode::kCorruption,
               "shown was " + world.ToString() + "; after a restart " + again.ToString()};
}

}  // namespace ficus
