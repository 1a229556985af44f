#include "engine/snapshot/snapshot_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "engine/io/publish.h"
#include "engine/snapshot/snapshot_name.h"

namespace ficus {
namespace {

SnapshotSummary SummaryOf(SnapshotContents contents) {
  SnapshotSummary summary;
  summary.id = std::move(contents.id);
  summary.position = contents.position;
  summary.scn = contents.scn;
  summary.taken_at = contents.taken_at;
  summary.whole_node = contents.whole_node;
  for (CatalogSnapshot& catalog : contents.catalogs) {
    summary.files += catalog.files.size();
    for (const SnapshotFile& file : catalog.files) summary.bytes += file.size_bytes;
    catalog.files.clear();
  }
  summary.catalogs = std::move(contents.catalogs);
  return summary;
}

// Names in a directory; none when there is no such directory.
Result<std::vector<DirectoryEntry>> ListIfThere(FileSystem& fs, std::string_view directory) {
  Result<std::vector<DirectoryEntry>> entries = fs.List(directory);
  if (!entries.has_value() && entries.error().code == ErrorCode::kNotFound) {
    return std::vector<DirectoryEntry>();
  }
  return entries;
}

}  // namespace

Result<std::vector<std::string>> SnapshotStore::Ids() {
  ASSIGN_OR_RETURN(const auto entries, ListIfThere(fs_, kSnapshotsDirectory));
  std::vector<std::string> ids;
  for (const DirectoryEntry& entry : entries) {
    std::string id;
    if (!entry.is_directory && ParseSnapshotContentsName(entry.name, id)) {
      ids.push_back(std::move(id));
    }
  }
  std::sort(ids.rbegin(), ids.rend());
  return ids;
}

Result<size_t> SnapshotStore::Count() {
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, Ids());
  return ids.size();
}

Result<std::vector<SnapshotSummary>> SnapshotStore::List() {
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, Ids());
  std::vector<SnapshotSummary> summaries;
  for (const std::string& id : ids) {
    Result<SnapshotContents> contents = Read(id);
    if (contents.has_value()) {
      summaries.push_back(SummaryOf(*std::move(contents)));
    } else if (contents.error().code != ErrorCode::kNotFound) {
      SnapshotSummary damaged;
      damaged.id = id;
      damaged.damage = contents.error().ToString();
      summaries.push_back(std::move(damaged));
    }
  }
  return summaries;
}

Result<SnapshotContents> SnapshotStore::Read(std::string_view id) {
  RETURN_IF_ERROR(CheckSnapshotName(id));
  const std::string path = SnapshotContentsPath(id);
  const Result<std::string> bytes =
      ReadWholeFile(fs_, path, kSnapshotContentsBytesMax, FileClass::kSnapshot);
  if (!bytes.has_value() && bytes.error().code == ErrorCode::kNotFound) {
    return Error{ErrorCode::kNotFound, fmt::format("there is no snapshot {}", id)};
  }
  if (!bytes.has_value()) return bytes.error();
  Result<SnapshotContents> contents = DecodeSnapshotContents(*bytes);
  if (!contents.has_value()) return std::move(contents).error().With(path);
  if (contents->id != id) {
    return Error{ErrorCode::kCorruption, fmt::format("{}: it is of {}", path, contents->id)};
  }
  return contents;
}

Result<SnapshotVerification> SnapshotStore::Verify(std::string_view id,
                                                   const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const SnapshotHold hold, Hold(id, "a verification"));
  ASSIGN_OR_RETURN(const SnapshotContents contents, Read(id));
  return VerifySnapshotFiles(fs_, contents, stop);
}

Result<SnapshotHold> SnapshotStore::Hold(std::string_view id, std::string holder) {
  RETURN_IF_ERROR(CheckSnapshotName(id));
  ASSIGN_OR_RETURN(SnapshotHold hold, holds_.Hold(std::string(id), std::move(holder)));
  // Looked for only once it is held: a removal that ended in between has taken it away.
  if (!HasContents(id)) {
    return Error{ErrorCode::kNotFound, fmt::format("there is no snapshot {}", id)};
  }
  return hold;
}

Result<> SnapshotStore::Remove(std::string_view name) {
  RETURN_IF_ERROR(CheckSnapshotName(name));
  const std::string id(name);
  RETURN_IF_ERROR(holds_.BeginRemoval(id));
  const Result<> removed = RemoveListed(id);
  holds_.EndRemoval(id);
  return removed;
}

