#include "server/rpc/admin_service.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "engine/base/utf8.h"
#include "server/rpc/admin_convert.h"
#include "server/rpc/status_map.h"
#include "server/rpc/timestamp_convert.h"

namespace ficus {
namespace {

namespace v1 = admin::v1;

// The status of a refused call, with the word of the error for clients that care.
grpc::Status Refused(grpc::CallbackServerContext* call, const Error& error) {
  call->AddTrailingMetadata("ficus-error", std::string(ErrorCodeName(error.code)));
  return ToGrpcStatus(Error{error.code, ToUtf8(error.message)});
}

template <typename T>
grpc::Status Answered(grpc::CallbackServerContext* call, const Result<T>& result) {
  return result.has_value() ? grpc::Status::OK : Refused(call, result.error());
}

Error NodeStops() { return Error{ErrorCode::kUnavailable, "the node stops"}; }

// A call that is refused before any work is done for it.
grpc::ServerUnaryReactor* RefusedCall(grpc::CallbackServerContext* call, const Error& error) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  reactor->Finish(Refused(call, error));
  return reactor;
}

template <typename Item>
std::string Names(const std::vector<Item>& items) {
  std::string names;
  for (const Item& item : items) names += (names.empty() ? "" : ", ") + item.name;
  return names;
}

using Listed = std::pair<std::string, Result<RepositoryListing>>;

// The messages of what remotes hold, newest time directories first.
class ListMessages {
 public:
  ListMessages(std::vector<Listed> remotes, size_t items_max)
      : remotes_(std::move(remotes)), items_max_(items_max) {}

  bool Next(v1::ListBackupsResponse& message) {
    if (remote_ == remotes_.size()) return false;
    const auto& [name, list] = remotes_[remote_];
    if (!list.has_value()) {
      v1::RemoteError& error = *message.add_errors();
      error.set_remote(name);
      error.set_error(ToUtf8(list.error().message));
      error.set_error_code(std::string(ErrorCodeName(list.error().code)));
      ++remote_;
      return true;
    }
    const std::vector<BackupEntry>& backups = list->backups;
    if (item_ == 0) {
      for (const UnreadRecord& record : list->unread) {
        message.add_unread(ToUtf8(name + "/" + record.key + ": " + record.error.message));
      }
    }
    const size_t end = std::min(backups.size(), item_ + items_max_);
    for (; item_ < end; ++item_) {
      ToMessage(name, backups[backups.size() - 1 - item_], *message.add_backups());
    }
    if (item_ == backups.size()) {
      ++remote_;
      item_ = 0;
    }
    return true;
  }

 private:
  std::vector<Listed> remotes_;
  size_t items_max_;
  size_t remote_ = 0;
  size_t item_ = 0;
};

// The messages of one backup: what it is, then its objects.
class DetailMessages {
 public:
  DetailMessages(std::string remote, BackupDetails details, bool without_objects, size_t items_max)
      : remote_(std::move(remote)), details_(std::move(details)), items_max_(items_max) {
    if (without_objects) details_.manifest.objects.clear();
  }

  bool Next(v1::ShowBackupResponse& message) {
    const std::vector<BackupObject>& objects = details_.manifest.objects;
    if (!described_) {
      described_ = true;
      ToMessage(remote_, details_, *message.mutable_description());
      return true;
    }
    if (item_ == objects.size()) return false;
    const size_t end = std::min(objects.size(), item_ + items_max_);
    for (; item_ < end; ++item_) ToMessage(objects[item_], *message.add_objects());
    return true;
  }

 private:
  std::string remote_;
  BackupDetails details_;
  size_t items_max_;
  bool described_ = false;
  size_t item_ = 0;
};

// The messages of a verdict: what was done, then the rest of what is damaged.
class VerdictMessages {
 public:
  VerdictMessages(std::string remote, VerificationRecord record, size_t items_max)
      : remote_(std::move(remote)), record_(std::move(record)), items_max_(items_max) {}

  bool Next(v1::VerifyBackupResponse& message) {
    if (described_ && item_ == record_.damaged.size()) return false;
    v1::VerificationRecord& part = *message.mutable_record();
    if (!described_) ToMessage(remote_, record_, part);
    described_ = true;
    const size_t end = std::min(record_.damaged.size(), item_ + items_max_);
    for (; item_ < end; ++item_) {
      v1::DamagedObject& damaged = *part.add_damaged();
      damaged.set_key(ToUtf8(record_.damaged[item_].key));
      damaged.set_reason(ToUtf8(record_.damaged[item_].reason));
    }
    return true;
  }

