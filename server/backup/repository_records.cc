#include "server/backup/repository_records.h"

#include <utility>

#include "server/backup/commit_members.h"
#include "server/backup/record_text.h"
#include "server/backup/repository_keys.h"

namespace ficus {
namespace {

constexpr std::string_view kPendingKind = "backup pending";
constexpr std::string_view kHoldKind = "backup hold";
constexpr std::string_view kExpiredKind = "backup expired";

Error Broken(std::string_view kind, std::string_view what) {
  return {ErrorCode::kCorruption, std::string(kind) + ": " + std::string(what)};
}

}  // namespace

std::string EncodePending(const PendingRecord& pending) {
  RecordMembers members(",\n");
  members.Text("run", pending.run);
  members.Text("timedir", pending.timedir);
  members.Uint("generation", pending.generation);
  members.Hex("node", pending.node_id);
  members.Uint("lease_generation", pending.lease_generation);
  members.Text("job", pending.job);
  members.Time("started_at", pending.started_at);
  return SealRecord(kPendingKind, members);
}

Result<PendingRecord> DecodePending(std::string_view bytes) {
  ASSIGN_OR_RETURN(const OpenedRecord record, OpenRecord(kPendingKind, kRecordBytesMax, bytes));
  MemberReader members = record.members();
  PendingRecord pending;
  pending.run = members.Text("run");
  pending.timedir = members.Text("timedir");
  pending.generation = members.Uint("generation");
  pending.node_id = members.Hex("node");
  pending.lease_generation = members.Uint("lease_generation");
  pending.job = members.Text("job");
  pending.started_at = members.Time("started_at");
  if (!IsRecordName(pending.run)) members.Refuse("run");
  if (!IsTimedirName(pending.timedir)) members.Refuse("timedir");
  if (pending.generation == 0) members.Refuse("generation");
  if (Result<> read = members.result(); !read) return std::move(read).error().With(kPendingKind);
  return pending;
}

std::string EncodeHold(const HoldRecord& hold) {
  RecordMembers members(",\n");
  members.Text("id", hold.id);
  members.Text("timedir", hold.timedir);
  members.Text("reason", hold.reason);
  members.Time("expires_at", hold.expires_at);
  return SealRecord(kHoldKind, members);
}

Result<HoldRecord> DecodeHold(std::string_view bytes) {
  ASSIGN_OR_RETURN(const OpenedRecord record, OpenRecord(kHoldKind, kRecordBytesMax, bytes));
  MemberReader members = record.members();
  HoldRecord hold;
  hold.id = members.Text("id");
  hold.timedir = members.Text("timedir");
  hold.reason = members.Text("reason");
  hold.expires_at = members.Time("expires_at");
  if (!IsRecordName(hold.id)) members.Refuse("id");
  if (!IsTimedirName(hold.timedir)) members.Refuse("timedir");
  if (Result<> read = members.result(); !read) return std::move(read).error().With(kHoldKind);
  return hold;
}

std::string EncodeExpired(const ExpiredRecord& expired) {
  RecordMembers members(",\n");
  members.Text("timedir", expired.timedir);
  members.Text("reason", expired.reason);
  members.Time("expired_at", expired.expired_at);
  members.Time("emptied_at", expired.emptied_at);
  members.Objects("commits", expired.commits.size(), [&](size_t i, RecordMembers& each) {
    WriteCommitMembers(expired.commits[i], each);
  });
  return SealRecord(kExpiredKind, members);
}

Result<ExpiredRecord> DecodeExpired(std::string_view bytes) {
  ASSIGN_OR_RETURN(const OpenedRecord record, OpenRecord(kExpiredKind, kRecordBytesMax, bytes));
  MemberReader members = record.members();
  ExpiredRecord expired;
  expired.timedir = members.Text("timedir");
  if (!IsTimedirName(expired.timedir)) return Broken(kExpiredKind, "names no time directory");
  expired.reason = members.Text("reason");
  expired.expired_at = members.Time("expired_at");
  expired.emptied_at = members.Time("emptied_at");
  members.Objects("commits", [&](MemberReader& each) {
    CommitRecord commit;
    commit.timedir = expired.timedir;
    ReadCommitMembers(each, commit);
    if (commit.generation != 0)
      commit.manifest_key = ManifestKey(expired.timedir, commit.generation);
    if (!expired.commits.empty() && expired.commits.back().generation >= commit.generation) {
      each.Refuse("generation");
    }
    expired.commits.push_back(std::move(commit));
  });
  if (Result<> read = members.result(); !read) return std::move(read).error().With(kExpiredKind);
  return expired;
}

}  // namespace ficus
