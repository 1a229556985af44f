#include "server/scheduler/scheduler.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/io/memory_file_system.h"

namespace ficus {
namespace {

constexpr int64_t kMinute = 60 * kNanosPerSecond;
constexpr int64_t kHour = kNanosPerHour;

ScheduledJob Job(const std::string& name, const std::string& schedule) {
  ScheduledJob job;
  job.name = name;
  job.schedule = *Schedule::Parse(schedule);
  return job;
}

// One node: its clock, its disk, and a runner that keeps runs going until they are told to end.
struct Node {
  SeededRandom random{1};
  ManualClock clock{0};
  std::unique_ptr<DeterministicExecutor> executor = DeterministicExecutor::Create(1, clock);
  std::unique_ptr<MemoryFileSystem> fs = MemoryFileSystem::Create();
  std::vector<JobRun> runs;
  std::map<std::string, std::function<void(Result<>)>> going;
  std::unique_ptr<Scheduler> scheduler;

  ~Node() { going.clear(); }

  SchedulerOptions Options() {
    SchedulerOptions options;
    options.executor = executor.get();
    options.clock = &clock;
    options.fs = fs.get();
    options.random = &random;
    options.state_path = "state";
    options.runner = [this](const JobRun& run, std::function<void(Result<>)> done) {
      runs.push_back(run);
      REQUIRE(going.emplace(run.name, std::move(done)).second);
    };
    return options;
  }

  void Start(std::vector<ScheduledJob> jobs) {
    scheduler = *Scheduler::Start(Options(), std::move(jobs));
    executor->RunUntilIdle();
  }

  void End(const std::string& name, Result<> result = Ok()) {
    const auto done = going.at(name);
    going.erase(name);
    done(std::move(result));
    executor->RunUntilIdle();
  }

  void Advance(int64_t nanos) { executor->Advance(nanos); }

  // The process is gone; the disk keeps what was synced.
  void Kill() {
    auto rest = fs->Crash(random, MemoryFileSystem::NameOrder::kStrong);
    executor->DropAll();
    going.clear();
    scheduler.reset();
    executor->DropAll();
    fs = std::move(rest);
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const JobRun& run : runs) names.push_back(run.name);
    return names;
  }

