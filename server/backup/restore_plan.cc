#include "server/backup/restore_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "engine/base/memory_ledger.h"
#include "engine/database/restore_tree.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"
#include "engine/model/names.h"
#include "engine/schema/own_objects.h"
#include "engine/schema/schema_codec.h"
#include "engine/segment/group_store.h"
#include "engine/segment/identity.h"
#include "engine/segment/segment_bounds.h"
#include "engine/snapshot/snapshot_name.h"
#include "server/backup/repository.h"
#include "server/backup/repository_keys.h"
#include "server/backup/restore_download.h"

namespace ficus {
namespace {

constexpr uint64_t kSchemaBytesMax = uint64_t{1} << 30;

std::string DataFolder(Catalog catalog) { return JoinPath(CatalogName(catalog), "data"); }

std::optional<Catalog> CatalogOfFolder(std::string_view folder) {
  if (folder == kSchemaSnapshotFolder) return Catalog::kProperty;
  return CatalogFromName(folder);
}

std::string GroupOf(std::string_view path) { return std::string(path.substr(0, path.find('/'))); }

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Where the bytes come from: a backup of ours with its records, or files alone.
struct Source {
  BackupManifest manifest;
  bool verified = false;
  HashCheck check = HashCheck::kRequired;
};

class Planner {
 public:
  Planner(const RestoreParts& parts, const RestoreRequest& request, std::stop_token stop)
      : parts_(parts), request_(request), stop_(std::move(stop)) {}

  Result<RestorePlan> Run();

 private:
  Result<> FindSource();
  Result<> FindForeign();
  Result<CommitRecord> ChooseCommit(const BackupEntry& entry) const;
  Result<> CheckSelection() const;
  bool IsWanted(Catalog catalog, std::string_view folder, std::string_view group) const;
  Result<> SelectFiles();
  void SelectGroups();
  Result<> ReadSchema();
  Result<> CheckGroups();
  void CountExpired();
  Result<> LookAtRoot();

  const RestoreParts& parts_;
  const RestoreRequest& request_;
  const std::stop_token stop_;
  Source source_;
  StoredSchema schema_;
  RestorePlan plan_;
};

Result<RestorePlan> Planner::Run() {
  if (!IsTimedirName(request_.timedir)) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("\"{}\" is no time directory (YYYY-MM-DD or YYYY-MM-DD-HH)", request_.timedir)};
  }
  RETURN_IF_ERROR(FindSource());
  const BackupManifest& manifest = source_.manifest;
  if (manifest.objects.empty()) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("the backup in {} holds no file", request_.timedir)};
  }
  if (request_.selection.whole_node() && !manifest.whole_node) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("the backup in {} is not of the whole node: name catalogs or groups",
                             request_.timedir)};
  }
  plan_.timedir = manifest.timedir;
  plan_.generation = manifest.generation;
  plan_.run = manifest.run;
  plan_.node_id = manifest.node_id;
  plan_.position = manifest.position;
  plan_.scn = manifest.scn;
  plan_.taken_at = manifest.taken_at;
  plan_.whole_node = request_.selection.whole_node();
  plan_.verified = source_.verified;
  plan_.missing = manifest.missing;
  RETURN_IF_ERROR(CheckSelection());
  RETURN_IF_ERROR(SelectFiles());
  SelectGroups();
  RETURN_IF_ERROR(ReadSchema());
  CountExpired();
  RETURN_IF_ERROR(LookAtRoot());
  return std::move(plan_);
}

// --- The backup

Result<> Planner::FindSource() {
  Repository repository(parts_.store);
  Result<BackupEntry> entry = repository.Find(request_.timedir, stop_);
  if (!entry.has_value() && entry.error().code == ErrorCode::kNotFound) {
    if (request_.foreign) return FindForeign();
    return Error{ErrorCode::kNotFound, fmt::format("no backup in {} of {}: nothing was changed",
                                                   request_.timedir, parts_.store.url())};
  }
  if (!entry.has_value()) return std::move(entry).error();
  ASSIGN_OR_RETURN(const CommitRecord commit, ChooseCommit(*entry));
  ASSIGN_OR_RETURN(source_.manifest, repository.LoadManifest(commit, stop_));
  const bool counts = entry->commit.has_value() && *entry->commit == commit;
  source_.verified = counts && entry->verified();
  const bool degraded = commit.degraded || !source_.manifest.missing.empty();
  if (degraded && !request_.allow_degraded) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("the backup in {} is degraded: {} ... Say --allow-degraded to restore "
                             "what there is",
                             request_.timedir,
                             source_.manifest.missing.empty() ? "files are missing"
                                                              : source_.manifest.missing.front())};
  }
  return Ok();
}

