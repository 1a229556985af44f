#include "server/rpc/admin_convert.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "engine/base/id.h"
#include "engine/base/utf8.h"
#include "server/rpc/timestamp_convert.h"

namespace ficus {
namespace {

namespace v1 = admin::v1;

constexpr std::array<std::string_view, 5> kFolders = {"measure", "stream", "property", "trace",
                                                      "schema-property"};

Error Invalid(std::string text) { return Error{ErrorCode::kInvalidArgument, std::move(text)}; }

Result<TimeStyle> StyleOf(v1::TimeStyle style) {
  switch (style) {
    case v1::TIME_STYLE_UNSPECIFIED:
    case v1::TIME_STYLE_DAILY:
      return TimeStyle::kDaily;
    case v1::TIME_STYLE_HOURLY:
      return TimeStyle::kHourly;
    default:
      return Invalid(fmt::format("time_style {} is not known", static_cast<int>(style)));
  }
}

Result<TimedirForm> FormOf(v1::Form form) {
  switch (form) {
    case v1::FORM_UNSPECIFIED:
    case v1::FORM_RELEASED:
      return TimedirForm::kReleased;
    case v1::FORM_SEED:
      return TimedirForm::kSeed;
    default:
      return Invalid(fmt::format("form {} is not known", static_cast<int>(form)));
  }
}

Result<VerifyMode> ModeOf(v1::VerifyMode mode) {
  switch (mode) {
    case v1::VERIFY_MODE_UNSPECIFIED:
    case v1::VERIFY_MODE_SAMPLE:
      return VerifyMode::kSample;
    case v1::VERIFY_MODE_OFF:
      return VerifyMode::kOff;
    case v1::VERIFY_MODE_FULL:
      return VerifyMode::kFull;
    default:
      return Invalid(fmt::format("verify {} is not known", static_cast<int>(mode)));
  }
}

v1::RunPhase MessageOf(RunPhase phase) {
  switch (phase) {
    case RunPhase::kWaiting:
      return v1::RUN_PHASE_WAITING;
    case RunPhase::kSnapshot:
      return v1::RUN_PHASE_SNAPSHOT;
    case RunPhase::kPlan:
      return v1::RUN_PHASE_PLAN;
    case RunPhase::kUpload:
      return v1::RUN_PHASE_UPLOAD;
    case RunPhase::kCommit:
      return v1::RUN_PHASE_COMMIT;
    case RunPhase::kVerify:
      return v1::RUN_PHASE_VERIFY;
    case RunPhase::kPrune:
      return v1::RUN_PHASE_PRUNE;
    case RunPhase::kCleaning:
      return v1::RUN_PHASE_CLEANING;
    case RunPhase::kDone:
      return v1::RUN_PHASE_DONE;
    case RunPhase::kFailed:
      return v1::RUN_PHASE_FAILED;
    case RunPhase::kCancelled:
      return v1::RUN_PHASE_CANCELLED;
    case RunPhase::kCleaned:
      return v1::RUN_PHASE_CLEANED;
  }
  return v1::RUN_PHASE_UNSPECIFIED;
}

v1::VerifyLevel MessageOf(VerifyLevel level) {
  switch (level) {
    case VerifyLevel::kQuick:
      return v1::VERIFY_LEVEL_QUICK;
    case VerifyLevel::kSample:
      return v1::VERIFY_LEVEL_SAMPLE;
    case VerifyLevel::kFull:
      return v1::VERIFY_LEVEL_FULL;
  }
  return v1::VERIFY_LEVEL_UNSPECIFIED;
}

v1::BackupState MessageOf(BackupState state) {
  switch (state) {
    case BackupState::kCommitted:
      return v1::BACKUP_STATE_COMMITTED;
    case BackupState::kDegraded:
      return v1::BACKUP_STATE_DEGRADED;
    case BackupState::kDamaged:
      return v1::BACKUP_STATE_DAMAGED;
    case BackupState::kUnfinished:
      return v1::BACKUP_STATE_UNFINISHED;
    case BackupState::kExpired:
      return v1::BACKUP_STATE_EXPIRED;
  }
  return v1::BACKUP_STATE_UNSPECIFIED;
}

void FillCounts(const RunCounts& counts, v1::RunCounts& message) {
  message.set_files_total(counts.files_total);
  message.set_bytes_total(counts.bytes_total);
  message.set_files_sent(counts.files_sent);
  message.set_bytes_sent(counts.bytes_sent);
  message.set_files_copied(counts.files_copied);
  message.set_bytes_copied(counts.bytes_copied);
  message.set_files_kept(counts.files_kept);
  message.set_bytes_kept(counts.bytes_kept);
}

// A protobuf string is UTF-8; what a store or a system call says may be anything.
std::string Text(std::string_view bytes) { return ToUtf8(bytes); }

}  // namespace

Result<> CheckAdminName(std::string_view field, std::string_view name) {
  if (name.empty()) return Invalid(fmt::format("{} is required", field));
  if (name.size() > kAdminNameBytesMax) {
    return Invalid(
        fmt::format("{} has {} bytes, the most is {}", field, name.size(), kAdminNameBytesMax));
  }
  return Ok();
}

Result<double> SamplePercent(double percent, double if_zero) {
  if (percent == 0) return if_zero;
  if (!(percent > 0) || percent > 100) {
    return Invalid(fmt::format("sample_percent is {}, not above 0 and at most 100", percent));
  }
  return percent;
}

Result<VerifyLevel> FromMessage(v1::VerifyLevel level) {
  switch (level) {
    case v1::VERIFY_LEVEL_QUICK:
      return VerifyLevel::kQuick;
    case v1::VERIFY_LEVEL_SAMPLE:
      return VerifyLevel::kSample;
    case v1::VERIFY_LEVEL_UNSPECIFIED:
    case v1::VERIFY_LEVEL_FULL:
      return VerifyLevel::kFull;
    default:
      return Invalid(fmt::format("level {} is not known", static_cast<int>(level)));
  }
}

Result<KeepRule> FromMessage(const v1::KeepRule& message) {
  const KeepRule keep{message.hourly(), message.daily(), message.weekly(), message.monthly(),
                      message.min()};
  for (const uint32_t count : {keep.hourly, keep.daily, keep.weekly, keep.monthly, keep.min}) {
    if (count > kAdminKeepMax) {
      return Invalid(fmt::format("keep has {}, the most is {}", count, kAdminKeepMax));
    }
  }
  return keep;
}

Result<BackupJobSpec> FromMessage(const v1::BackupSpec& message) {
  BackupJobSpec spec;
  spec.remote = message.remote();
  ASSIGN_OR_RETURN(spec.time_style, StyleOf(message.time_style()));
  ASSIGN_OR_RETURN(spec.form, FormOf(message.form()));
  ASSIGN_OR_RETURN(spec.verify, ModeOf(message.verify()));
  ASSIGN_OR_RETURN(spec.sample_percent,
                   SamplePercent(message.sample_percent(), spec.sample_percent));
  ASSIGN_OR_RETURN(spec.keep, FromMessage(message.keep()));
  spec.allow_degraded = message.allow_degraded();
  if (message.groups_size() > kAdminGroupsMax) {
    return Invalid(
        fmt::format("groups has {} names, the most is {}", message.groups_size(), kAdminGroupsMax));
  }
  for (const std::string& group : message.groups()) {
    RETURN_IF_ERROR(CheckAdminName("groups", group));
    spec.groups.push_back(group);
  }
  for (const std::string& catalog : message.catalogs()) {
    if (std::find(kFolders.begin(), kFolders.end(), catalog) == kFolders.end()) {
      return Invalid(fmt::format(
          "catalogs: there is no '{}', only measure, stream, property, trace and schema-property",
          catalog.substr(0, kAdminNameBytesMax)));
    }
    if (std::find(spec.catalogs.begin(), spec.catalogs.end(), catalog) == spec.catalogs.end()) {
      spec.catalogs.push_back(catalog);
    }
  }
  return spec;
}

void ToMessage(const KeepRule& keep, v1::KeepRule& message) {
  message.set_hourly(keep.hourly);
  message.set_daily(keep.daily);
  message.set_weekly(keep.weekly);
  message.set_monthly(keep.monthly);
  message.set_min(keep.min);
}

void ToMessage(const RunStatus& status, v1::BackupRun& message) {
  message.set_run(status.run);
  message.set_job(status.job);
  message.set_remote(status.remote);
  message.set_dry_run(status.dry_run);
  message.set_resumed(status.resumed);
  message.set_phase(MessageOf(status.phase));
  message.set_ended(IsEnd(status.phase));
  message.set_timedir(status.timedir);
  message.set_generation(status.generation);
  FillCounts(status.planned, *message.mutable_planned());
  FillCounts(status.moved, *message.mutable_moved());
  message.set_bytes_per_second(status.bytes_per_second);
  if (status.eta_seconds >= 0) message.set_eta_seconds(status.eta_seconds);
  ToMessage(status.started_at, *message.mutable_started_at());
  if (status.ended_at != 0) ToMessage(status.ended_at, *message.mutable_ended_at());
  message.set_unchanged(status.unchanged);
  message.set_degraded(status.degraded);
  message.set_missing(status.missing);
  message.set_verified(status.verified);
  message.set_damaged(status.damaged);
  message.set_pruned_backups(status.pruned_backups);
  if (!status.error.empty()) {
    message.set_error(Text(status.error));
    message.set_error_code(std::string(ErrorCodeName(status.error_code)));
  }
  message.set_resumable(status.resumable);
}

void ToMessage(std::string_view remote, const BackupEntry& entry, v1::Backup& message) {
  message.set_remote(std::string(remote));
  message.set_timedir(entry.timedir);
  message.set_state(MessageOf(entry.state));
  message.set_problem(Text(entry.problem));
  if (!entry.commit.has_value()) return;
  const CommitRecord& commit = *entry.commit;
  message.set_generation(commit.generation);
  message.set_run(commit.run);
  message.set_job(Text(commit.job));
  message.set_node_id(Hex16(commit.node_id));
  message.set_object_count(commit.object_count);
  message.set_object_bytes(commit.object_bytes);
  ToMessage(commit.taken_at, *message.mutable_taken_at());
  ToMessage(commit.committed_at, *message.mutable_committed_at());
  if (!entry.verification.has_value()) return;
  message.set_verified(CountsAsVerified(commit, *entry.verification));
  ToMessage(entry.verification->verified_at, *message.mutable_verified_at());
  message.set_verify_level(MessageOf(entry.verification->level));
  message.set_damaged_objects(entry.verification->damaged.size());
}

void ToMessage(const RepositoryStatus& status, v1::RestorePoint& message) {
  if (status.newest_verified.has_value()) {
    message.set_verified_timedir(status.newest_verified->timedir);
    ToMessage(status.newest_verified->taken_at, *message.mutable_verified_at());
  }
  if (status.newest_committed.has_value()) {
    message.set_committed_timedir(status.newest_committed->timedir);
    ToMessage(status.newest_committed->taken_at, *message.mutable_committed_at());
  }
  message.set_committed(status.committed);
  message.set_verified(status.verified);
  message.set_degraded(status.degraded);
  message.set_damaged(status.damaged);
  message.set_unfinished(status.unfinished);
  message.set_sentence(status.Sentence());
}

void ToMessage(std::string_view remote, const BackupDetails& details,
               v1::BackupDescription& message) {
  const BackupManifest& manifest = details.manifest;
  ToMessage(remote, details.entry, *message.mutable_backup());
  message.set_form(manifest.form == TimedirForm::kSeed ? v1::FORM_SEED : v1::FORM_RELEASED);
  message.set_whole_node(manifest.whole_node);
  message.set_log_id(Hex16(manifest.log));
  message.set_log_position(manifest.position.value());
  for (const BackupCatalog& catalog : manifest.catalogs) {
    v1::BackupCatalog& folder = *message.add_catalogs();
    folder.set_folder(catalog.folder);
    for (const BackupGroup& group : catalog.groups) {
      v1::BackupGroup& named = *folder.add_groups();
      named.set_name(Text(group.name));
      named.set_id(Hex16(group.id));
    }
  }
  for (const std::string& missing : manifest.missing) message.add_missing(Text(missing));
}

void ToMessage(const BackupObject& object, v1::BackupObject& message) {
  message.set_folder(object.folder);
  message.set_path(Text(object.path));
  message.set_key(Text(object.key));
  message.set_size_bytes(object.size_bytes);
  message.set_sha256(HexOf(object.sha256));
}

void ToMessage(std::string_view remote, const VerificationRecord& record,
               v1::VerificationRecord& message) {
  message.set_remote(std::string(remote));
  message.set_timedir(record.timedir);
  message.set_generation(record.generation);
  message.set_run(record.commit_run);
  message.set_level(MessageOf(record.level));
  message.set_objects_read(record.objects_read);
  message.set_bytes_read(record.bytes_read);
  ToMessage(record.verified_at, *message.mutable_verified_at());
  message.set_damaged_objects(record.damaged.size());
  for (const std::string& note : record.notes) message.add_notes(Text(note));
}

void ToMessage(const PruneReport& report, v1::PruneBackupsResponse& message) {
  for (const KeepDecision& decision : report.decisions) {
    v1::PruneDecision& decided = *message.add_decisions();
    decided.set_timedir(decision.timedir);
    decided.set_keep(decision.keep);
    decided.set_reason(Text(decision.reason));
  }
  for (const std::string& timedir : report.expired) message.add_expired(timedir);
  message.set_expired_objects(report.expired_objects);
  message.set_expired_bytes(report.expired_bytes);
  for (const std::string& timedir : report.emptied) message.add_emptied(timedir);
  message.set_objects(report.objects);
  message.set_bytes(report.bytes);
  for (const std::string& problem : report.problems) message.add_problems(Text(problem));
}

void ToMessage(const ScheduleView& view, v1::Schedule& message) {
  message.set_job(Text(view.job));
  message.set_remote(Text(view.remote));
  message.set_schedule(Text(view.schedule));
  message.set_time_zone(view.time_zone);
  message.set_paused(view.paused);
  message.set_running(view.running);
  for (const UnixNanos time : view.next) ToMessage(time, *message.add_next());
  if (view.last_started_at) ToMessage(*view.last_started_at, *message.mutable_last_started_at());
  if (view.last_ended_at) ToMessage(*view.last_ended_at, *message.mutable_last_ended_at());
  message.set_last_error(Text(view.last_error));
  message.set_runs(view.runs);
  message.set_failures(view.failures);
  message.set_missed(view.missed);
  message.set_skipped(view.skipped);
}

void ToMessage(const SnapshotSummary& summary, v1::Snapshot& message) {
  message.set_id(summary.id);
  message.set_damage(Text(summary.damage));
  if (!summary.damage.empty()) return;
  ToMessage(summary.taken_at, *message.mutable_taken_at());
  message.set_log_position(summary.position.value());
  message.set_whole_node(summary.whole_node);
  message.set_files(summary.files);
  message.set_bytes(summary.bytes);
  for (const CatalogSnapshot& catalog : summary.catalogs) {
    if (!catalog.error.empty()) message.add_problems(Text(catalog.folder + ": " + catalog.error));
  }
}

void ToMessage(const SnapshotVerification& verification, v1::VerifySnapshotResponse& message) {
  message.set_files(verification.files);
  message.set_bytes(verification.bytes);
  message.set_damaged_files(verification.damage.size());
  const size_t named = std::min(verification.damage.size(), kAdminDamageMax);
  for (size_t i = 0; i < named; ++i) {
    v1::DamagedObject& damaged = *message.add_damaged();
    damaged.set_key(Text(verification.damage[i].path));
    damaged.set_reason(Text(verification.damage[i].reason));
  }
}

}  // namespace ficus
