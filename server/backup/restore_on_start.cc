#include "server/backup/restore_on_start.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "engine/database/restore_moves.h"
#include "engine/io/publish.h"
#include "engine/snapshot/snapshot_name.h"
#include "server/backup/repository.h"
#include "server/backup/time_marker.h"

namespace ficus {
namespace {

// The folders that hold something in the backup of `timedir`.
Result<std::vector<std::string>> FoldersOf(const RestoreParts& parts, const std::string& timedir,
                                           const std::stop_token& stop) {
  const Repository repository(parts.store);
  ASSIGN_OR_RETURN(const BackupEntry entry, repository.Find(timedir, stop));
  std::vector<std::string> folders;
  // PlanRestore says what is wrong with a backup without a commit.
  if (!entry.commit.has_value()) return folders;
  ASSIGN_OR_RETURN(const BackupManifest manifest, repository.LoadManifest(*entry.commit, stop));
  for (const BackupCatalog& catalog : manifest.catalogs) {
    if (!catalog.groups.empty()) folders.push_back(catalog.folder);
  }
  return folders;
}

Result<RestoreRequest> RequestOf(const RestoreParts& parts, const MarkedRestore& marked,
                                 const std::stop_token& stop) {
  RestoreRequest request;
  request.timedir = marked.timedir;
  request.markers = marked.files;
  ASSIGN_OR_RETURN(const std::vector<std::string> folders, FoldersOf(parts, marked.timedir, stop));
  const auto is_marked = [&](const std::string& folder) {
    return std::find(marked.folders.begin(), marked.folders.end(), folder) != marked.folders.end();
  };
  if (std::all_of(folders.begin(), folders.end(), is_marked)) return request;
  // Some catalogs: their schema comes along, that of the others stays.
  std::copy_if(folders.begin(), folders.end(), std::back_inserter(request.selection.catalogs),
               [&](const std::string& folder) {
                 return folder != kSchemaSnapshotFolder && is_marked(folder);
               });
  if (!request.selection.catalogs.empty()) return request;
  return Error{
      ErrorCode::kFailedPrecondition,
      fmt::format("the markers for {} name no catalog that its backup holds", marked.timedir)};
}

void FailMarkers(FileSystem& fs, const std::vector<std::string>& markers) {
  for (const std::string& marker : markers) {
    Result<> renamed = fs.Rename(marker, marker + ".failed");
    if (renamed.has_value()) renamed = fs.SyncDirectory(ParentPath(marker));
    if (!renamed.has_value()) {
      LogWarn("restore.marker", "{} stays: {}", marker, renamed.error().ToString());
    }
  }
}

// Every file that may be a marker, whatever it says.
Result<std::vector<std::string>> ListMarkers(FileSystem& fs) {
  std::vector<std::string> files;
  for (const std::string_view folder : kSnapshotFolders) {
    for (const TimedirForm form : {TimedirForm::kReleased, TimedirForm::kSeed}) {
      std::string file = TimeMarkerPath(form, folder);
      ASSIGN_OR_RETURN(const bool exists, PathExists(fs, file));
      if (exists) files.push_back(std::move(file));
    }
  }
  return files;
}

Result<std::optional<RestoreOutcome>> StageMarked(const RestoreParts& parts,
                                                  const RestoreOnStart& wanted,
                                                  const std::stop_token& stop) {
  const auto stage = [&]() -> Result<std::optional<RestoreOutcome>> {
    ASSIGN_OR_RETURN(const std::optional<MarkedRestore> marked, ReadMarkers(parts.fs));
    if (!marked.has_value()) return std::optional<RestoreOutcome>();
    RestoreRunOptions options;
    ASSIGN_OR_RETURN(options.request, RequestOf(parts, *marked, stop));
    options.concurrency = wanted.concurrency;
    options.progress = wanted.progress;
    ASSIGN_OR_RETURN(RestoreOutcome outcome, RunRestore(parts, options, stop));
    return std::optional<RestoreOutcome>(std::move(outcome));
  };
  Result<std::optional<RestoreOutcome>> staged = stage();
  if (staged.has_value() || stop.stop_requested()) return staged;
  LogError("restore.marker", "the node starts as it is, the markers are renamed: {}",
           staged.error().ToString());
  ASSIGN_OR_RETURN(const std::vector<std::string> files, ListMarkers(parts.fs));
  FailMarkers(parts.fs, files);
  return std::optional<RestoreOutcome>();
}

// Time directories in the order in which they are tried.
Result<std::vector<std::string>> Candidates(const RestoreParts& parts,
                                            const std::stop_token& stop) {
  ASSIGN_OR_RETURN(RepositoryListing listing, Repository(parts.store).List(stop));
  if (!listing.unread.empty()) {
    const UnreadRecord& record = listing.unread.front();
    return record.error.With("read " + record.key);
  }
  std::vector<BackupEntry>& backups = listing.backups;
  std::erase_if(backups, [](const BackupEntry& entry) {
    return entry.state != BackupState::kCommitted || !entry.commit.has_value();
  });
  std::sort(backups.begin(), backups.end(), [](const BackupEntry& a, const BackupEntry& b) {
    return std::pair(a.verified(), a.commit->taken_at) >
           std::pair(b.verified(), b.commit->taken_at);
  });
  std::vector<std::string> timedirs;
  for (const BackupEntry& entry : backups) {
    ASSIGN_OR_RETURN(const BackupManifest manifest,
                     Repository(parts.store).LoadManifest(*entry.commit, stop));
    if (manifest.whole_node) timedirs.push_back(entry.timedir);
  }
  return timedirs;
}

bool IsAnyOf(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Result<std::optional<RestoreOutcome>> StageIfEmpty(const RestoreParts& parts,
                                                   const RestoreOnStart& wanted,
                                                   const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const bool is_empty, IsEmptyRoot(parts.fs));
  if (!is_empty) return std::optional<RestoreOutcome>();
  ASSIGN_OR_RETURN(const std::vector<std::string> timedirs, Candidates(parts, stop));
  if (timedirs.empty()) {
    LogInfo("restore.none", "{} holds no backup of a node: the node starts empty",
            parts.store.url());
    return std::optional<RestoreOutcome>();
  }
  RestoreRunOptions options;
  options.request.timedir = timedirs.front();
  ASSIGN_OR_RETURN(const std::optional<RestoreJournal> begun, ReadRestoreJournal(parts.fs));
  if (begun.has_value() && IsAnyOf(timedirs, begun->timedir)) {
    options.request.timedir = begun->timedir;
  }
  options.concurrency = wanted.concurrency;
  options.progress = wanted.progress;
  ASSIGN_OR_RETURN(RestoreOutcome outcome, RunRestore(parts, options, stop));
  return std::optional<RestoreOutcome>(std::move(outcome));
}

}  // namespace

Result<std::optional<MarkedRestore>> ReadMarkers(FileSystem& fs) {
  MarkedRestore marked;
  std::string first;
  for (const std::string_view folder : kSnapshotFolders) {
    ASSIGN_OR_RETURN(const std::optional<TimeMarker> marker, ReadTimeMarker(fs, folder));
    if (!marker.has_value()) continue;
    if (marked.folders.empty()) {
      marked.timedir = marker->timedir;
      first = marker->path;
    }
    if (marker->timedir != marked.timedir) {
      return Error{ErrorCode::kFailedPrecondition,
                   fmt::format("markers disagree: {} says {}, {} says {}", first, marked.timedir,
                               marker->path, marker->timedir)};
    }
    marked.folders.emplace_back(folder);
  }
  if (marked.folders.empty()) return std::optional<MarkedRestore>();
  ASSIGN_OR_RETURN(marked.files, ListMarkers(fs));
  return std::optional<MarkedRestore>(std::move(marked));
}

Result<RestoreRequest> RequestOfMarkers(const RestoreParts& parts, std::stop_token stop) {
  ASSIGN_OR_RETURN(const std::optional<MarkedRestore> marked, ReadMarkers(parts.fs));
  if (!marked.has_value()) return Error{ErrorCode::kNotFound, "there is no marker below the root"};
  return RequestOf(parts, *marked, stop);
}

Result<bool> IsEmptyRoot(FileSystem& fs) {
  ASSIGN_OR_RETURN(const std::vector<std::string> replaced, ListReplaced(fs));
  return replaced.empty();
}

Result<std::optional<RestoreOutcome>> StageRestoreOnStart(const RestoreParts& parts,
                                                          const RestoreOnStart& wanted,
                                                          std::stop_token stop) {
  if (wanted.policy == RestorePolicy::kNever) return std::optional<RestoreOutcome>();
  ASSIGN_OR_RETURN(const std::optional<RestoreJournal> journal, ReadRestoreJournal(parts.fs));
  if (journal.has_value() && IsOpen(journal->state)) return std::optional<RestoreOutcome>();
  if (wanted.policy == RestorePolicy::kMarkers) return StageMarked(parts, wanted, stop);
  return StageIfEmpty(parts, wanted, stop);
}

}  // namespace ficus
