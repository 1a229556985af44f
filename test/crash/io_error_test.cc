// Every operation of a scripted run fails once, in every way, and for ever from then on.
#include "engine/io/io_error.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/stop.h"
#include "engine/io/faulty_file_system.h"
#include "engine/io/io_verdict.h"
#include "test/crash/workload.h"

namespace ficus {
namespace {

constexpr CrashOp kScript[] = {CrashOp::kBatch, CrashOp::kFlush,     CrashOp::kSchema,
                               CrashOp::kPut,   CrashOp::kSnapshot,  CrashOp::kPut,
                               CrashOp::kFlush, CrashOp::kMerge,     CrashOp::kPut,
                               CrashOp::kWatch, CrashOp::kRetention, CrashOp::kRestart,
                               CrashOp::kPut,   CrashOp::kRecreate,  CrashOp::kPut};

struct FaultCounts {
  size_t runs = 0;
  size_t faults = 0;     // raised, by rules that acted
  size_t stopped = 0;    // runs that ended with the process stopping itself
  size_t refused = 0;    // runs in which an operation failed or never ended
  size_t unnoticed = 0;  // runs in which everything succeeded all the same
};

enum class Disk : uint8_t { kData, kLog };

// The outcome of a child, as its exit code.
enum Exit : int { kNoFault = 10, kHeld = 11, kBroken = 12 };

class Run {
 public:
  Run(Disk disk, FaultRule rule, FaultCounts& counts)
      : disk_(disk), rule_(std::move(rule)), counts_(counts) {}

  // In a child: plays the script and judges what is left. Does not return.
  [[noreturn]] void Play() {
    LogCapture log;
    const StopHandler stop([this](std::string_view reason) { Stopped(std::string(reason)); });
    auto fs = FaultyFileSystem::Create(workload_.node().fs());
    auto log_fs = FaultyFileSystem::Create(workload_.node().log_fs());
    fs_ = fs.get();
    log_fs_ = log_fs.get();
    workload_.node().UseWrapped(std::move(fs), std::move(log_fs));
    workload_.Prepare();
    if (workload_.failed()) Broken("the preparation failed");
    workload_.AllowRefusals();
    (disk_ == Disk::kData ? fs_ : log_fs_)->AddRule(rule_);
    for (const CrashOp op : kScript) {
      if (workload_.failed()) break;
      workload_.Run(op);
      // A start that failed has left no node to ask.
      if (op != CrashOp::kRestart || !workload_.failed()) CheckAnswer(op);
    }
    Ended();
  }

 private:
  [[noreturn]] static void Leave(int code) {
    std::fflush(stdout);
    ::_exit(code);
  }
  [[noreturn]] void Broken(const std::string& what) {
    std::printf("BROKEN: %s of %s on the %s disk, errno %d%s, number %llu, %s: %s\n",
                rule_.op.has_value() ? std::string(IoOpName(*rule_.op)).c_str() : "anything",
                rule_.file_class.has_value() ? std::string(FileClassName(*rule_.file_class)).c_str()
                                             : "any class",
                disk_ == Disk::kData ? "data" : "log", rule_.error_number,
                rule_.short_transfer ? " short" : "", static_cast<unsigned long long>(rule_.skip),
                rule_.times == 1 ? "once" : "for ever", what.c_str());
    Leave(kBroken);
  }

  // An error or the truth, also while operations fail.
  void CheckAnswer(CrashOp op) {
    const Result<World> world = ReadWorld(workload_.node().database(), workload_.node().ledger());
    if (!world.has_value() || IsAllowed(*world)) return;
    Broken("a wrong answer after " + CrashOpName(op) + ": " + world->ToString());
  }
  bool IsAllowed(const World& world) const {
    const std::vector<World>& allowed = workload_.expected().worlds;
    return std::find(allowed.begin(), allowed.end(), world) != allowed.end();
  }

  uint64_t faults() const { return fs_->faults() + log_fs_->faults(); }

