#include "server/backup/database_snapshot_source.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/snapshot/snapshot_contents.h"
#include "engine/snapshot/snapshot_name.h"

namespace ficus {
namespace {

constexpr std::string_view kHolder = "backup";

bool Matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty() || pattern.back() != '*') return pattern == name;
  pattern.remove_suffix(1);
  return name.substr(0, pattern.size()) == pattern;
}

// Filled by the database's job, which may come after the caller has gone.
struct Answer {
  Mutex mutex;
  CondVar came;
  std::optional<Result<SnapshotContents>> contents GUARDED_BY(mutex);
  Result<SnapshotHold> hold GUARDED_BY(mutex) = Error{ErrorCode::kUnavailable, "not taken"};
};

class DatabaseSnapshot final : public HeldSnapshot {
 public:
  DatabaseSnapshot(Database& database, FileSystem& fs, SnapshotContents contents, SnapshotHold hold)
      : database_(database), fs_(fs), contents_(std::move(contents)), hold_(std::move(hold)) {}

  ~DatabaseSnapshot() override {
    hold_.Release();
    if (!discarded_) return;
    const auto deleted = database_.DeleteSnapshot(contents_.id);
    if (deleted || deleted.error().code == ErrorCode::kNotFound) return;
    LogWarn("backup.snapshot_kept", "{}: {}", contents_.id, deleted.error().message);
  }

  const SnapshotContents& contents() const override { return contents_; }

  Result<std::unique_ptr<File>> Open(const CatalogSnapshot& catalog,
                                     const SnapshotFile& file) override {
    return fs_.Open(JoinPath(SnapshotFolder(catalog), file.path),
                    {.file_class = FileClass::kBackup, .mode = OpenMode::kRead});
  }

  void Discard() override { discarded_ = true; }

 private:
  Database& database_;
  FileSystem& fs_;
  const SnapshotContents contents_;
  SnapshotHold hold_;
  std::atomic<bool> discarded_{false};
};

Error Unmatched(std::string_view what, const std::string& name) {
  return {ErrorCode::kNotFound, std::string(what) + " '" + name + "' matches nothing to back up"};
}

}  // namespace

Result<SnapshotRequest> ResolveScope(const SnapshotScope& scope, const SchemaSnapshot& schema) {
  SnapshotRequest request;
  if (scope.groups.empty() && scope.catalogs.empty()) return request;
  for (const std::string& folder : scope.catalogs) {
    const auto last = std::end(kSnapshotFolders);
    if (std::find(std::begin(kSnapshotFolders), last, folder) == last) {
      return Unmatched("catalog", folder);
    }
  }
  const auto is_asked_for = [&](Catalog catalog) {
    return scope.catalogs.empty() ||
           std::find(scope.catalogs.begin(), scope.catalogs.end(),
                     SnapshotCatalogFolder(catalog)) != scope.catalogs.end();
  };
  if (scope.groups.empty()) {
    for (const Catalog catalog :
         {Catalog::kProperty, Catalog::kMeasure, Catalog::kStream, Catalog::kTrace}) {
      if (is_asked_for(catalog)) request.items.push_back({catalog, {}});
    }
  }
  for (const std::string& pattern : scope.groups) {
    const size_t before = request.items.size();
    for (const SchemaObject* object : schema.Groups()) {
      const Catalog catalog = object->group().catalog;
      if (!Matches(pattern, object->key.name) || !is_asked_for(catalog)) continue;
      request.items.push_back({catalog, object->key.name});
    }
    if (request.items.size() == before) return Unmatched("group", pattern);
  }
  // No items would mean everything.
  if (request.items.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "the schemas are part of every backup: name another catalog beside them"};
  }
  return request;
}

Result<std::unique_ptr<HeldSnapshot>> DatabaseSnapshotSource::Take(const SnapshotScope& scope,
                                                                   std::stop_token stop) {
  ASSIGN_OR_RETURN(SnapshotRequest request, ResolveScope(scope, *database_.Schema()));
  const auto answer = std::make_shared<Answer>();
  database_.TakeSnapshot(
      std::move(request), [&database = database_, answer](Result<SnapshotContents> contents) {
        MutexLock lock(answer->mutex);
        // Here and now: afterwards younger ones may crowd it out.
        if (contents) answer->hold = database.HoldSnapshot(contents->id, std::string(kHolder));
        answer->contents = std::move(contents);
        answer->came.NotifyAll();
      });
  MutexLock lock(answer->mutex);
  while (!answer->contents) {
    if (stop.stop_requested()) {
      return Error{ErrorCode::kCancelled, "cancelled while the snapshot was taken"};
    }
    answer->came.WaitFor(lock, std::chrono::milliseconds(100));
  }
  if (!*answer->contents) return std::move(*answer->contents).error().With("take a snapshot");
  if (!answer->hold) return std::move(answer->hold).error();
  return std::unique_ptr<HeldSnapshot>(std::make_unique<DatabaseSnapshot>(
      database_, fs_, **std::move(answer->contents), *std::move(answer->hold)));
}

Result<std::unique_ptr<HeldSnapshot>> DatabaseSnapshotSource::Hold(std::string_view id) {
  ASSIGN_OR_RETURN(SnapshotHold hold, database_.HoldSnapshot(id, std::string(kHolder)));
  ASSIGN_OR_RETURN(SnapshotContents contents, database_.ReadSnapshot(id));
  return std::unique_ptr<HeldSnapshot>(
      std::make_unique<DatabaseSnapshot>(database_, fs_, std::move(contents), std::move(hold)));
}

}  // namespace ficus
