#include "server/backup/backup_service.h"

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>
#include <utility>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "engine/base/clock.h"
#include "server/backup/backup_metrics.h"
#include "server/backup/destination_records.h"
#include "server/backup/lease.h"
#include "server/backup/pause.h"
#include "server/remote/faulty_store.h"
#include "server/remote/memory_store.h"
#include "server/remote/store_decorator.h"
#include "test/server/backup/job_harness.h"
#include "test/support/forbidden_calls.h"
#include "test/support/skip.h"

namespace ficus {
namespace {

RunRequest JobRequest(std::string job, bool dry_run = false) {
  RunRequest request;
  request.job = std::move(job);
  request.dry_run = dry_run;
  return request;
}

// Refuses requests of a kind, as a full or a closed store does.
class RefusingStore final : public StoreDecorator {
 public:
  explicit RefusingStore(std::shared_ptr<ObjectStore> inner) : StoreDecorator(std::move(inner)) {}

  void Refuse(StoreOp op, std::string key_contains, ErrorCode code) {
    const std::lock_guard lock(mutex_);
    rules_.push_back({op, std::move(key_contains), code});
  }
  void Clear() {
    const std::lock_guard lock(mutex_);
    rules_.clear();
  }

  Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                         const PutCondition& condition, std::stop_token stop) override {
    RETURN_IF_ERROR(Check(StoreOp::kPut, key));
    return StoreDecorator::Put(key, source, condition, std::move(stop));
  }
  Result<> Delete(std::span<const std::string> keys, std::stop_token stop) override {
    for (const std::string& key : keys) RETURN_IF_ERROR(Check(StoreOp::kDelete, key));
    return StoreDecorator::Delete(keys, std::move(stop));
  }

 private:
  struct Rule {
    StoreOp op;
    std::string key_contains;
    ErrorCode code;
  };

  Result<> Check(StoreOp op, std::string_view key) const {
    const std::lock_guard lock(mutex_);
    for (const Rule& rule : rules_) {
      if (rule.op != op || key.find(rule.key_contains) == std::string_view::npos) continue;
      return Error{rule.code, "refused: " + std::string(key)};
    }
    return Ok();
  }

  mutable std::mutex mutex_;
  std::vector<Rule> rules_;
};

// A service over a node in memory.
struct Scene {
  JobHarness harness;
  SystemClock clock;
  SystemRandom random;
  MetricRegistry metrics;
  std::shared_ptr<MemoryStore> memory = std::make_shared<MemoryStore>();
  std::shared_ptr<FaultyStore> store = std::make_shared<FaultyStore>(*memory);
  std::shared_ptr<RefusingStore> refusing = std::make_shared<RefusingStore>(store);
  BackupSettings settings;
  std::unique_ptr<BackupService> service;

  explicit Scene(size_t parts = 10) {
    harness.Fill(parts);
    settings.destinations = {{"here", refusing, OnRestart::kResume, 2}};
    harness.spec.verify = VerifyMode::kFull;
    settings.jobs = {harness.spec};
  }

  void Start() { Start(clock, PauseFor); }
  // `pause` lets time pass on `its_clock`.
  void Start(const Clock& its_clock, Pause pause) {
    auto made = BackupService::Create(
        {*harness.fs, its_clock, random, metrics, harness.node, 7, std::move(pause)}, settings);
    INFO((made ? std::string("made") : made.error().ToString()));
    REQUIRE(made.has_value());
    service = std::move(*made);
  }

  RunStatus RunAndWait(RunRequest request) {
    auto run = service->Run(std::move(request));
    INFO((run ? *run : run.error().ToString()));
    REQUIRE(run.has_value());
    auto status = service->Wait(*run, {});
    REQUIRE(status.has_value());
    return *status;
  }

  double Value(std::string_view name, std::string_view kind = {}) const {
    for (const MetricFamily& family : metrics.Collect()) {
      if (family.name != name) continue;
      for (const MetricSample& sample : family.samples) {
        if (sample.labels[0].second != "hourly") continue;
        if (kind.empty() || sample.labels.back().second == kind) return sample.value;
      }
    }
    return -1;
  }