  bool MustStop() const {
    if (!rule_.op.has_value() || !rule_.file_class.has_value() || rule_.error_number == 0) {
      return false;
    }
    // Tried again, and then it works.
    if (rule_.times == 1 && (rule_.error_number == EINTR || rule_.error_number == EAGAIN)) {
      return false;
    }
    return ClassifyIoError(*rule_.op, IoError(*rule_.op, "x", rule_.error_number),
                           *rule_.file_class, FileSpace::kReserved) == IoVerdict::kStop;
  }

  // The process is about to end itself: what it leaves is what a kill or a power cut leaves.
  [[noreturn]] void Stopped(const std::string& reason) {
    if (rule_.op.has_value() && !MustStop()) Broken("the node stopped itself: " + reason);
    ++counts_.stopped;
    counts_.faults += faults();
    JudgeDisks();
    Leave(kHeld);
  }

  [[noreturn]] void Ended() {
    const uint64_t raised = faults();
    fs_->ClearRules();
    log_fs_->ClearRules();
    if (raised == 0) {
      const Result<> held = workload_.Check();
      if (!held.has_value()) Broken("without a fault: " + held.error().ToString());
      Leave(kNoFault);
    }
    counts_.faults += raised;
    if (MustStop() && rule_.op != IoOp::kWrite) Broken("the node went on");
    if (workload_.failed() || workload_.refused() > 0) {
      ++counts_.refused;
    } else {
      ++counts_.unnoticed;
    }
    JudgeDisks();
    Leave(kHeld);
  }

  // Killed with the page cache alive, and the machine without power.
  void JudgeDisks() {
    for (const bool keeps : {true, false}) {
      const auto left = [keeps](const MemoryFileSystem& disk) {
        return disk.CrashKeeping(std::vector<bool>(disk.pending_count(), keeps),
                                 MemoryFileSystem::Tear::kWritten,
                                 MemoryFileSystem::NameOrder::kWeak);
      };
      auto fs = left(workload_.fs());
      auto log_fs = left(workload_.log_fs());
      if (fs == nullptr || log_fs == nullptr) continue;
      Judge(std::move(fs), std::move(log_fs));
    }
  }

  void Judge(std::unique_ptr<MemoryFileSystem> fs, std::unique_ptr<MemoryFileSystem> log_fs) {
    DatabaseHarness node(100);
    MakeTiny(node.options());
    node.clock().StepWall(workload_.now() - node.now());
    node.UseDisks(std::move(fs), std::move(log_fs));
    const Result<> opened = node.Open();
    if (!opened.has_value()) Broken("no start: " + opened.error().ToString());
    const Result<World> world = ReadWorld(node.database(), node.ledger());
    // A file that could not be read for a while was neither set aside nor forgotten.
    if (!world.has_value()) Broken(world.error().ToString());
    if (IsAllowed(*world)) return CheckTidy(node);
    std::string text = "shown is " + world->ToString() + "; allowed is";
    for (const World& candidate : workload_.expected().worlds)
      text += " " + candidate.ToString() + ";";
    Broken(text);
  }

  // Without faults the node puts everything in order.
  void CheckTidy(DatabaseHarness& node) {
    const Result<> flushed = node.FlushAll();
    if (!flushed.has_value()) Broken("no flush: " + flushed.error().ToString());
    node.Pass(kNanosPerSecond);
    const Result<> tidy = CheckFiles(node.database(), node.fs());
    if (!tidy.has_value()) Broken(tidy.error().ToString());
  }