Result<CommitRecord> Planner::ChooseCommit(const BackupEntry& entry) const {
  if (entry.state == BackupState::kUnfinished) {
    return Error{
        ErrorCode::kFailedPrecondition,
        fmt::format("the backup in {} is unfinished: it has no commit record", request_.timedir)};
  }
  if (entry.state == BackupState::kExpired) {
    return Error{
        ErrorCode::kNotFound,
        fmt::format("the backup in {} has expired and is being removed", request_.timedir)};
  }
  const bool counts = entry.commit.has_value() && (!request_.generation.has_value() ||
                                                   entry.commit->generation == request_.generation);
  if (entry.state == BackupState::kDamaged && (counts || !entry.commit.has_value())) {
    return Error{ErrorCode::kCorruption,
                 fmt::format("the backup in {} is damaged: {}", request_.timedir, entry.problem)};
  }
  if (counts) return *entry.commit;
  for (const CommitRecord& commit : entry.other_commits) {
    if (commit.generation == request_.generation) return commit;
  }
  return Error{ErrorCode::kNotFound,
               fmt::format("the backup in {} has no generation {}", request_.timedir,
                           request_.generation.value_or(0))};
}

// Files alone say nothing about their hashes, nor whether all of them are there; manifests of
// shards and checksums of sections do, once they are staged.
Result<> Planner::FindForeign() {
  Repository repository(parts_.store);
  ASSIGN_OR_RETURN(const std::vector<ForeignObject> objects,
                   repository.ForeignObjects(request_.timedir, stop_));
  BackupManifest& manifest = source_.manifest;
  manifest.run = "foreign";
  manifest.timedir = request_.timedir;
  manifest.generation = 0;
  source_.check = HashCheck::kLengthOnly;
  std::map<std::string, BackupCatalog> catalogs;
  for (const ForeignObject& foreign : objects) {
    const std::optional<Catalog> catalog = CatalogOfFolder(foreign.folder);
    if (!catalog.has_value()) continue;
    BackupObject object;
    object.folder = foreign.folder;
    object.path = foreign.path;
    object.key = foreign.key;
    object.size_bytes = foreign.size_bytes;
    BackupCatalog& backed_up = catalogs[foreign.folder];
    backed_up.folder = foreign.folder;
    backed_up.catalog = *catalog;
    const std::string group = GroupOf(foreign.path);
    if (foreign.path == JoinPath(group, kGroupIdentityFile)) {
      const Result<std::string> bytes =
          GetText(parts_.store, foreign.key, kIdentityBytesMax, stop_);
      if (!bytes.has_value()) return bytes.error();
      const Result<GroupIdentity> identity = DecodeGroupIdentity(*bytes);
      if (!identity.has_value()) return identity.error().With(foreign.key);
      backed_up.groups.push_back({group, identity->id});
    }
    manifest.objects.push_back(std::move(object));
  }
  for (auto& [folder, catalog] : catalogs) manifest.catalogs.push_back(std::move(catalog));
  for (const BackupObject& object : manifest.objects) {
    const auto catalog =
        std::find_if(manifest.catalogs.begin(), manifest.catalogs.end(),
                     [&](const auto& candidate) { return candidate.folder == object.folder; });
    const std::string group = GroupOf(object.path);
    const bool ours = std::any_of(catalog->groups.begin(), catalog->groups.end(),
                                  [&](const auto& candidate) { return candidate.name == group; });
    if (ours) continue;
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{} is a file of another program: {} of {} holds no identity of a "
                             "group. BanyanDB's own files cannot be read",
                             object.key, group, request_.timedir)};
  }
  return Ok();
}

// --- The selection

Result<> Planner::CheckSelection() const {
  const std::vector<BackupCatalog>& catalogs = source_.manifest.catalogs;
  for (const std::string& folder : request_.selection.catalogs) {
    const bool holds =
        std::any_of(catalogs.begin(), catalogs.end(),
                    [&](const BackupCatalog& catalog) { return catalog.folder == folder; });
    if (!holds || folder == kSchemaSnapshotFolder) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("the backup in {} holds no catalog {}", request_.timedir, folder)};
    }
  }
  for (const std::string& name : request_.selection.groups) {
    const bool holds = std::any_of(catalogs.begin(), catalogs.end(), [&](const auto& catalog) {
      return std::any_of(catalog.groups.begin(), catalog.groups.end(),
                         [&](const BackupGroup& group) { return group.name == name; });
    });
    const bool own = name == kSchemaGroup || name == kDeletionTaskGroup;
    if (!holds || own) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("the backup in {} holds no group {}", request_.timedir, name)};
    }
  }
  return Ok();
}