 private:
  std::string remote_;
  VerificationRecord record_;
  size_t items_max_;
  bool described_ = false;
  size_t item_ = 0;
};

// A stream's `next` over one of the above. std::function wants something it can copy.
template <typename Messages, typename Response>
std::function<bool(Response&)> Pulled(Messages messages) {
  return [shared = std::make_shared<Messages>(std::move(messages))](Response& message) {
    return shared->Next(message);
  };
}

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

AdminService::AdminService(const AdminParts& parts, const AdminOptions& options)
    : BoundedService(parts.ledger, v1::AdminService::service_full_name()),
      parts_(parts),
      options_(options),
      quick_(std::make_unique<BoundedPool>("admin", options.quick_threads, options.waiting_max)),
      store_(
          std::make_unique<BoundedPool>("admin-store", options.store_threads, options.waiting_max)),
      verify_(std::make_unique<BoundedPool>("admin-verify", options.verifications_max,
                                            options.verifications_max)) {
  Bound(&AdminService::RunBackup, "RunBackup");
  Bound(&AdminService::WatchBackup, "WatchBackup");
  Bound(&AdminService::BackupStatus, "BackupStatus");
  Bound(&AdminService::CancelBackup, "CancelBackup");
  Bound(&AdminService::ListBackups, "ListBackups");
  Bound(&AdminService::ShowBackup, "ShowBackup");
  Bound(&AdminService::VerifyBackup, "VerifyBackup");
  Bound(&AdminService::PruneBackups, "PruneBackups");
  Bound(&AdminService::ListRemotes, "ListRemotes");
  Bound(&AdminService::TestRemote, "TestRemote");
  Bound(&AdminService::ListSchedules, "ListSchedules");
  Bound(&AdminService::PauseSchedule, "PauseSchedule");
  Bound(&AdminService::ResumeSchedule, "ResumeSchedule");
  Bound(&AdminService::Flush, "Flush");
  Bound(&AdminService::Merge, "Merge");
  Bound(&AdminService::ConfirmClock, "ConfirmClock");
  Bound(&AdminService::ReloadConfig, "ReloadConfig");
  Bound(&AdminService::ListSnapshots, "ListSnapshots");
  Bound(&AdminService::DeleteSnapshot, "DeleteSnapshot");
  Bound(&AdminService::VerifySnapshot, "VerifySnapshot");
}

AdminService::~AdminService() = default;

void AdminService::Close() {
  for (BoundedPool* const pool : {quick_.get(), store_.get(), verify_.get()}) pool->Close();
}

Result<std::string> AdminService::RemoteOf(const std::string& name) const {
  const std::vector<RemoteSetup> remotes = parts_.setup.Remotes();
  if (name.empty()) {
    if (remotes.size() == 1) return remotes.front().name;
    return Error{ErrorCode::kInvalidArgument,
                 remotes.empty() ? "no remote is configured; add one below `remotes`"
                                 : fmt::format("say which remote: {}", Names(remotes))};
  }
  for (const RemoteSetup& remote : remotes) {
    if (remote.name == name) return name;
  }
  return Error{ErrorCode::kNotFound, fmt::format("there is no remote '{}'; configured: {}",
                                                 ToUtf8(name.substr(0, kAdminNameBytesMax)),
                                                 remotes.empty() ? "none" : Names(remotes))};
}

bool AdminService::IsBusy(const std::string& remote) const {
  const std::vector<RunStatus> runs = parts_.backups.Status();
  return std::any_of(runs.begin(), runs.end(), [&](const RunStatus& run) {
    return run.remote == remote && !IsEnd(run.phase);
  });
}

Result<RunRequest> AdminService::RequestOf(const v1::RunBackupRequest& request) const {
  RunRequest run;
  run.dry_run = request.dry_run();
  if (request.has_spec()) {
    ASSIGN_OR_RETURN(run.spec, FromMessage(request.spec()));
    ASSIGN_OR_RETURN(run.spec->remote, RemoteOf(run.spec->remote));
    return run;
  }
  run.job = request.job();
  if (!run.job.empty()) {
    RETURN_IF_ERROR(CheckAdminName("job", run.job));
    return run;
  }
  const std::vector<JobSetup> jobs = parts_.setup.Jobs();
  if (jobs.size() != 1) {
    return Error{ErrorCode::kInvalidArgument,
                 jobs.empty() ? "no job is configured; name a remote, or add a job below `backups`"
                              : fmt::format("say which job: {}", Names(jobs))};
  }
  run.job = jobs.front().name;
  return run;
}

grpc::ServerUnaryReactor* AdminService::RunBackup(grpc::CallbackServerContext* call,
                                                  const v1::RunBackupRequest* request,
                                                  v1::RunBackupResponse* response) {
  return BlockingCall::Start(*quick_, [this, call, request, response](const std::stop_token&) {
    Result<RunRequest> run = RequestOf(*request);
    if (!run.has_value()) return Refused(call, run.error());
    const Result<std::string> id = parts_.backups.Run(*std::move(run));
    if (id.has_value()) response->set_run(*id);
    return Answered(call, id);
  });
}

grpc::ServerWriteReactor<v1::WatchBackupResponse>* AdminService::WatchBackup(
    grpc::CallbackServerContext* call, const v1::WatchBackupRequest* request) {
  using Stream = TickingStream<v1::WatchBackupResponse>;
  const auto look = [this, call, run = request->run()](v1::WatchBackupResponse& message,
                                                       Stream::Told& told) {
    if (shut_) return Refused(call, NodeStops());
    const Result<RunStatus> status = parts_.backups.Status(run);
    if (!status.has_value()) return Refused(call, status.error());
    ToMessage(*status, *message.mutable_run());
    told = IsEnd(status->phase) ? Stream::Told::kLast : Stream::Told::kMore;
    return grpc::Status::OK;
  };
  return Stream::Create(quick_->executor(), 0, options_.watch_interval_nanos, look).get();
}

void AdminService::FillRestorePoint(const RemoteSetup& remote, v1::RestorePoint& point,
                                    const std::stop_token& stop) const {
  point.set_remote(remote.name);
  point.set_url(ToUtf8(remote.url));
  const Result<RepositoryListing> listing = parts_.backups.List(remote.name, stop);
  if (listing.has_value()) {
    ToMessage(StatusOf(*listing, parts_.clock.Now()), point);
  } else {
    point.set_error(ToUtf8(listing.error().ToString()));
  }
}

Result<> AdminService::FillStatus(const v1::BackupStatusRequest& request,
                                  v1::BackupStatusResponse& response,
                                  const std::stop_token& stop) const {
  if (!request.run().empty()) {
    ASSIGN_OR_RETURN(const RunStatus status, parts_.backups.Status(request.run()));
    ToMessage(status, *response.add_runs());
  } else {
    for (const RunStatus& status : parts_.backups.Status()) {
      ToMessage(status, *response.add_runs());
    }
  }
  if (!request.restore_points()) return Ok();
  for (const RemoteSetup& remote : parts_.setup.Remotes()) {
    FillRestorePoint(remote, *response.add_restore_points(), stop);
  }
  return Ok();
}

grpc::ServerUnaryReactor* AdminService::BackupStatus(grpc::CallbackServerContext* call,
                                                     const v1::BackupStatusRequest* request,
                                                     v1::BackupStatusResponse* response) {
  BoundedPool& pool = request->restore_points() ? *store_ : *quick_;
  return BlockingCall::Start(pool, [this, call, request, response](const std::stop_token& stop) {
    return Answered(call, FillStatus(*request, *response, stop));
  });
}

grpc::ServerUnaryReactor* AdminService::CancelBackup(grpc::CallbackServerContext* call,
                                                     const v1::CancelBackupRequest* request,
                                                     v1::CancelBackupResponse* response) {
  return BlockingCall::Start(*quick_, [this, call, request, response](const std::stop_token&) {
    const Result<RunStatus> status = parts_.backups.Cancel(request->run());
    if (status.has_value()) ToMessage(*status, *response->mutable_run());
    return Answered(call, status);
  });
}

grpc::ServerWriteReactor<v1::ListBackupsResponse>* AdminService::ListBackups(
    grpc::CallbackServerContext* call, const v1::ListBackupsRequest* request) {
  using Stream = PulledStream<v1::ListBackupsResponse>;
  return Stream::Start(*store_, [this, call, wanted = request->remote()](
                                    const std::stop_token& stop, Stream::Next& next) {
    std::vector<std::string> names;
    if (!wanted.empty()) {
      const Result<std::string> known = RemoteOf(wanted);
      if (!known.has_value()) return Refused(call, known.error());
      names.push_back(*known);
    } else {
      for (const RemoteSetup& remote : parts_.setup.Remotes()) names.push_back(remote.name);
    }
    std::vector<Listed> remotes;
    for (const std::string& name : names) {
      remotes.emplace_back(name, parts_.backups.List(name, stop));
      if (!wanted.empty() && !remotes.back().second.has_value()) {
        return Refused(call, remotes.back().second.error());
      }
    }
    next = Pulled<ListMessages, v1::ListBackupsResponse>(
        ListMessages(std::move(remotes), options_.items_per_message));
    return grpc::Status::OK;
  });
}

grpc::ServerWriteReactor<v1::ShowBackupResponse>* AdminService::ShowBackup(
    grpc::CallbackServerContext* call, const v1::ShowBackupRequest* request) {
  using Stream = PulledStream<v1::ShowBackupResponse>;
  return Stream::Start(
      *store_, [this, call, request = *request](const std::stop_token& stop, Stream::Next& next) {
        const Result<> named = CheckAdminName("timedir", request.timedir());
        if (!named.has_value()) return Refused(call, named.error());
        const Result<std::string> remote = RemoteOf(request.remote());
        if (!remote.has_value()) return Refused(call, remote.error());
        Result<BackupDetails> details = parts_.backups.Show(*remote, request.timedir(), stop);
        if (!details.has_value()) return Refused(call, details.error());
        next = Pulled<DetailMessages, v1::ShowBackupResponse>(DetailMessages(
            *remote, *std::move(details), request.without_objects(), options_.items_per_message));
        return grpc::Status::OK;
      });
}

grpc::ServerWriteReactor<v1::VerifyBackupResponse>* AdminService::VerifyBackup(
    grpc::CallbackServerContext* call, const v1::VerifyBackupRequest* request) {
  using Stream = TickingStream<v1::VerifyBackupResponse>;
  // How far the verification is; written by its threads.
  struct Reached {
    Mutex mutex;
    VerifyProgress progress GUARDED_BY(mutex);
  };
  const auto reached = std::make_shared<Reached>();
  const auto begin = std::chrono::steady_clock::now();
  const std::shared_ptr<Stream> stream = Stream::Create(
      quick_->executor(), options_.verify_interval_nanos, options_.verify_interval_nanos,
      [this, call, reached, begin](v1::VerifyBackupResponse& message, Stream::Told&) {
        if (shut_) return Refused(call, NodeStops());
        const MutexLock lock(reached->mutex);
        v1::VerifyProgress& progress = *message.mutable_progress();
        progress.set_objects_done(reached->progress.objects_done);
        progress.set_objects_total(reached->progress.objects_total);
        progress.set_bytes_done(reached->progress.bytes_done);
        progress.set_bytes_total(reached->progress.bytes_total);
        progress.set_elapsed_seconds(SecondsSince(begin));
        return grpc::Status::OK;
      });
  const auto verify = [this, request = *request, reached,
                       stop = stream->stop_token()]() -> Result<VerdictMessages> {
    RETURN_IF_ERROR(CheckAdminName("timedir", request.timedir()));
    ASSIGN_OR_RETURN(const VerifyLevel level, FromMessage(request.level()));
    ASSIGN_OR_RETURN(const double percent, SamplePercent(request.sample_percent(), 5));
    ASSIGN_OR_RETURN(const std::string remote, RemoteOf(request.remote()));
    const auto progress = [reached](const VerifyProgress& now) {
      const MutexLock lock(reached->mutex);
      reached->progress = now;
    };
    ASSIGN_OR_RETURN(
        VerificationRecord record,
        parts_.backups.Verify(remote, request.timedir(), level, percent, stop, progress));
    return VerdictMessages(remote, std::move(record), options_.items_per_message);
  };
  const bool taken = verify_->Post([stream, verify, call] {
    Result<VerdictMessages> verdict = verify();
    if (verdict.has_value()) {
      stream->Conclude(Pulled<VerdictMessages, v1::VerifyBackupResponse>(*std::move(verdict)),
                       grpc::Status::OK);
    } else {
      stream->ConcludeWith([&] { return Refused(call, verdict.error()); });
    }
  });
  if (!taken) stream->Conclude(nullptr, TooManyCalls());
  return stream.get();
}

Result<KeepRule> AdminService::KeepOf(const std::string& remote) const {
  std::optional<KeepRule> keep;
  for (const JobSetup& job : parts_.setup.Jobs()) {
    if (job.remote != remote) continue;
    if (job.keep.KeepsAll()) {
      return Error{ErrorCode::kFailedPrecondition,
                   fmt::format("job {} keeps every backup; nothing was removed. Say what to keep",
                               job.name)};
    }
    keep = keep ? keep->Together(job.keep) : job.keep;
  }
  if (keep) return *keep;
  return Error{
      ErrorCode::kFailedPrecondition,
      fmt::format("no configured job writes to {}; nothing was removed. Say what to keep", remote)};
}

grpc::ServerUnaryReactor* AdminService::PruneBackups(grpc::CallbackServerContext* call,
                                                     const v1::PruneBackupsRequest* request,
                                                     v1::PruneBackupsResponse* response) {
  return BlockingCall::Start(*store_, [this, call, request, response](const std::stop_token& stop) {
    const Result<std::string> remote = RemoteOf(request->remote());
    if (!remote.has_value()) return Refused(call, remote.error());
    const Result<KeepRule> keep =
        request->has_keep() ? FromMessage(request->keep()) : KeepOf(*remote);
    if (!keep.has_value()) return Refused(call, keep.error());
    const Result<PruneReport> report =
        parts_.backups.Prune(*remote, *keep, request->dry_run(), stop);
    if (!report.has_value()) {
      grpc::Status status = Refused(call, report.error());
      if (report.error().code == ErrorCode::kUnavailable && IsBusy(*remote)) {
        status = grpc::Status(grpc::StatusCode::ABORTED, status.error_message());
      }
      return status;
    }
    response->set_remote(*remote);
    response->set_dry_run(request->dry_run());
    ToMessage(*keep, *response->mutable_keep());
    ToMessage(*report, *response);
    return grpc::Status::OK;
  });
}

grpc::ServerUnaryReactor* AdminService::ListRemotes(grpc::CallbackServerContext* call,
                                                    const v1::ListRemotesRequest*,
                                                    v1::ListRemotesResponse* response) {
  const std::vector<JobSetup> jobs = parts_.setup.Jobs();
  for (const RemoteSetup& remote : parts_.setup.Remotes()) {
    v1::Remote& message = *response->add_remotes();
    message.set_name(remote.name);
    message.set_url(ToUtf8(remote.url));
    for (const JobSetup& job : jobs) {
      if (job.remote == remote.name) message.add_jobs(job.name);
    }
  }
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::TestRemote(grpc::CallbackServerContext* call,
                                                   const v1::TestRemoteRequest* request,
                                                   v1::TestRemoteResponse* response) {
  return BlockingCall::Start(*store_, [this, call, request, response](const std::stop_token& stop) {
    const Result<std::string> remote = RemoteOf(request->remote());
    if (!remote.has_value()) return Refused(call, remote.error());
    const Result<std::vector<ProbeVerdict>> checks = parts_.backups.TestRemote(*remote, stop);
    if (!checks.has_value()) return Refused(call, checks.error());
    response->set_remote(*remote);
    for (const ProbeVerdict& check : *checks) {
      v1::RemoteCheck& message = *response->add_checks();
      message.set_name(check.name);
      message.set_passed(check.ok);
      message.set_text(ToUtf8(check.detail));
    }
    return grpc::Status::OK;
  });
}

grpc::ServerUnaryReactor* AdminService::ListSchedules(grpc::CallbackServerContext* call,
                                                      const v1::ListSchedulesRequest* request,
                                                      v1::ListSchedulesResponse* response) {
  if (request->next() > kAdminNextMax) {
    return RefusedCall(
        call, Error{ErrorCode::kInvalidArgument,
                    fmt::format("next is {}, the most is {}", request->next(), kAdminNextMax)});
  }
  return BlockingCall::Start(*quick_, [this, request, response](const std::stop_token&) {
    for (const ScheduleView& view : parts_.schedules.List(request->next())) {
      ToMessage(view, *response->add_schedules());
    }
    return grpc::Status::OK;
  });
}

grpc::ServerUnaryReactor* AdminService::PauseSchedule(grpc::CallbackServerContext* call,
                                                      const v1::PauseScheduleRequest* request,
                                                      v1::PauseScheduleResponse*) {
  return BlockingCall::Start(*quick_, [this, call, request](const std::stop_token&) {
    const Result<> named = CheckAdminName("job", request->job());
    return Answered(call, named.has_value() ? parts_.schedules.Pause(request->job()) : named);
  });
}

grpc::ServerUnaryReactor* AdminService::ResumeSchedule(grpc::CallbackServerContext* call,
                                                       const v1::ResumeScheduleRequest* request,
                                                       v1::ResumeScheduleResponse*) {
  return BlockingCall::Start(*quick_, [this, call, request](const std::stop_token&) {
    const Result<> named = CheckAdminName("job", request->job());
    return Answered(call, named.has_value() ? parts_.schedules.Resume(request->job()) : named);
  });
}

grpc::ServerUnaryReactor* AdminService::Flush(grpc::CallbackServerContext* call,
                                              const v1::FlushRequest*, v1::FlushResponse*) {
  return CallbackCall::Start(
      [call](const Result<>& flushed) { return Answered(call, flushed); },
      [this](CallbackCall::Done done) { parts_.upkeep.FlushAll(std::move(done)); });
}

grpc::ServerUnaryReactor* AdminService::Merge(grpc::CallbackServerContext* call,
                                              const v1::MergeRequest* request, v1::MergeResponse*) {
  return CallbackCall::Start([call](const Result<>& merged) { return Answered(call, merged); },
                             [this, wait = request->wait()](CallbackCall::Done done) {
                               if (wait) {
                                 parts_.upkeep.MergeAll(std::move(done));
                                 return;
                               }
                               done(Ok());
                               parts_.upkeep.MergeAll([](const Result<>& merged) {
                                 if (merged.has_value()) return;
                                 LogWarn("admin.merge", "a merge that was asked for failed: {}",
                                         merged.error().ToString());
                               });
                             });
}

grpc::ServerUnaryReactor* AdminService::ConfirmClock(grpc::CallbackServerContext* call,
                                                     const v1::ConfirmClockRequest*,
                                                     v1::ConfirmClockResponse*) {
  parts_.upkeep.ConfirmClock();
  parts_.backups.ConfirmClock();
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::ReloadConfig(grpc::CallbackServerContext* call,
                                                     const v1::ReloadConfigRequest*,
                                                     v1::ReloadConfigResponse* response) {
  return BlockingCall::Start(*quick_, [this, call, response](const std::stop_token&) {
    Result<ReloadReport> report = parts_.configuration.Reload();
    if (!report.has_value()) return Refused(call, report.error());
    for (std::string& key : report->changed) response->add_changed(std::move(key));
    for (std::string& key : report->need_restart) response->add_need_restart(std::move(key));
    return grpc::Status::OK;
  });
}

grpc::ServerUnaryReactor* AdminService::ListSnapshots(grpc::CallbackServerContext* call,
                                                      const v1::ListSnapshotsRequest*,
                                                      v1::ListSnapshotsResponse* response) {
  return BlockingCall::Start(*quick_, [this, call, response](const std::stop_token&) {
    const Result<std::vector<SnapshotSummary>> snapshots = parts_.upkeep.ListSnapshots();
    if (!snapshots.has_value()) return Refused(call, snapshots.error());
    for (const SnapshotSummary& snapshot : *snapshots) {
      ToMessage(snapshot, *response->add_snapshots());
    }
    return grpc::Status::OK;
  });
}

grpc::ServerUnaryReactor* AdminService::DeleteSnapshot(grpc::CallbackServerContext* call,
                                                       const v1::DeleteSnapshotRequest* request,
                                                       v1::DeleteSnapshotResponse*) {
  return BlockingCall::Start(*store_, [this, call, request](const std::stop_token&) {
    return Answered(call, parts_.upkeep.DeleteSnapshot(request->id()));
  });
}

grpc::ServerUnaryReactor* AdminService::VerifySnapshot(grpc::CallbackServerContext* call,
                                                       const v1::VerifySnapshotRequest* request,
                                                       v1::VerifySnapshotResponse* response) {
  return BlockingCall::Start(*verify_,
                             [this, call, request, response](const std::stop_token& stop) {
                               const Result<SnapshotVerification> verification =
                                   parts_.upkeep.VerifySnapshot(request->id(), stop);
                               if (verification.has_value()) ToMessage(*verification, *response);
                               return Answered(call, verification);
                             });
}

}  // namespace ficus