  const Disk disk_;
  const FaultRule rule_;
  FaultCounts& counts_;
  Workload workload_;
  FaultyFileSystem* fs_ = nullptr;
  FaultyFileSystem* log_fs_ = nullptr;
};

class SharedFaultCounts {
 public:
  SharedFaultCounts()
      : counts_(
            static_cast<FaultCounts*>(::mmap(nullptr, sizeof(FaultCounts), PROT_READ | PROT_WRITE,
                                             MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    REQUIRE(counts_ != MAP_FAILED);
  }
  ~SharedFaultCounts() { ::munmap(counts_, sizeof(FaultCounts)); }
  SharedFaultCounts(const SharedFaultCounts&) = delete;
  SharedFaultCounts& operator=(const SharedFaultCounts&) = delete;
  FaultCounts& get() { return *counts_; }

 private:
  FaultCounts* const counts_;
};

int PlayInChild(Disk disk, const FaultRule& rule, FaultCounts& counts) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);
    Run(disk, rule, counts).Play();
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Fails the first, the second, ... operation that the rule matches, until there is none.
void FailEach(Disk disk, FaultRule rule, FaultCounts& counts) {
  for (rule.skip = 0;; ++rule.skip) {
    const int outcome = PlayInChild(disk, rule, counts);
    if (outcome == kNoFault) return;
    ++counts.runs;
    if (outcome == kHeld) continue;
    std::printf("number %llu ended with %d\n", static_cast<unsigned long long>(rule.skip), outcome);
    FAIL("a failing operation broke a promise");
  }
}

bool HasClass(IoOp op) {
  switch (op) {
    case IoOp::kOpen:
    case IoOp::kRead:
    case IoOp::kWrite:
    case IoOp::kSync:
    case IoOp::kAllocate:
    case IoOp::kTruncate:
    case IoOp::kRename:
    case IoOp::kSyncDirectory:
      return true;
    default:
      return false;
  }
}

// Every operation of every class on both disks.
void FailAll(FaultRule rule, const char* what) {
  SharedFaultCounts shared;
  for (const Disk disk : {Disk::kData, Disk::kLog}) {
    for (size_t op = 0; op < kIoOpCount; ++op) {
      rule.op = static_cast<IoOp>(op);
      const bool is_transfer = rule.op == IoOp::kRead || rule.op == IoOp::kWrite;
      if (rule.short_transfer && !is_transfer) continue;
      rule.file_class.reset();
      if (!HasClass(*rule.op)) {
        FailEach(disk, rule, shared.get());
        continue;
      }
      for (size_t file_class = 0; file_class < kFileClassCount; ++file_class) {
        rule.file_class = static_cast<FileClass>(file_class);
        FailEach(disk, rule, shared.get());
      }
    }
  }
  const FaultCounts& counts = shared.get();
  std::printf("%s: %zu runs, %zu faults; %zu stopped, %zu refused, %zu unnoticed\n", what,
              counts.runs, counts.faults, counts.stopped, counts.refused, counts.unnoticed);
  REQUIRE(counts.runs > 0);
  REQUIRE(counts.faults >= counts.runs);
}

FaultRule Failing(int error_number, uint64_t times) {
  FaultRule rule;
  rule.error_number = error_number;
  rule.times = times;
  return rule;
}

TEST_CASE("every operation fails once with EIO", "[crash][io_error]") {
  FailAll(Failing(EIO, 1), "EIO once");
}
TEST_CASE("every operation fails with EIO from some moment on", "[crash][io_error]") {
  FailAll(Failing(EIO, UINT64_MAX), "EIO for ever");
}
TEST_CASE("every operation fails once with ENOSPC", "[crash][io_error]") {
  FailAll(Failing(ENOSPC, 1), "ENOSPC once");
}
TEST_CASE("every operation fails with ENOSPC from some moment on", "[crash][io_error]") {
  FailAll(Failing(ENOSPC, UINT64_MAX), "ENOSPC for ever");
}
TEST_CASE("every operation fails once with EACCES", "[crash][io_error]") {
  FailAll(Failing(EACCES, 1), "EACCES once");
}
TEST_CASE("every operation is interrupted once", "[crash][io_error]") {
  FailAll(Failing(EINTR, 1), "EINTR once");
}
TEST_CASE("every operation is told to try again for ever", "[crash][io_error]") {
  FailAll(Failing(EAGAIN, UINT64_MAX), "EAGAIN for ever");
}
TEST_CASE("every read and write is short once", "[crash][io_error]") {
  FaultRule rule = Failing(0, 1);
  rule.short_transfer = true;
  FailAll(rule, "short once");
}
TEST_CASE("every read and write fails half-way", "[crash][io_error]") {
  FaultRule rule = Failing(EIO, 1);
  rule.short_transfer = true;
  FailAll(rule, "EIO half-way");
}

}  // namespace
}  // namespace ficus
