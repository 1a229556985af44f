#include "engine/database/restore_tree.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/core.h>

#include "engine/index/index_run.h"
#include "engine/io/publish.h"
#include "engine/model/names.h"
#include "engine/part/part.h"
#include "engine/schema/schema_codec.h"
#include "engine/segment/identity.h"
#include "engine/segment/segment_bounds.h"
#include "engine/table/manifest.h"
#include "engine/table/snapshot.h"

namespace ficus {
namespace {

constexpr std::string_view kShardPrefix = "shard-";

Error Corrupt(std::string_view path, std::string_view what) {
  return Error{ErrorCode::kCorruption, fmt::format("{}: {}", path, what)};
}

Error Stopped() { return Error{ErrorCode::kCancelled, "stopped"}; }

class GroupVerifier {
 public:
  GroupVerifier(FileSystem& fs, std::string directory, const StagedGroup& group,
                std::stop_token stop)
      : fs_(fs), directory_(std::move(directory)), group_(group), stop_(std::move(stop)) {}

  Result<VerifiedTree> Run();

 private:
  Result<std::string> Read(const std::string& path);
  Result<> VerifySegment(const std::string& directory);
  Result<> VerifyShards(const std::string& directory, uint32_t shard_count);
  Result<> VerifyShard(const std::string& directory);
  Result<> VerifyPart(const std::string& directory, const PartInfo& info);
  Result<> VerifyRun(const std::string& directory, const IndexRunInfo& info);

  FileSystem& fs_;
  const std::string directory_;
  const StagedGroup& group_;
  const std::stop_token stop_;
  VerifiedTree verified_;
};

Result<std::string> GroupVerifier::Read(const std::string& path) {
  ASSIGN_OR_RETURN(std::string bytes,
                   ReadWholeFile(fs_, path, kGroupNamingFileBytesMax, FileClass::kBackup));
  ++verified_.files;
  verified_.bytes += bytes.size();
  return bytes;
}

Result<VerifiedTree> GroupVerifier::Run() {
  const std::string file = JoinPath(directory_, kGroupIdentityFile);
  ASSIGN_OR_RETURN(const std::string bytes, Read(file));
  Result<GroupIdentity> identity = DecodeGroupIdentity(bytes);
  if (!identity.has_value()) return std::move(identity).error().With(file);
  if (identity->id != group_.id || identity->catalog != group_.catalog ||
      identity->name != group_.name) {
    return Corrupt(
        file, fmt::format("it is of group {} with id {}", identity->name, Hex16(identity->id)));
  }
  if (!RowKindOf(group_.catalog).has_segments) {
    RETURN_IF_ERROR(VerifyShards(directory_, identity->shard_count));
    return verified_;
  }
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, fs_.List(directory_));
  for (const DirectoryEntry& entry : entries) {
    UnixNanos begin = 0;
    if (!entry.is_directory || !ParseSegmentDirectoryName(entry.name, begin)) continue;
    RETURN_IF_ERROR(VerifySegment(JoinPath(directory_, entry.name)));
  }
  return verified_;
}

Result<> GroupVerifier::VerifySegment(const std::string& directory) {
  const std::string file = JoinPath(directory, kSegmentIdentityFile);
  ASSIGN_OR_RETURN(const std::string bytes, Read(file));
  Result<SegmentIdentity> identity = DecodeSegmentIdentity(bytes);
  if (!identity.has_value()) return std::move(identity).error().With(file);
  if (identity->group != group_.id) return Corrupt(file, "it is of another group id");
  return VerifyShards(directory, identity->shard_count);
}

Result<> GroupVerifier::VerifyShards(const std::string& directory, uint32_t shard_count) {
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, fs_.List(directory));
  uint32_t shards = 0;
  for (const DirectoryEntry& entry : entries) {
    if (!entry.is_directory || !entry.name.starts_with(kShardPrefix)) continue;
    if (++shards > shard_count) return Corrupt(directory, "it has more shards than it says");
    RETURN_IF_ERROR(VerifyShard(JoinPath(directory, entry.name)));
  }
  return Ok();
}

Result<> GroupVerifier::VerifyShard(const std::string& directory) {
  ASSIGN_OR_RETURN(const ManifestReading reading, ReadNewestManifest(fs_, directory));
  if (reading.hole) return *reading.hole;
  if (!reading.found) return Corrupt(directory, "it has no manifest");
  if (reading.manifest.group != group_.id) return Corrupt(directory, "it is of another group id");
  ++verified_.files;
  for (const PartInfo& info : reading.manifest.parts) {
    if (stop_.stop_requested()) return Stopped();
    RETURN_IF_ERROR(VerifyPart(directory, info));
  }
  for (const IndexRunInfo& info : reading.manifest.runs) {
    if (stop_.stop_requested()) return Stopped();
    RETURN_IF_ERROR(VerifyRun(directory, info));
  }
  return Ok();
}

// A manifest that names what is not there is damage, not something that might be looked for.
Error NamedButUnreadable(Error error) {
  if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kCorruption;
  return std::move(error).With("named by a manifest");
}

Result<> GroupVerifier::VerifyPart(const std::string& directory, const PartInfo& info) {
  const std::string path = JoinPath(directory, PartFileName(info.number));
  const auto part = Part::Open(fs_, path, &info, FileClass::kBackup);
  if (!part.has_value()) return NamedButUnreadable(part.error());
  RETURN_IF_ERROR((*part)->Verify(FileClass::kBackup));
  ++verified_.files;
  verified_.bytes += info.file_bytes;
  return Ok();
}

