#include "server/backup/commit_members.h"

#include "server/backup/repository_keys.h"

namespace ficus {

void WriteCommitMembers(const CommitRecord& commit, RecordMembers& members) {
  members.Text("run", commit.run);
  members.Uint("generation", commit.generation);
  members.Hex("node", commit.node_id);
  members.Uint("lease_generation", commit.lease_generation);
  members.Text("job", commit.job);
  members.Uint("manifest_size", commit.manifest_bytes);
  members.Hash("manifest_sha256", commit.manifest_sha256);
  members.Uint("objects", commit.object_count);
  members.Uint("size", commit.object_bytes);
  members.Time("taken_at", commit.taken_at);
  members.Time("committed_at", commit.committed_at);
  members.Bool("degraded", commit.degraded);
  if (!commit.scope.empty()) members.Text("scope", commit.scope);
}

void ReadCommitMembers(MemberReader& members, CommitRecord& commit) {
  commit.run = members.Text("run");
  commit.generation = members.Uint("generation");
  commit.node_id = members.Hex("node");
  commit.lease_generation = members.Uint("lease_generation");
  commit.job = members.Text("job");
  commit.manifest_bytes = members.Uint("manifest_size");
  commit.manifest_sha256 = members.Hash("manifest_sha256");
  commit.object_count = members.Uint("objects");
  commit.object_bytes = members.Uint("size");
  commit.taken_at = members.Time("taken_at");
  commit.committed_at = members.Time("committed_at");
  commit.degraded = members.Bool("degraded");
  if (members.Has("scope")) commit.scope = members.Text("scope");
  if (!IsRecordName(commit.run)) members.Refuse("run");
  if (commit.generation == 0) members.Refuse("generation");
  if (commit.manifest_bytes > kBackupManifestBytesMax) members.Refuse("manifest_size");
}

}  // namespace ficus