bool Planner::IsWanted(Catalog catalog, std::string_view folder, std::string_view group) const {
  const RestoreSelection& selection = request_.selection;
  if (selection.whole_node()) return true;
  // What is the node's own is part of the whole node only.
  if (group == kSchemaGroup || group == kDeletionTaskGroup) return false;
  return Contains(selection.groups, group) ||
         (folder != kSchemaSnapshotFolder && Contains(selection.catalogs, CatalogName(catalog)));
}

Result<> Planner::SelectFiles() {
  for (const BackupObject& object : source_.manifest.objects) {
    const std::optional<Catalog> catalog = CatalogOfFolder(object.folder);
    if (!catalog.has_value()) {
      return Error{ErrorCode::kUnsupportedVersion,
                   fmt::format("{}: catalog {} is not known", object.key, object.folder)};
    }
    PlannedRestoreFile file;
    file.object = object;
    file.catalog = *catalog;
    file.group = GroupOf(object.path);
    file.path = JoinPath(DataFolder(*catalog), object.path);
    file.check = source_.check;
    RETURN_IF_ERROR(CheckRelativePath(file.path));
    if (!IsWanted(*catalog, object.folder, file.group)) continue;
    plan_.bytes += object.size_bytes;
    plan_.files.push_back(std::move(file));
  }
  std::sort(plan_.files.begin(), plan_.files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  plan_.needed_bytes = plan_.bytes + plan_.bytes / 100 + kRestoreMarginBytes;
  return Ok();
}

void Planner::SelectGroups() {
  for (const BackupCatalog& catalog : source_.manifest.catalogs) {
    const bool whole = Contains(request_.selection.catalogs, catalog.folder);
    if (whole) plan_.whole_catalogs.push_back(catalog.catalog);
    for (const BackupGroup& group : catalog.groups) {
      if (group.name == kSchemaGroup) continue;
      if (!IsWanted(catalog.catalog, catalog.folder, group.name)) continue;
      PlannedGroup planned;
      planned.catalog = catalog.catalog;
      planned.name = group.name;
      planned.backup_id = group.id;
      plan_.groups.push_back(std::move(planned));
    }
  }
  std::sort(plan_.groups.begin(), plan_.groups.end(), [](const auto& a, const auto& b) {
    return std::pair(a.catalog, a.name) < std::pair(b.catalog, b.name);
  });
  for (const PlannedRestoreFile& file : plan_.files) {
    for (PlannedGroup& group : plan_.groups) {
      if (group.catalog != file.catalog || group.name != file.group) continue;
      ++group.files;
      group.bytes += file.object.size_bytes;
    }
  }
}

// --- The schema of the backup, read from a copy in memory

Result<> Planner::ReadSchema() {
  const std::unique_ptr<MemoryFileSystem> memory = MemoryFileSystem::Create();
  uint64_t bytes = 0;
  bool found = false;
  for (const BackupObject& object : source_.manifest.objects) {
    if (object.folder != kSchemaSnapshotFolder) continue;
    bytes += object.size_bytes;
    if (bytes > kSchemaBytesMax) {
      return Error{ErrorCode::kResourceExhausted, "the schema of the backup is too large"};
    }
    const std::string path = JoinPath(DataFolder(Catalog::kProperty), object.path);
    RETURN_IF_ERROR(CheckRelativePath(path));
    ASSIGN_OR_RETURN(const std::string text,
                     FetchObject(parts_.store, object, source_.check, kSchemaBytesMax, stop_));
    RETURN_IF_ERROR(CreateDirectories(*memory, ParentPath(path)));
    RETURN_IF_ERROR(PublishFile(*memory, parts_.random, path, text, FileClass::kBackup));
    found = true;
  }
  if (!found) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("the backup in {} holds no schema", request_.timedir)};
  }
  MemoryLedger ledger(2 * kSchemaBytesMax);
  Result<StoredSchema> schema = ReadSchemaTree(*memory, DataFolder(Catalog::kProperty), ledger);
  if (!schema.has_value()) return std::move(schema).error().With("schema of the backup");
  schema_ = *std::move(schema);
  for (const SchemaObject& object : schema_.objects) {
    const std::string& group =
        object.key.kind == SchemaKind::kGroup ? object.key.name : object.key.group;
    const bool wanted = !plan_.whole_node &&
                        std::any_of(plan_.groups.begin(), plan_.groups.end(),
                                    [&](const auto& planned) { return planned.name == group; });
    if (wanted) plan_.objects.push_back(object);
  }
  return CheckGroups();
}