Result<> GroupVerifier::VerifyRun(const std::string& directory, const IndexRunInfo& info) {
  const std::string path = JoinPath(directory, IndexRunFileName(info.number));
  const auto run = IndexRun::Open(fs_, path, &info, FileClass::kBackup);
  if (!run.has_value()) return NamedButUnreadable(run.error());
  RETURN_IF_ERROR((*run)->Verify());
  ++verified_.files;
  verified_.bytes += info.file_bytes;
  return Ok();
}

std::string SchemaShard(const std::string& data) {
  return JoinPath(JoinPath(data, kSchemaGroup), "shard-0");
}

}  // namespace

bool NamesItsGroup(std::string_view path) {
  const std::string_view name = BaseName(path);
  Epoch epoch;
  return name == kGroupIdentityFile || name == kSegmentIdentityFile ||
         ParseManifestFileName(name, epoch);
}

Result<std::string> WithGroupId(std::string_view path, std::string_view bytes,
                                std::string_view group, GroupId id) {
  const std::string_view name = BaseName(path);
  if (name == kGroupIdentityFile) {
    ASSIGN_OR_RETURN(GroupIdentity identity, DecodeGroupIdentity(bytes));
    if (identity.name != group) return Corrupt(path, "it is of group " + identity.name);
    identity.id = id;
    return EncodeGroupIdentity(identity);
  }
  if (name == kSegmentIdentityFile) {
    ASSIGN_OR_RETURN(SegmentIdentity identity, DecodeSegmentIdentity(bytes));
    identity.group = id;
    return EncodeSegmentIdentity(identity);
  }
  ASSIGN_OR_RETURN(Manifest manifest, DecodeManifest(bytes));
  manifest.group = id;
  return EncodeManifest(manifest);
}

Result<VerifiedTree> VerifyGroupTree(FileSystem& fs, const std::string& data,
                                     const StagedGroup& group, std::stop_token stop) {
  return GroupVerifier(fs, JoinPath(data, group.name), group, std::move(stop)).Run();
}

GroupStore::Recorded HighestRecorded(FileSystem& fs, const std::string& directory) {
  GroupStore::Recorded highest;
  const auto entries = fs.List(directory);
  if (!entries.has_value()) return highest;
  for (const DirectoryEntry& entry : *entries) {
    if (!entry.is_directory) continue;
    const std::string path = JoinPath(directory, entry.name);
    GroupStore::Recorded below;
    if (entry.name.starts_with(kShardPrefix)) {
      const Result<ManifestReading> reading = ReadNewestManifest(fs, path);
      if (reading.has_value() && reading->found) {
        below = {reading->manifest.flushed, reading->manifest.scn};
      }
    } else {
      below = HighestRecorded(fs, path);
    }
    highest.position = std::max(highest.position, below.position);
    highest.scn = std::max(highest.scn, below.scn);
  }
  return highest;
}

Result<StoredSchema> ReadSchemaTree(FileSystem& fs, const std::string& data, MemoryLedger& ledger) {
  const std::string shard = SchemaShard(data);
  ASSIGN_OR_RETURN(const ManifestReading reading, ReadNewestManifest(fs, shard));
  if (reading.hole) return *reading.hole;
  if (!reading.found) return Corrupt(shard, "it has no manifest");
  if (!reading.manifest.damaged.empty()) return Corrupt(shard, "files of it were set aside");
  Snapshot snapshot;
  for (const PartInfo& info : reading.manifest.parts) {
    const std::string path = JoinPath(shard, PartFileName(info.number));
    auto part = Part::Open(fs, path, &info, FileClass::kBackup);
    if (!part.has_value()) return NamedButUnreadable(std::move(part).error());
    snapshot.parts.push_back({*std::move(part), nullptr});
  }
  for (const IndexRunInfo& info : reading.manifest.runs) {
    const std::string path = JoinPath(shard, IndexRunFileName(info.number));
    auto run = IndexRun::Open(fs, path, &info, FileClass::kBackup);
    if (!run.has_value()) return NamedButUnreadable(std::move(run).error());
    snapshot.runs.push_back({*std::move(run), nullptr});
  }
  return ReadStoredSchema(snapshot, ledger);
}

Result<> RaiseSchemaNumbers(FileSystem& fs, RandomSource& random, const std::string& data,
                            const std::string& other) {
  const std::string shard = SchemaShard(data);
  const Result<ManifestReading> given = ReadNewestManifest(fs, SchemaShard(other));
  if (!given.has_value() || !given->found) return Ok();
  ASSIGN_OR_RETURN(ManifestReading reading, ReadNewestManifest(fs, shard));
  if (!reading.found || reading.hole) return Corrupt(shard, "it has no manifest");
  Manifest next = std::move(reading.manifest);
  next.epoch = std::max(next.epoch, given->manifest.epoch).Next();
  next.next_file = std::max(next.next_file, given->manifest.next_file);
  return WriteManifest(fs, random, shard, next);
}

Result<> SyncTree(FileSystem& fs, const std::string& directory) {
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, fs.List(directory));
  for (const DirectoryEntry& entry : entries) {
    if (entry.is_directory) RETURN_IF_ERROR(SyncTree(fs, JoinPath(directory, entry.name)));
  }
  return fs.SyncDirectory(directory);
}

}  // namespace ficus