  // Waits until a request hangs in the store.
  void WaitForStall(const std::string& run) {
    while (true) {
      const auto status = service->Status(run);
      REQUIRE(status.has_value());
      REQUIRE(!IsEnd(status->phase));
      if (status->phase == RunPhase::kUpload && store->faults() > 0) return;
      std::this_thread::yield();
    }
  }
};

// Of the whole process: a thread that ended keeps its stack until somebody joins it.
size_t AddressSpaceMiB() {
  std::ifstream pages("/proc/self/statm");
  size_t count = 0;
  pages >> count;
  return count * static_cast<size_t>(::getpagesize()) >> 20;
}

}  // namespace

TEST_CASE("runs that ended leave no thread behind", "[backup][service]") {
  Scene scene(1);
  scene.Start();
  REQUIRE(scene.RunAndWait(JobRequest("hourly", true)).error == "");
  const size_t before = AddressSpaceMiB();
  constexpr size_t kRuns = 400;
  for (size_t i = 0; i < kRuns; ++i) {
    REQUIRE(scene.RunAndWait(JobRequest("hourly", true)).error == "");
  }
  // The service remembers 64 runs, with a stack of 8 MiB each.
  REQUIRE(AddressSpaceMiB() < before + 200 * 8);
}

TEST_CASE("a service runs a job and shows what it has made", "[backup][service]") {
  Scene scene;
  scene.Start();
  const RunStatus status = scene.RunAndWait(JobRequest("hourly"));
  REQUIRE(status.error == "");
  REQUIRE(status.phase == RunPhase::kDone);
  REQUIRE(status.verified);
  REQUIRE(status.moved.files_sent == 13);
  const auto listing = scene.service->List("here", {});
  REQUIRE(listing.has_value());
  REQUIRE(listing->backups.size() == 1);
  REQUIRE(listing->backups[0].verified());
  const auto details = scene.service->Show("here", status.timedir, {});
  REQUIRE(details.has_value());
  REQUIRE(details->manifest.objects.size() == 13);
  REQUIRE(scene.service->Show("here", "2001-01-01", {}).error().code == ErrorCode::kNotFound);
  REQUIRE(scene.service->Show("here", "../x", {}).error().code == ErrorCode::kInvalidArgument);
  const auto verified = scene.service->Verify("here", status.timedir, VerifyLevel::kFull, 100, {});
  REQUIRE(verified.has_value());
  REQUIRE(verified->damaged.empty());
  const auto report = scene.service->Prune("here", {.min = 1}, false, {});
  INFO((report ? std::string("pruned") : report.error().ToString()));
  REQUIRE(report.has_value());
  REQUIRE(report->expired.empty());

  REQUIRE(scene.Value("ficus_backup_runs_total", "success") == 1);
  REQUIRE(scene.Value("ficus_backup_last_run_success") == 1);
  REQUIRE(scene.Value("ficus_backup_files_total", "sent") == 13);
  REQUIRE(scene.Value("ficus_backup_last_success_timestamp_seconds") > 1.6e9);
  REQUIRE(scene.Value("ficus_backup_verify_failures_total") == 0);
}

TEST_CASE("who sees that a run has ended may start the next one", "[backup][service]") {
  Scene scene;
  scene.Start();
  for (int i = 0; i < 30; ++i) {
    const auto run = scene.service->Run(JobRequest("hourly"));
    REQUIRE(run.has_value());
    while (!IsEnd(scene.service->Status(*run)->phase)) std::this_thread::yield();
    REQUIRE(scene.service->Status(*run)->phase == RunPhase::kDone);
  }
}