  JobStatus Status(const std::string& name) const { return *scheduler->Status(name); }
};

TEST_CASE("jobs run at their slots", "[scheduler]") {
  Node node;
  node.Start({Job("hourly", "@hourly"), Job("half", "30 * * * *")});
  node.Advance(kHour - kMinute);
  REQUIRE(node.Names() == std::vector<std::string>{"half"});
  node.End("half");
  node.Advance(kMinute);
  REQUIRE(node.Names() == std::vector<std::string>{"half", "hourly"});
  REQUIRE(node.runs[1].slot == kHour);
  REQUIRE(node.runs[1].started_at == kHour);
  REQUIRE_FALSE(node.runs[1].catch_up);
  node.End("hourly");
}

TEST_CASE("the status tells the latest run and the next", "[scheduler]") {
  Node node;
  node.Start({Job("a", "@hourly")});
  JobStatus status = node.Status("a");
  REQUIRE_FALSE(status.last_slot);
  REQUIRE(status.next_slot == kHour);
  REQUIRE(status.next_due == kHour);
  REQUIRE(status.schedule == "@hourly");
  REQUIRE(status.zone == "UTC");
  node.Advance(kHour);
  status = node.Status("a");
  REQUIRE(status.running);
  REQUIRE(status.last_start == kHour);
  REQUIRE_FALSE(status.last_end);
  node.Advance(kMinute);
  node.End("a", Error{ErrorCode::kIo, "no disk"});
  status = node.Status("a");
  REQUIRE_FALSE(status.running);
  REQUIRE(status.last_end == kHour + kMinute);
  REQUIRE(status.last_error == Error{ErrorCode::kIo, "no disk"});
  REQUIRE_FALSE(status.last_success_end);
  REQUIRE(status.failures == 1);
  node.Advance(kHour);
  node.End("a");
  status = node.Status("a");
  REQUIRE_FALSE(status.last_error);
  REQUIRE(status.last_success_end == status.last_end);
  REQUIRE(status.runs == 2);
  REQUIRE(node.scheduler->Statuses().size() == 1);
  REQUIRE(node.scheduler->Status("b").error().code == ErrorCode::kNotFound);
}

TEST_CASE("the next slots of a job can be asked for", "[scheduler]") {
  Node node;
  node.Start({Job("a", "@hourly")});
  REQUIRE(*node.scheduler->Next("a", 2) == std::vector<UnixNanos>{kHour, 2 * kHour});
  REQUIRE(node.scheduler->Next("a", 1'000'000)->size() == kNextSlotsMax);
  REQUIRE(node.scheduler->Next("b", 2).error().code == ErrorCode::kNotFound);
}

TEST_CASE("a slot that comes while the job still runs is skipped and counted", "[scheduler]") {
  const LogCapture log;
  Node node;
  node.Start({Job("a", "@hourly")});
  node.Advance(3 * kHour + kMinute);
  REQUIRE(node.runs.size() == 1);
  REQUIRE(node.Status("a").skipped == 2);
  REQUIRE(log.Count("scheduler.skipped") == 2);
  node.End("a");
  REQUIRE(node.runs.size() == 1);
  node.Advance(kHour);
  REQUIRE(node.runs.size() == 2);
  node.End("a");
}

TEST_CASE("with a queue one slot waits for the run before it", "[scheduler]") {
  const LogCapture log;
  Node node;
  ScheduledJob job = Job("a", "@hourly");
  job.overlap = OverlapPolicy::kQueue;
  node.Start({job});
  node.Advance(4 * kHour + kMinute);
  REQUIRE(node.Status("a").queued);
  REQUIRE(node.Status("a").skipped == 2);
  node.End("a");
  REQUIRE(node.runs.size() == 2);
  REQUIRE(node.runs[1].slot == 2 * kHour);
  REQUIRE(node.runs[1].started_at == 4 * kHour + kMinute);
  node.End("a");
  REQUIRE(node.runs.size() == 2);
}

TEST_CASE("a killed process repeats no slot", "[scheduler]") {
  const LogCapture log;
  Node node;
  node.Start({Job("a", "@hourly")});
  node.Advance(kHour);
  REQUIRE(node.runs.size() == 1);
  node.Kill();
  node.Start({Job("a", "@hourly")});
  REQUIRE(node.runs.size() == 1);
  const JobStatus status = node.Status("a");
  REQUIRE_FALSE(status.running);
  REQUIRE(status.last_slot == kHour);
  REQUIRE(status.last_error->code == ErrorCode::kCancelled);
  REQUIRE(status.failures == 1);
}

TEST_CASE("after downtime one run makes up for all missed slots", "[scheduler]") {
  const LogCapture log;
  Node node;
  ScheduledJob ignoring = Job("ignoring", "@hourly");
  ignoring.missed = MissedPolicy::kIgnore;
  const std::vector<ScheduledJob> jobs = {Job("once", "@hourly"), ignoring};
  node.Start(jobs);
  node.Kill();
  node.clock.Advance(10 * kHour + 5 * kMinute);
  node.Start(jobs);
  REQUIRE(node.Names() == std::vector<std::string>{"once"});
  REQUIRE(node.runs[0].catch_up);
  REQUIRE(node.runs[0].slot == 10 * kHour);
  REQUIRE(node.Status("once").missed == 10);
  REQUIRE(node.Status("ignoring").missed == 10);
  node.End("once");
  node.Advance(50 * kMinute);
  REQUIRE(node.runs.size() == 1);
  node.Advance(5 * kMinute);
  REQUIRE(node.runs.size() == 3);
  node.End("once");
  node.End("ignoring");
}

TEST_CASE("a queued slot of a killed process is caught up once", "[scheduler]") {
  const LogCapture log;
  Node node;
  ScheduledJob job = Job("a", "@hourly");
  job.overlap = OverlapPolicy::kQueue;
  node.Start({job});
  node.Advance(2 * kHour);
  REQUIRE(node.Status("a").queued);
  node.Kill();
  SECTION("at once, for nothing else was missed") {
    node.Start({job});
    REQUIRE(node.runs.size() == 2);
    REQUIRE(node.runs[1].slot == 2 * kHour);
    REQUIRE(node.runs[1].catch_up);
    REQUIRE(node.Status("a").missed == 1);
    node.End("a");
    REQUIRE(node.runs.size() == 2);
  }
  SECTION("together with those missed since") {
    node.clock.Advance(3 * kHour + 5 * kMinute);
    node.Start({job});
    node.End("a");
    REQUIRE(node.runs.size() == 2);
    REQUIRE(node.runs[1].slot == 5 * kHour);
    REQUIRE(node.Status("a").missed == 4);
  }
  SECTION("not when missed slots are ignored") {
    job.missed = MissedPolicy::kIgnore;
    node.Start({job});
    REQUIRE(node.runs.size() == 1);
    REQUIRE(node.Status("a").missed == 1);
  }
}

TEST_CASE("a clock that is set forward is noticed within a minute", "[scheduler]") {
  const LogCapture log;
  Node node;
  node.Start({Job("a", "@daily")});
  node.Advance(kHour);
  node.clock.StepWall(30 * kHour);
  node.Advance(kMinute);
  REQUIRE(node.runs.size() == 1);
  REQUIRE(node.runs[0].catch_up);
  REQUIRE(log.Count("scheduler.clock_step") == 1);
  REQUIRE(log.Count("scheduler.missed") == 1);
  node.End("a");
}

TEST_CASE("a clock that is set back repeats no slot", "[scheduler]") {
  const LogCapture log;
  Node node;
  node.Start({Job("a", "@hourly")});
  node.Advance(kHour);
  node.End("a");
  node.clock.StepWall(-30 * kMinute);
  node.Advance(kHour);
  REQUIRE(node.runs.size() == 1);
  // Nor after a restart in between.
  node.clock.StepWall(-kHour);
  node.Kill();
  node.Start({Job("a", "@hourly")});
  node.Advance(kHour);
  REQUIRE(node.runs.size() == 1);
  node.Advance(30 * kMinute);
  REQUIRE(node.runs.size() == 2);
  REQUIRE(node.runs[1].slot == 2 * kHour);
  node.End("a");
}

TEST_CASE("a paused job starts nothing, after a restart neither", "[scheduler]") {
  Node node;
  node.Start({Job("a", "@hourly")});
  REQUIRE(node.scheduler->Pause("a"));
  node.executor->RunUntilIdle();
  node.Advance(2 * kHour);
  node.Kill();
  node.Start({Job("a", "@hourly")});
  node.Advance(2 * kHour + kMinute);
  REQUIRE(node.runs.empty());
  REQUIRE(node.Status("a").paused);
  REQUIRE_FALSE(node.Status("a").next_due);
  REQUIRE(node.scheduler->Resume("a"));
  node.Advance(58 * kMinute);
  REQUIRE(node.runs.empty());
  REQUIRE(node.Status("a").missed == 0);
  node.Advance(kMinute);
  REQUIRE(node.runs.size() == 1);
  node.End("a");
  REQUIRE(node.scheduler->Pause("b").error().code == ErrorCode::kNotFound);
  REQUIRE(node.scheduler->Resume("b").error().code == ErrorCode::kNotFound);
}

TEST_CASE("jobs come, change and go while the scheduler runs", "[scheduler]") {
  const LogCapture log;
  Node node;
  node.Start({Job("a", "@hourly")});
  REQUIRE(node.scheduler->Put(Job("b", "30 * * * *")));
  node.Advance(30 * kMinute);
  REQUIRE(node.Names() == std::vector<std::string>{"b"});
  node.End("b");
  // Another schedule begins now; the counts stay.
  REQUIRE(node.scheduler->Put(Job("b", "*/10 * * * *")));
  node.Advance(10 * kMinute);
  REQUIRE(node.Names() == std::vector<std::string>{"b", "b"});
  REQUIRE(node.Status("b").runs == 2);
  node.End("b");
  REQUIRE(node.scheduler->Remove("b"));
  REQUIRE(node.scheduler->Remove("b").error().code == ErrorCode::kNotFound);
  node.Advance(20 * kMinute);
  REQUIRE(node.Names() == std::vector<std::string>{"b", "b", "a"});
  node.End("a");
  REQUIRE(node.scheduler->SetJobs({Job("c", "@hourly")}));
  REQUIRE(node.scheduler->Statuses().size() == 1);
  REQUIRE(node.Status("c").name == "c");
}

TEST_CASE("a job that is removed and added while it runs does not run twice", "[scheduler]") {
  const LogCapture log;
  Node node;
  node.Start({Job("a", "@hourly")});
  node.Advance(kHour);
  REQUIRE(node.scheduler->Remove("a"));
  REQUIRE(node.scheduler->Statuses().empty());
  REQUIRE(node.scheduler->Put(Job("a", "@hourly")));
  node.Advance(kHour);
  REQUIRE(node.runs.size() == 1);
  REQUIRE(node.Status("a").skipped == 1);
  node.End("a");
  node.Advance(kHour);
  REQUIRE(node.runs.size() == 2);
  REQUIRE(node.scheduler->Remove("a"));
  node.End("a");
  REQUIRE(node.scheduler->Statuses().empty());
}

TEST_CASE("a job of another schedule has missed nothing", "[scheduler]") {
  Node node;
  node.Start({Job("a", "@hourly")});
  node.Kill();
  node.clock.Advance(10 * kHour + 5 * kMinute);
  node.Start({Job("a", "20 * * * *")});
  REQUIRE(node.runs.empty());
  REQUIRE(node.Status("a").missed == 0);
}

TEST_CASE("jobs need names of their own", "[scheduler]") {
  Node node;
  REQUIRE_FALSE(Scheduler::Start(node.Options(), {Job("", "@hourly")}));
  REQUIRE_FALSE(Scheduler::Start(node.Options(), {Job("a", "@daily"), Job("a", "@hourly")}));
  node.Start({Job("a", "@hourly")});
  REQUIRE_FALSE(node.scheduler->SetJobs({Job("b", "@daily"), Job("b", "@hourly")}));
  REQUIRE(node.scheduler->Status("a"));
}

TEST_CASE("a damaged state is kept aside, reported, and treated as none", "[scheduler]") {
  Node node;
  node.Start({Job("a", "@hourly")});
  node.Kill();
  REQUIRE(node.fs->FlipBits("state", 20, 1));
  node.clock.Advance(10 * kHour + 5 * kMinute);
  const LogCapture log;
  node.Start({Job("a", "@hourly")});
  REQUIRE(log.lines().size() == 1);
  REQUIRE(log.Count("scheduler.state") == 1);
  REQUIRE(node.runs.empty());
  REQUIRE(node.Status("a").missed == 0);
  size_t aside = 0;
  const auto entries = node.fs->List("");
  REQUIRE(entries);
  for (const DirectoryEntry& entry : *entries) {
    if (entry.name.substr(0, 14) == "state.damaged-") ++aside;
  }
  REQUIRE(aside == 1);
  node.Kill();
  node.Start({Job("a", "@hourly")});
  REQUIRE(log.lines().size() == 1);
}

TEST_CASE("a state that cannot be saved does not stop the runs", "[scheduler]") {
  const LogCapture log;
  Node node;
  node.Start({Job("a", "@hourly")});
  MemoryFileSystem::Limits full;
  full.total_bytes = 1;
  full.total_inodes = 1;
  node.fs->SetLimits(full);
  node.Advance(kHour);
  REQUIRE(node.runs.size() == 1);
  REQUIRE(node.scheduler->state_error());
  node.fs->SetLimits({});
  node.Advance(kMinute);
  REQUIRE_FALSE(node.scheduler->state_error());
  node.End("a");
  REQUIRE(log.Count("scheduler.state") == 1);
}

TEST_CASE("a runner that forgets to answer has failed", "[scheduler]") {
  Node node;
  node.Start({Job("a", "@hourly")});
  node.Advance(kHour);
  node.going.clear();
  REQUIRE_FALSE(node.Status("a").running);
  REQUIRE(node.Status("a").last_error->code == ErrorCode::kCancelled);
}

TEST_CASE("a second answer of a run changes nothing", "[scheduler]") {
  Node node;
  node.Start({Job("a", "@hourly")});
  node.Advance(kHour);
  const auto done = node.going.at("a");
  node.End("a");
  done(Error{ErrorCode::kIo, "late"});
  REQUIRE_FALSE(node.Status("a").last_error);
  REQUIRE(node.Status("a").failures == 0);
}

TEST_CASE("a shut scheduler starts nothing more", "[scheduler]") {
  Node node;
  node.Start({Job("a", "@hourly")});
  node.scheduler->Shut();
  node.Advance(2 * kHour);
  REQUIRE(node.runs.empty());
}

TEST_CASE("closing waits for the runs and keeps their results", "[scheduler][thread]") {
  Node node;
  const SystemClock clock;
  SchedulerOptions options = node.Options();
  options.clock = &clock;
  const auto threads = ThreadExecutor::Create("scheduler", 2);
  options.executor = threads.get();
  Mutex mutex;
  std::function<void(Result<>)> waiting;
  CondVar begun;
  options.runner = [&](const JobRun&, std::function<void(Result<>)> done) {
    MutexLock lock(mutex);
    waiting = std::move(done);
    begun.NotifyAll();
  };
  auto scheduler = *Scheduler::Start(options, {Job("a", "@every 1s")});
  {
    MutexLock lock(mutex);
    while (!waiting) begun.Wait(lock);
  }
  scheduler->Shut();
  threads->Post([&] {
    std::function<void(Result<>)> done;
    {
      MutexLock lock(mutex);
      done = std::move(waiting);
    }
    done(Error{ErrorCode::kIo, "at the end"});
  });
  scheduler->Close();
  scheduler->Close();
  REQUIRE(scheduler->Status("a")->last_error == Error{ErrorCode::kIo, "at the end"});
  scheduler.reset();
  threads->Close();
  node.clock.StepWall(clock.Now());
  node.Start({Job("a", "@every 1s")});
  REQUIRE(node.Status("a").last_error == Error{ErrorCode::kIo, "at the end"});
  node.going.clear();
}

}  // namespace
}  // namespace ficus
