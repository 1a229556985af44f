// A node whose backups, schedule and tables are what a test says, behind a real AdminService on a
// loopback port.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "engine/base/clock.h"
#include "ficus/admin/v1/admin.grpc.pb.h"
#include "server/backup/backup_service.h"
#include "server/rpc/admin_service.h"

namespace ficus {

inline constexpr UnixNanos kNoon = UnixNanos{1763640000} * kNanosPerSecond;  // 2025-11-20T12:00:00Z

// A committed backup of `objects` objects of 1,000 bytes.
inline BackupEntry Committed(const std::string& timedir, uint64_t objects = 3) {
  BackupEntry entry;
  entry.timedir = timedir;
  entry.state = BackupState::kCommitted;
  CommitRecord commit;
  commit.run = "run-of-" + timedir;
  commit.timedir = timedir;
  commit.generation = 2;
  commit.job = "nightly";
  commit.object_count = objects;
  commit.object_bytes = objects * 1000;
  commit.taken_at = kNoon;
  commit.committed_at = kNoon + kNanosPerSecond;
  entry.commit = commit;
  return entry;
}

inline VerificationRecord Verified(const BackupEntry& entry, VerifyLevel level) {
  VerificationRecord record;
  record.timedir = entry.timedir;
  record.generation = entry.commit->generation;
  record.commit_run = entry.commit->run;
  record.level = level;
  record.objects_read = entry.commit->object_count;
  record.bytes_read = entry.commit->object_bytes;
  record.verified_at = kNoon + kNanosPerHour;
  return record;
}

// Remembers what it was asked and answers what it was told. Any thread.
class FakeBackups final : public BackupService {
 public:
  // --- what a test says ---
  std::set<std::string> jobs = {"nightly"};
  std::map<std::string, Result<RepositoryListing>> listings;
  std::map<std::string, BackupDetails> details;
  std::optional<Error> refuse;  // what Run, Verify, Prune and TestRemote answer
  VerificationRecord verdict;
  PruneReport pruned;
  std::vector<ProbeVerdict> checks;
  bool verify_waits = false;  // until the stop token says so
  // What a run looks like that is begun, and each time it is looked at.
  std::function<void(RunStatus&)> on_run = [](RunStatus& run) { run.phase = RunPhase::kDone; };
  std::function<void(RunStatus&)> on_look;