Result<> SnapshotStore::RemoveListed(const std::string& id) {
  const Result<SnapshotContents> contents = Read(id);
  const bool is_damaged =
      !contents.has_value() && (contents.error().code == ErrorCode::kCorruption ||
                                contents.error().code == ErrorCode::kUnsupportedVersion);
  if (!contents.has_value() && !is_damaged) return contents.error();
  RETURN_IF_ERROR(fs_.Remove(SnapshotContentsPath(id)));
  // From here on it does not exist, after a crash neither.
  RETURN_IF_ERROR(fs_.SyncDirectory(kSnapshotsDirectory, FileClass::kSnapshot));
  if (is_damaged) return Ok();
  for (const CatalogSnapshot& catalog : contents->catalogs) {
    RETURN_IF_ERROR(RemoveTree(fs_, SnapshotTree(catalog.folder, catalog.name)));
  }
  LogInfo("snapshot.removed", "{}", id);
  return Ok();
}

Result<size_t> SnapshotStore::RemoveStale(const SnapshotRetention& retention, UnixNanos now,
                                          std::string_view newest) {
  ASSIGN_OR_RETURN(const std::vector<SnapshotSummary> summaries, List());
  size_t removed = 0;
  for (size_t i = retention.keep; i < summaries.size(); ++i) {
    const SnapshotSummary& summary = summaries[i];
    if (!summary.damage.empty() || summary.id == newest) continue;
    if (now - summary.taken_at < retention.min_age_nanos) continue;
    const Result<> gone = Remove(summary.id);
    if (gone.has_value()) {
      ++removed;
    } else if (gone.error().code != ErrorCode::kFailedPrecondition &&
               gone.error().code != ErrorCode::kUnavailable &&
               gone.error().code != ErrorCode::kNotFound) {
      return gone.error();
    }
  }
  return removed;
}

Result<> SnapshotStore::RemoveUnfinished() {
  ASSIGN_OR_RETURN(const std::vector<SnapshotSummary> summaries, List());
  std::set<std::string> named;
  for (const SnapshotSummary& summary : summaries) {
    if (!summary.damage.empty()) {
      LogError("snapshot.damage", "snapshot {} cannot be read, so nothing is cleared away: {}",
               summary.id, summary.damage);
      return Ok();
    }
    for (const CatalogSnapshot& catalog : summary.catalogs) {
      named.insert(SnapshotTree(catalog.folder, catalog.name));
    }
  }
  ASSIGN_OR_RETURN(const auto lists, ListIfThere(fs_, kSnapshotsDirectory));
  for (const DirectoryEntry& entry : lists) {
    if (IsTemporaryName(entry.name)) {
      RemoveTemporary(fs_, JoinPath(kSnapshotsDirectory, entry.name));
    }
  }
  for (const std::string_view folder : kSnapshotFolders) {
    ASSIGN_OR_RETURN(const auto entries,
                     ListIfThere(fs_, fmt::format("{}/{}", folder, kSnapshotsDirectory)));
    for (const DirectoryEntry& entry : entries) {
      const std::string tree = SnapshotTree(folder, entry.name);
      if (!IsSnapshotName(entry.name) || named.contains(tree)) continue;
      RETURN_IF_ERROR(RemoveTree(fs_, tree));
      LogInfo("snapshot.unfinished", "{} was never finished: it is removed", tree);
    }
  }
  return Ok();
}

Result<> SnapshotStore::Publish(const SnapshotContents& contents) {
  const std::string bytes = EncodeSnapshotContents(contents);
  if (bytes.size() > kSnapshotContentsBytesMax) {
    return Error{ErrorCode::kResourceExhausted,
                 fmt::format("the list of snapshot {} would have {} bytes, more than {}",
                             contents.id, bytes.size(), kSnapshotContentsBytesMax)};
  }
  RETURN_IF_ERROR(CreateDirectories(fs_, kSnapshotsDirectory, FileClass::kSnapshot));
  return PublishFile(fs_, random_, SnapshotContentsPath(contents.id), bytes, FileClass::kSnapshot);
}

Result<bool> SnapshotStore::IsFree(std::string_view folder, std::string_view name) {
  const Result<FileStatus> status = fs_.Status(SnapshotTree(folder, name));
  if (status.has_value()) return false;
  if (status.error().code == ErrorCode::kNotFound) return true;
  return status.error();
}

bool SnapshotStore::HasContents(std::string_view id) {
  return fs_.Status(SnapshotContentsPath(id)).has_value();
}

}  // namespace ficus
