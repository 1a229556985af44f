// The exchange of trees at a start, with operations that fail in the middle of it.
#include "engine/database/restore_moves.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string_view>
#include <sys/wait.h>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/stop.h"
#include "engine/io/faulty_file_system.h"
#include "engine/io/io_verdict.h"
#include "test/engine/database/restore_scene.h"

namespace ficus {
namespace {

using NameOrder = MemoryFileSystem::NameOrder;

// A node that has a restore to do at its next start, and what it may show after it.
struct Waiting {
  explicit Waiting(bool whole_node) : whole(whole_node) {
    HandStaging staging(scene.backup, scene.node.fs(), scene.node.random());
    if (whole) {
      staging.StageWholeNode();
    } else {
      staging.StageGroups({"web"});
    }
    scene.node.Kill();
  }

  const bool whole;
  Scene scene;
};

// What a start with a fault came to, as the exit code of the process that played it.
enum Exit : int { kNoFault = 10, kHeld = 11, kBroken = 12 };

// The next start after the fault, which has none: the backup's tree or the old one, never some of
// each.
void CheckOneTree(const Waiting& waiting, std::unique_ptr<MemoryFileSystem> fs,
                  std::unique_ptr<MemoryFileSystem> log_fs) {
  DatabaseHarness node(7);
  node.UseDisks(std::move(fs), std::move(log_fs));
  const Result<> opened = node.Open();
  CAPTURE(opened.has_value() ? "" : opened.error().ToString());
  REQUIRE(opened.has_value());
  const RestoreState state = JournalOf(node.fs()).state;
  CAPTURE(RestoreStateName(state));
  const bool restored = state == RestoreState::kDone;
  if (!restored) REQUIRE(state == RestoreState::kFailed);
  const Scene& scene = waiting.scene;
  REQUIRE(node.Read("web", kCpu) == (restored ? scene.web_then : scene.web_now));
  REQUIRE(node.Read("db", kCpu) == (restored && waiting.whole ? scene.db_then : scene.db_now));
  REQUIRE(node.database().Status().damaged_files == 0);
  REQUIRE(node.database().Status().parked_records == 0);
}

// What a kill leaves.
std::unique_ptr<MemoryFileSystem> Everything(const MemoryFileSystem& disk) {
  return disk.CrashKeeping(std::vector<bool>(disk.pending_count(), true),
                           MemoryFileSystem::Tear::kWritten, NameOrder::kWeak);
}

// Starts the waiting node with an operation that fails. A stop of the process ends it, too.
class FaultyStart {
 public:
  FaultyStart(const Waiting& waiting, bool on_log, const FaultRule& rule)
      : waiting_(waiting), random_(rule.skip) {
    node_.UseDisks(waiting.scene.node.fs().Clone(), waiting.scene.node.log_fs().Clone());
    auto data = FaultyFileSystem::Create(node_.fs());
    auto log = FaultyFileSystem::Create(node_.log_fs());
    faulty_ = on_log ? log.get() : data.get();
    faulty_->AddRule(rule);
    node_.UseWrapped(std::move(data), std::move(log));
  }

  [[noreturn]] void Play() {
    LogCapture quiet;
    const StopHandler handler([this](std::string_view) { Judge(); });
    // It may start, refuse to, or stop: what counts is what it leaves.
    (void)node_.Open().has_value();
    if (faulty_->faults() == 0) ::_exit(kNoFault);
    Judge();
  }

 private:
  // Killed with the page cache alive, and the machine without power.
  [[noreturn]] void Judge() {
    int exit = kHeld;
    try {
      CheckOneTree(waiting_, Everything(node_.fs()), Everything(node_.log_fs()));
      CheckOneTree(waiting_, node_.fs().Crash(random_, NameOrder::kWeak),
                   node_.log_fs().Crash(random_, NameOrder::kWeak));
    } catch (...) {  // of REQUIRE, which has said what is wrong
      exit = kBroken;
    }
    std::fflush(stdout);
    ::_exit(exit);
  }

  const Waiting& waiting_;
  SeededRandom random_;
  DatabaseHarness node_{7};
  FaultyFileSystem* faulty_ = nullptr;
};

int PlayInChild(const Waiting& waiting, bool on_log, const FaultRule& rule) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) FaultyStart(waiting, on_log, rule).Play();
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Fails the first, the second, ... operation that the rule matches, until there is none; how many.
uint64_t FailEach(const Waiting& waiting, bool on_log, FaultRule rule) {
  CAPTURE(on_log, rule.error_number, rule.times);
  for (rule.skip = 0;; ++rule.skip) {
    CAPTURE(rule.skip);
    const int exit = PlayInChild(waiting, on_log, rule);
    if (exit == kNoFault) return rule.skip;
    REQUIRE(exit == kHeld);
  }
}

TEST_CASE("whatever operation of a restoring start fails, the tree is the old or the new one",
          "[database][restore][io_error]") {
  const Waiting waiting(GENERATE(true, false));
  const int error_number = GENERATE(EIO, ENOSPC, EACCES);
  const uint64_t times = GENERATE(uint64_t{1}, UINT64_MAX);
  CAPTURE(waiting.whole);
  uint64_t starts = 0;
  for (const bool on_log : {false, true}) {
    for (const IoOp op : {IoOp::kWrite, IoOp::kSync, IoOp::kAllocate, IoOp::kRename, IoOp::kLink,
                          IoOp::kRemove, IoOp::kCreateDirectory, IoOp::kSyncDirectory}) {
      CAPTURE(IoOpName(op));
      FaultRule rule;
      rule.op = op;
      rule.error_number = error_number;
      rule.times = times;
      starts += FailEach(waiting, on_log, rule);
    }
  }
  REQUIRE(starts >= 50);
}

}  // namespace
}  // namespace ficus