TEST_CASE("jobs that share a place let go of nothing that the rule of another keeps",
          "[backup][service]") {
  for (const uint32_t others_min : {1u, 2u, 0u}) {
    CAPTURE(others_min);
    Scene scene;
    scene.settings.jobs[0].time_style = TimeStyle::kHourly;
    scene.settings.jobs[0].keep = {.min = 1};
    BackupJobSpec other = scene.settings.jobs[0];
    other.name = "daily";
    other.time_style = TimeStyle::kDaily;
    other.keep = {.min = others_min};
    scene.settings.jobs.push_back(other);
    scene.Start();
    REQUIRE(scene.RunAndWait(JobRequest("daily")).error == "");
    scene.harness.clock.Advance(kNanosPerSecond);
    const RunStatus status = scene.RunAndWait(JobRequest("hourly"));
    REQUIRE(status.error == "");
    REQUIRE(status.pruned_backups == (others_min == 1 ? 1 : 0));
  }
}

TEST_CASE("a dry run through the service changes nothing", "[backup][service]") {
  Scene scene;
  scene.Start();
  const RunStatus status = scene.RunAndWait(JobRequest("hourly", true));
  REQUIRE(status.phase == RunPhase::kDone);
  REQUIRE(status.planned.files_sent == 13);
  REQUIRE(scene.memory->Contents().empty());
  REQUIRE(scene.Value("ficus_backup_runs_total") == -1);
}