  // --- what a test asks ---
  std::vector<RunRequest> requests() const { return Locked(requests_); }
  std::vector<std::pair<std::string, KeepRule>> prunes() const { return Locked(prunes_); }
  size_t looks() const { return Locked(looks_); }
  int clocks_confirmed() const { return Locked(clocks_confirmed_); }
  // Waits until `done`, which is asked after each call that ends or begins.
  void Await(const std::function<bool(const FakeBackups&)>& done) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done(*this); });
  }
  // In Await only.
  size_t verifying = 0;
  size_t verifications_ended = 0;
  mutable size_t statuses = 0;  // calls of Status()

  void Put(const RunStatus& status) {
    const std::lock_guard lock(mutex_);
    runs_[status.run] = status;
    changed_.notify_all();
  }

  // --- BackupService ---
  Result<> Configure(BackupSettings) override { return Ok(); }
  Result<std::string> Run(RunRequest request) override {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    if (refuse.has_value()) return *refuse;
    if (!request.spec.has_value() && jobs.count(request.job) == 0) {
      return Error{ErrorCode::kNotFound, "there is no job '" + request.job + "'"};
    }
    RunStatus status;
    status.run = "r" + std::to_string(requests_.size());
    status.job = request.job;
    status.remote = request.spec.has_value() ? request.spec->remote : "local-disk";
    status.dry_run = request.dry_run;
    status.timedir = "2025-11-20";
    status.started_at = kNoon;
    if (on_run) on_run(status);
    if (IsEnd(status.phase)) status.ended_at = kNoon + 12 * kNanosPerSecond;
    runs_[status.run] = status;
    changed_.notify_all();
    return status.run;
  }
  std::vector<RunStatus> Status() const override {
    const std::lock_guard lock(mutex_);
    ++statuses;
    changed_.notify_all();
    std::vector<RunStatus> all;
    for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) all.push_back(run->second);
    return all;
  }
  Result<RunStatus> Status(std::string_view run) const override {
    const std::lock_guard lock(mutex_);
    ++looks_;
    changed_.notify_all();
    const auto found = runs_.find(std::string(run));
    if (found == runs_.end()) return NoRun(run);
    if (on_look) on_look(found->second);
    return found->second;
  }
  Result<RunStatus> Cancel(std::string_view run) override {
    const std::lock_guard lock(mutex_);
    const auto found = runs_.find(std::string(run));
    if (found == runs_.end()) return NoRun(run);
    if (!IsEnd(found->second.phase)) found->second.phase = RunPhase::kCancelled;
    found->second.ended_at = kNoon;
    changed_.notify_all();
    return found->second;
  }
  Result<RunStatus> Wait(std::string_view run, std::stop_token) const override {
    return Status(run);
  }
  Result<RepositoryListing> List(std::string_view remote, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    const auto found = listings.find(std::string(remote));
    return found == listings.end() ? RepositoryListing() : found->second;
  }
  Result<BackupDetails> Show(std::string_view, std::string_view timedir, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    const auto found = details.find(std::string(timedir));
    if (found == details.end()) {
      return Error{ErrorCode::kNotFound, "nothing is committed in " + std::string(timedir)};
    }
    return found->second;
  }
  Result<VerificationRecord> Verify(std::string_view, std::string_view, VerifyLevel level, double,
                                    std::stop_token stop,
                                    const VerifyProgressSink& progress) override {
    std::unique_lock lock(mutex_);
    if (refuse.has_value()) return *refuse;
    if (progress) progress({1, 4, 1000, 4000});
    ++verifying;
    changed_.notify_all();
    if (verify_waits) stopped_.wait(lock, stop, [] { return false; });
    ++verifications_ended;
    changed_.notify_all();
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "stopped"};
    verdict.level = level;
    return verdict;
  }
  Result<PruneReport> Prune(std::string_view remote, const KeepRule& keep, bool dry_run,
                            std::stop_token) override {
    const std::lock_guard lock(mutex_);
    if (refuse.has_value()) return *refuse;
    if (!dry_run) prunes_.emplace_back(std::string(remote), keep);
    return pruned;
  }
  void ConfirmClock() override {
    const std::lock_guard lock(mutex_);
    ++clocks_confirmed_;
  }
  Result<std::vector<ProbeVerdict>> TestRemote(std::string_view, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    if (refuse.has_value()) return *refuse;
    return checks;
  }

 private:
  static Error NoRun(std::string_view run) {
    return Error{ErrorCode::kNotFound, "there is no run '" + std::string(run) + "'"};
  }
  template <typename T>
  T Locked(const T& value) const {
    const std::lock_guard lock(mutex_);
    return value;
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::condition_variable_any stopped_;
  mutable std::map<std::string, RunStatus> runs_;
  std::vector<RunRequest> requests_;
  std::vector<std::pair<std::string, KeepRule>> prunes_;
  mutable size_t looks_ = 0;
  int clocks_confirmed_ = 0;
};

class FakeSetup final : public BackupSetup {
 public:
  std::vector<RemoteSetup> remotes = {{"local-disk", "file:///var/backups/ficus"}};
  std::vector<JobSetup> jobs = {{"nightly", "local-disk", KeepRule{0, 7, 0, 0, 3}}};

  std::vector<RemoteSetup> Remotes() const override { return remotes; }
  std::vector<JobSetup> Jobs() const override { return jobs; }
};