// Files and schema of a backup are of one moment.
Result<> Planner::CheckGroups() {
  for (PlannedGroup& group : plan_.groups) {
    const auto object = std::find_if(
        schema_.objects.begin(), schema_.objects.end(), [&](const SchemaObject& candidate) {
          return candidate.key.kind == SchemaKind::kGroup && candidate.key.name == group.name;
        });
    if (object == schema_.objects.end() || object->group_id != group.backup_id ||
        object->group().catalog != group.catalog) {
      return Error{ErrorCode::kCorruption,
                   fmt::format("group {} with id {} is not in the schema of the backup in {}",
                               group.name, Hex16(group.backup_id), request_.timedir)};
    }
    if (object->group().resources.has_value()) {
      group.shard_count = object->group().resources->shard_count;
    }
  }
  return Ok();
}

void Planner::CountExpired() {
  std::map<std::string, int64_t> ttl_nanos;
  std::map<std::string, int64_t> segment_nanos;
  for (const SchemaObject& object : schema_.objects) {
    if (object.key.kind != SchemaKind::kGroup || !object.group().resources.has_value()) continue;
    const ResourceOptions& resources = *object.group().resources;
    if (resources.ttl.has_value()) ttl_nanos[object.key.name] = resources.ttl->nanos();
    if (resources.segment_interval.has_value()) {
      segment_nanos[object.key.name] = resources.segment_interval->nanos();
    }
  }
  const UnixNanos now = parts_.clock.Now();
  std::set<std::pair<std::string, UnixNanos>> counted;
  for (const PlannedRestoreFile& file : plan_.files) {
    const auto ttl = ttl_nanos.find(file.group);
    if (ttl == ttl_nanos.end() || ttl->second <= 0) continue;
    std::string_view rest = std::string_view(file.object.path).substr(file.group.size());
    if (rest.empty()) continue;
    rest.remove_prefix(1);
    UnixNanos begin = 0;
    if (!ParseSegmentDirectoryName(rest.substr(0, rest.find('/')), begin)) continue;
    UnixNanos end = 0;
    if (__builtin_add_overflow(begin, segment_nanos[file.group], &end)) continue;
    if (end > now - ttl->second) continue;
    for (PlannedGroup& group : plan_.groups) {
      if (group.name != file.group || group.catalog != file.catalog) continue;
      group.expired_bytes += file.object.size_bytes;
      if (counted.insert({file.group, begin}).second) ++group.expired_segments;
    }
  }
}

// --- The node

Result<> Planner::LookAtRoot() {
  ASSIGN_OR_RETURN(const SpaceStatus space, parts_.fs.Space());
  plan_.free_bytes = space.free_bytes;
  for (const Catalog catalog :
       {Catalog::kMeasure, Catalog::kProperty, Catalog::kStream, Catalog::kTrace}) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names,
                     ListGroupDirectories(parts_.fs, catalog));
    const auto& whole = plan_.whole_catalogs;
    const bool goes =
        plan_.whole_node || std::find(whole.begin(), whole.end(), catalog) != whole.end();
    for (const std::string& name : names) {
      if (name == kSchemaGroup || name == kDeletionTaskGroup) continue;
      bool is_restored = false;
      for (PlannedGroup& group : plan_.groups) {
        if (group.name != name) continue;
        group.is_replaced = true;
        is_restored = true;
      }
      if (goes && !is_restored) {
        plan_.removed.push_back(JoinPath(CatalogName(catalog), name));
      }
    }
  }
  return Ok();
}

}  // namespace

Result<RestorePlan> PlanRestore(const RestoreParts& parts, const RestoreRequest& request,
                                std::stop_token stop) {
  return Planner(parts, request, std::move(stop)).Run();
}

Result<> CheckSpace(const RestorePlan& plan, uint64_t staged_bytes) {
  const uint64_t needed = plan.needed_bytes - std::min(plan.needed_bytes, staged_bytes);
  if (needed <= plan.free_bytes) return Ok();
  return Error{ErrorCode::kNoSpace,
               fmt::format("the restore needs {} bytes below the root and {} are free: make room "
                           "for {} more",
                           needed, plan.free_bytes, needed - plan.free_bytes)};
}

}  // namespace ficus