TEST_CASE("what is asked for must exist", "[backup][service]") {
  Scene scene;
  scene.Start();
  REQUIRE(scene.service->Run(JobRequest("nightly")).error().code == ErrorCode::kNotFound);
  BackupJobSpec spec;
  spec.remote = "there";
  RunRequest by_hand;
  by_hand.spec = spec;
  REQUIRE(scene.service->Run(by_hand).error().code == ErrorCode::kNotFound);
  REQUIRE(scene.service->List("there", {}).error().code == ErrorCode::kNotFound);
  REQUIRE(scene.service->Status("x").error().code == ErrorCode::kNotFound);
  REQUIRE(scene.service->Cancel("x").error().code == ErrorCode::kNotFound);
  BackupSettings bad = scene.settings;
  bad.jobs[0].remote = "there";
  REQUIRE(scene.service->Configure(bad).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("a stalled run is cancelled within five seconds and leaves nothing",
          "[backup][service][cancel]") {
  Scene scene;
  scene.Start();
  scene.store->AddFault({.kind = FaultKind::kStall,
                         .op = StoreOp::kPut,
                         .key_contains = ".part",
                         .skip = 3,
                         .times = UINT64_MAX});
  const auto run = scene.service->Run(JobRequest("hourly"));
  REQUIRE(run.has_value());
  scene.WaitForStall(*run);
  REQUIRE(scene.service->Run(JobRequest("hourly")).error().code == ErrorCode::kAlreadyExists);
  const auto began = std::chrono::steady_clock::now();
  const auto status = scene.service->Cancel(*run);
  REQUIRE(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
  REQUIRE(status.has_value());
  REQUIRE(status->phase == RunPhase::kCancelled);
  REQUIRE(Leftovers(*scene.memory).empty());
  REQUIRE(ListJournals(*scene.harness.fs)->empty());
}

TEST_CASE("what a cancel cannot remove is removed by the next run", "[backup][service][cancel]") {
  Scene scene;
  scene.Start();
  scene.store->AddFault({.kind = FaultKind::kStall,
                         .op = StoreOp::kPut,
                         .key_contains = ".part",
                         .skip = 3,
                         .times = UINT64_MAX});
  scene.store->AddFault({.kind = FaultKind::kStall, .op = StoreOp::kDelete, .times = UINT64_MAX});
  const auto run = scene.service->Run(JobRequest("hourly"));
  REQUIRE(run.has_value());
  scene.WaitForStall(*run);
  const auto began = std::chrono::steady_clock::now();
  const auto status = scene.service->Cancel(*run);
  REQUIRE(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
  REQUIRE(status->phase == RunPhase::kCancelled);
  REQUIRE(!Leftovers(*scene.memory).empty());
  scene.store->ClearFaults();
  const RunStatus next = scene.RunAndWait(JobRequest("hourly"));
  REQUIRE(next.error == "");
  REQUIRE(next.phase == RunPhase::kDone);
  REQUIRE(Leftovers(*scene.memory).empty());
}

TEST_CASE("a run that the end of the process interrupts goes on after the start",
          "[backup][service][crash]") {
  Scene scene;
  const auto on_restart = GENERATE(OnRestart::kResume, OnRestart::kClean);
  scene.settings.destinations[0].on_restart = on_restart;
  scene.Start();
  scene.store->AddFault({.kind = FaultKind::kStall,
                         .op = StoreOp::kPut,
                         .key_contains = ".part",
                         .skip = 5,
                         .times = UINT64_MAX});
  const auto run = scene.service->Run(JobRequest("hourly"));
  REQUIRE(run.has_value());
  scene.WaitForStall(*run);
  scene.service = nullptr;
  REQUIRE(ListJournals(*scene.harness.fs)->size() == 1);
  REQUIRE(!Leftovers(*scene.memory).empty());

  scene.store->ClearFaults();
  scene.Start();
  const auto status = scene.service->Wait(*run, {});
  REQUIRE(status.has_value());
  INFO(status->error);
  REQUIRE(status->resumed);
  REQUIRE(Leftovers(*scene.memory).empty());
  REQUIRE(ListJournals(*scene.harness.fs)->empty());
  if (on_restart == OnRestart::kClean) {
    REQUIRE(status->phase == RunPhase::kCleaned);
    REQUIRE(CheckedBackups(*scene.memory).empty());
    return;
  }
  REQUIRE(status->phase == RunPhase::kDone);
  const auto backups = CheckedBackups(*scene.memory);
  REQUIRE(backups.size() == 1);
  REQUIRE(Restored(*scene.memory, backups[0].manifest) == scene.harness.node.Contents());
}

TEST_CASE("a run that failed because the store was away is finished before the next",
          "[backup][service]") {
  Scene scene;
  scene.Start();
  scene.store->AddFault({.kind = FaultKind::kErrorBefore,
                         .op = StoreOp::kPut,
                         .key_contains = "manifest",
                         .times = UINT64_MAX});
  const RunStatus failed = scene.RunAndWait(JobRequest("hourly"));
  REQUIRE(failed.phase == RunPhase::kFailed);
  REQUIRE(failed.resumable);
  REQUIRE(scene.Value("ficus_backup_last_run_success") == 0);
  // Still away: the next one says why it did nothing.
  const RunStatus blocked = scene.RunAndWait(JobRequest("hourly"));
  REQUIRE(blocked.phase == RunPhase::kFailed);
  REQUIRE(blocked.error.find(failed.run) != std::string::npos);
  scene.store->ClearFaults();
  scene.harness.AddParts(1);
  const RunStatus next = scene.RunAndWait(JobRequest("hourly"));
  REQUIRE(next.error == "");
  REQUIRE(next.moved.files_sent == 1);
  REQUIRE(scene.service->Status(failed.run)->phase == RunPhase::kDone);
  REQUIRE(Leftovers(*scene.memory).empty());
}

TEST_CASE("a run that cannot succeed is taken back at once", "[backup][service]") {
  Scene scene;
  scene.Start();
  REQUIRE(scene.harness.fs->FlipBits(FakeNode::Place("measure", JobHarness::PartPath(8)), 30, 1)
              .has_value());
  const RunStatus failed = scene.RunAndWait(JobRequest("hourly"));
  REQUIRE(failed.phase == RunPhase::kFailed);
  REQUIRE(failed.error_code == ErrorCode::kCorruption);
  REQUIRE(!failed.resumable);
  REQUIRE(Leftovers(*scene.memory).empty());
}

TEST_CASE("a run that a full store ends is taken back at once", "[backup][service]") {
  Scene scene;
  scene.Start();
  scene.refusing->Refuse(StoreOp::kPut, ".part", ErrorCode::kNoSpace);
  const RunStatus failed = scene.RunAndWait(JobRequest("hourly"));
  REQUIRE(failed.error_code == ErrorCode::kNoSpace);
  REQUIRE_FALSE(failed.resumable);
  REQUIRE(Leftovers(*scene.memory).empty());
  REQUIRE(ListJournals(*scene.harness.fs)->empty());
}

TEST_CASE("a run that fails again and again is given up and blocks nobody", "[backup][service]") {
  Scene scene;
  scene.Start();
  scene.refusing->Refuse(StoreOp::kPut, "manifest", ErrorCode::kPermissionDenied);
  const RunStatus failed = scene.RunAndWait(JobRequest("hourly"));
  REQUIRE(failed.resumable);
  REQUIRE(scene.RunAndWait(JobRequest("hourly")).error.find(failed.run) != std::string::npos);
  // The third try of the first run is its last one: from then on it is in nobody's way.
  REQUIRE(scene.RunAndWait(JobRequest("hourly")).error.find(failed.run) == std::string::npos);
  static_cast<void>(scene.RunAndWait(JobRequest("hourly")));
  REQUIRE(scene.service->Status(failed.run)->phase == RunPhase::kCleaned);

  scene.refusing->Clear();
  const RunStatus next = scene.RunAndWait(JobRequest("hourly"));
  REQUIRE(next.phase == RunPhase::kDone);
  REQUIRE(Leftovers(*scene.memory).empty());
}

TEST_CASE("a run that can neither go on nor be taken back does not stop others for ever",
          "[backup][service]") {
  Scene scene;
  // Each run behind one that could not release its lease waits for that to expire.
  scene.Start(scene.harness.clock, scene.harness.tools().pause);
  scene.refusing->Refuse(StoreOp::kPut, "manifest", ErrorCode::kPermissionDenied);
  const RunStatus failed = scene.RunAndWait(JobRequest("hourly"));
  REQUIRE(failed.resumable);
  scene.refusing->Refuse(StoreOp::kDelete, "", ErrorCode::kPermissionDenied);
  for (int i = 0; i < 4; ++i) static_cast<void>(scene.RunAndWait(JobRequest("hourly")));
  scene.refusing->Clear();
  scene.refusing->Refuse(StoreOp::kDelete, PendingKey(failed.run), ErrorCode::kPermissionDenied);
  scene.harness.AddParts(1);
  const RunStatus next = scene.RunAndWait(JobRequest("hourly"));
  CAPTURE(next.error);
  REQUIRE(next.phase == RunPhase::kDone);
  // Beside it stands what the runs in between had begun.
  REQUIRE_FALSE(CheckedBackups(*scene.memory).empty());
}

TEST_CASE("cancelling a run that failed and is kept takes it back", "[backup][service][cancel]") {
  Scene scene;
  scene.Start();
  scene.store->AddFault({.kind = FaultKind::kErrorBefore,
                         .op = StoreOp::kPut,
                         .key_contains = "manifest",
                         .times = UINT64_MAX});
  const RunStatus failed = scene.RunAndWait(JobRequest("hourly"));
  REQUIRE(failed.resumable);
  REQUIRE(!Leftovers(*scene.memory).empty());
  const auto cancelled = scene.service->Cancel(failed.run);
  REQUIRE(cancelled->phase == RunPhase::kCancelled);
  REQUIRE(Leftovers(*scene.memory).empty());
  REQUIRE(ListJournals(*scene.harness.fs)->empty());
  REQUIRE(scene.harness.node.discarded == 1);
}

TEST_CASE("what fails after the commit does not hide that there is one", "[backup][service]") {
  Scene scene;
  scene.Start();
  scene.store->AddFault({.kind = FaultKind::kErrorBefore,
                         .op = StoreOp::kPut,
                         .key_contains = "verified-",
                         .times = UINT64_MAX});
  const RunStatus run = scene.RunAndWait(JobRequest("hourly"));
  REQUIRE(run.phase == RunPhase::kDone);
  REQUIRE(run.error != "");
  REQUIRE(run.resumable);
  REQUIRE(scene.Value("ficus_backup_last_run_success") == 0);
  REQUIRE(CheckedBackups(*scene.memory).size() == 1);
  scene.store->ClearFaults();
  static_cast<void>(scene.RunAndWait(JobRequest("hourly")));
  REQUIRE(scene.service->Status(run.run)->verified);
}

TEST_CASE("a run that only verifies names its lease in a journal", "[backup][service][lease]") {
  Scene scene;
  scene.settings.jobs[0].verify = VerifyMode::kOff;
  scene.Start();
  REQUIRE(scene.RunAndWait(JobRequest("hourly")).error == "");
  scene.service = nullptr;
  scene.settings.jobs[0].verify = VerifyMode::kFull;
  scene.Start();
  scene.store->AddFault({.kind = FaultKind::kStall,
                         .op = StoreOp::kPut,
                         .key_contains = "verified-",
                         .times = UINT64_MAX});
  const auto run = scene.service->Run(JobRequest("hourly"));
  while (scene.store->faults() == 0) std::this_thread::yield();
  REQUIRE(*ListJournals(*scene.harness.fs) == std::vector<std::string>{*run});
  scene.service = nullptr;
  // The next start has the lease at once.
  scene.store->ClearFaults();
  const auto began = std::chrono::steady_clock::now();
  scene.Start();
  const auto status = scene.service->Wait(*run, {});
  REQUIRE(std::chrono::steady_clock::now() - began < std::chrono::seconds(20));
  REQUIRE(status->error == "");
  REQUIRE(status->verified);
  REQUIRE(ListJournals(*scene.harness.fs)->empty());
}

TEST_CASE("a backup waits for a prune by hand, and the next start frees the lease of one that died",
          "[backup][service][lease]") {
  Scene scene;
  scene.Start();
  REQUIRE(scene.RunAndWait(JobRequest("hourly")).error == "");
  scene.store->AddFault(
      {.kind = FaultKind::kStall, .op = StoreOp::kList, .key_contains = "_meta/"});
  std::stop_source stop;
  std::thread prune([&] {
    static_cast<void>(scene.service->Prune("here", {.min = 1}, false, stop.get_token()));
  });
  while (scene.store->faults() == 0) std::this_thread::yield();
  const auto journals = *ListJournals(*scene.harness.fs);
  REQUIRE(journals.size() == 1);
  const auto run = scene.service->Run(JobRequest("hourly"));
  REQUIRE(run.has_value());
  const auto second = scene.service->Prune("here", {.min = 1}, false, {});
  REQUIRE(second.error().code == ErrorCode::kAlreadyExists);
  // One that waits for nobody passes it meanwhile.
  REQUIRE(scene.RunAndWait(JobRequest("hourly", true)).error == "");
  REQUIRE(scene.service->Status(*run)->phase == RunPhase::kWaiting);
  // What a power cut would find now.
  const std::string journal =
      *ReadWholeFile(*scene.harness.fs, JournalPath(journals[0]), 1 << 20, FileClass::kTool);
  const std::string lease = scene.memory->Contents()[std::string(kLeaseKey)];
  scene.store->ClearFaults();
  stop.request_stop();
  prune.join();
  REQUIRE(scene.service->Wait(*run, {})->error == "");
  REQUIRE(ListJournals(*scene.harness.fs)->empty());

  scene.service = nullptr;
  REQUIRE(PublishFile(*scene.harness.fs, scene.random, JournalPath(journals[0]), journal,
                      FileClass::kBackup)
              .has_value());
  REQUIRE(scene.memory->Put(kLeaseKey, TextSource(lease), {}, {}).has_value());
  scene.Start();
  const auto freed = scene.service->Wait(journals[0], {});
  REQUIRE(freed->phase == RunPhase::kCleaned);
  REQUIRE(freed->error == "");
  REQUIRE(DecodeLease(scene.memory->Contents()[std::string(kLeaseKey)])->released);
  REQUIRE(ListJournals(*scene.harness.fs)->empty());
  REQUIRE(scene.Value("ficus_backup_last_run_success") == 1);
}

TEST_CASE("a prune that another owner keeps out is told that the place is in use",
          "[backup][service][lease]") {
  Scene scene;
  scene.Start();
  const Lease::Terms terms = {.store = *scene.memory,
                              .clock = scene.clock,
                              .random = scene.random,
                              .node_id = 8,
                              .run = "other"};
  const auto lease = Lease::TryAcquire(terms, {});
  const auto refused = scene.service->Prune("here", {.min = 1}, false, {});
  REQUIRE(refused.error().code == ErrorCode::kAlreadyExists);
  REQUIRE(refused.error().message.find("is in use by run other") != std::string::npos);
  REQUIRE(ListJournals(*scene.harness.fs)->empty());
}

TEST_CASE("a journal that was never begun goes at the next start", "[backup][service]") {
  Scene scene;
  REQUIRE(CreateDirectories(*scene.harness.fs, kJournalFolder).has_value());
  const std::string bytes =
      GENERATE(std::string(), std::string("FICUSBKJ"), std::string(300, '\0'));
  REQUIRE(PublishFile(*scene.harness.fs, scene.random, JournalPath("r"), bytes, FileClass::kBackup)
              .has_value());
  scene.Start();
  REQUIRE(ListJournals(*scene.harness.fs)->empty());
}

TEST_CASE("once the clock is confirmed a backup that lies in the future hinders no prune",
          "[backup][service]") {
  Scene scene;
  scene.harness.clock.Advance(3650 * kNanosPerDay);
  scene.Start();
  REQUIRE(scene.RunAndWait(JobRequest("hourly")).error == "");
  const auto refused = scene.service->Prune("here", {.min = 1}, false, {});
  REQUIRE(refused.error().code == ErrorCode::kFailedPrecondition);
  scene.service->ConfirmClock();
  REQUIRE(scene.service->Prune("here", {.min = 1}, false, {}).has_value());
}

TEST_CASE("a node without threads goes on, and its runs say why they do not", "[backup][service]") {
  // What a child does that has no thread but its own.
  const int status = RunWithoutThreads([] {
    Scene scene;
    auto made = BackupService::Create(
        {*scene.harness.fs, scene.clock, scene.random, scene.metrics, scene.harness.node, 7},
        scene.settings);
    if (!made) return 1;
    const auto run = (*made)->Run(JobRequest("hourly"));
    if (run || run.error().code != ErrorCode::kResourceExhausted) return 2;
    if (!(*made)->Status().empty()) return 3;
    const auto pruned = (*made)->Prune("here", {.min = 1}, false, {});
    return !pruned && pruned.error().code == ErrorCode::kResourceExhausted ? 0 : 4;
  });
  if (status == kFiltersRefused) SKIP_TEST("seccomp filters are not allowed here");
  REQUIRE(status == 0);
}

TEST_CASE("a probe says what a store can do and leaves nothing", "[backup][service]") {
  Scene scene;
  scene.Start();
  auto checks = scene.service->TestRemote("here", {});
  REQUIRE(checks.has_value());
  REQUIRE(checks->size() == 15);
  for (const ProbeVerdict& check : *checks) {
    CAPTURE(check.name, check.detail);
    REQUIRE(check.ok);
  }
  REQUIRE(scene.memory->Contents().empty());
  scene.store->AddFault({.kind = FaultKind::kErrorBefore, .op = StoreOp::kCopy});
  checks = scene.service->TestRemote("here", {});
  size_t failed = 0;
  for (const ProbeVerdict& check : *checks) {
    if (check.ok) continue;
    ++failed;
    REQUIRE(check.name == "copy");
  }
  REQUIRE(failed == 1);
}

}  // namespace ficus