class FakeSchedules final : public ScheduleControl {
 public:
  ScheduleView view = [] {
    ScheduleView nightly;
    nightly.job = "nightly";
    nightly.remote = "local-disk";
    nightly.schedule = "@daily";
    nightly.time_zone = "UTC";
    nightly.last_started_at = kNoon;
    nightly.last_ended_at = kNoon + kNanosPerSecond;
    nightly.missed = 1;
    nightly.skipped = 2;
    return nightly;
  }();

  std::vector<ScheduleView> List(size_t next_count) const override {
    ScheduleView shown = view;
    for (size_t i = 1; i <= next_count; ++i) {
      shown.next.push_back(kNoon + static_cast<int64_t>(i) * kNanosPerDay);
    }
    return {shown};
  }
  Result<> Pause(std::string_view job) override { return Set(job, true); }
  Result<> Resume(std::string_view job) override { return Set(job, false); }

 private:
  Result<> Set(std::string_view job, bool paused) {
    if (job != view.job) {
      return Error{ErrorCode::kNotFound, "no schedule has the job '" + std::string(job) + "'"};
    }
    view.paused = paused;
    return Ok();
  }
};

class FakeUpkeep final : public NodeUpkeep {
 public:
  std::optional<Error> refuse;
  bool answers = true;  // otherwise TakeWaiting has what is to be answered
  int clocks_confirmed = 0;
  std::vector<SnapshotSummary> snapshots;
  SnapshotVerification verification;
  std::vector<std::string> deleted;

  // Blocks until something has been asked that nobody answered.
  Done TakeWaiting() {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [this] { return waiting_ != nullptr; });
    return std::exchange(waiting_, nullptr);
  }

  void FlushAll(Done done) override { Answer(std::move(done)); }
  void MergeAll(Done done) override { Answer(std::move(done)); }
  void ConfirmClock() override { ++clocks_confirmed; }
  Result<std::vector<SnapshotSummary>> ListSnapshots() override { return snapshots; }
  Result<> DeleteSnapshot(std::string_view id) override {
    if (refuse.has_value()) return *refuse;
    deleted.emplace_back(id);
    return Ok();
  }
  Result<SnapshotVerification> VerifySnapshot(std::string_view, const std::stop_token&) override {
    if (refuse.has_value()) return *refuse;
    return verification;
  }

 private:
  void Answer(Done done) {
    if (!answers) {
      const std::scoped_lock lock(mutex_);
      waiting_ = std::move(done);
      asked_.notify_one();
    } else if (refuse.has_value()) {
      done(*refuse);
    } else {
      done(Ok());
    }
  }

  std::mutex mutex_;
  std::condition_variable asked_;
  Done waiting_;
};

class FakeConfiguration final : public NodeConfiguration {
 public:
  Result<ReloadReport> report = ReloadReport{};

  Result<ReloadReport> Reload() override { return report; }
};

class FakeNode {
 public:
  explicit FakeNode(AdminOptions options = QuickOptions())
      : admin_(AdminParts{clock, ledger, upkeep, backups, setup, schedules, configuration},
               options) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&admin_);
    server_ = builder.BuildAndStart();
    REQUIRE(server_ != nullptr);
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  ~FakeNode() {
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  static AdminOptions QuickOptions() {
    AdminOptions options;
    options.watch_interval_nanos = kNanosPerMilli;
    options.verify_interval_nanos = kNanosPerMilli;
    return options;
  }

  AdminService& admin() { return admin_; }
  const std::string& address() const { return address_; }
  std::unique_ptr<admin::v1::AdminService::Stub> Stub() const {
    return admin::v1::AdminService::NewStub(
        grpc::CreateChannel(address_, grpc::InsecureChannelCredentials()));
  }

  ManualClock clock{kNoon + 2 * kNanosPerHour};
  MemoryLedger ledger{size_t{1} << 30};
  FakeUpkeep upkeep;
  FakeBackups backups;
  FakeSetup setup;
  FakeSchedules schedules;
  FakeConfiguration configuration;

 private:
  AdminService admin_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace ficus
