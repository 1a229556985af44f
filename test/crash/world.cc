#include "test/crash/world.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include <fmt/core.h>

namespace ficus {
namespace {

// The names that belong in a shard's directory.
Result<std::set<std::string>> NamesOf(FileSystem& fs, const std::string& directory,
                                      const Snapshot& snapshot) {
  std::set<std::string> names;
  for (const SnapshotPart& part : snapshot.parts) {
    names.emplace(BaseName(part.file->name()));
  }
  for (const SnapshotRun& run : snapshot.runs) {
    names.emplace(BaseName(run.file->name()));
  }
  ASSIGN_OR_RETURN(const auto entries, fs.List(directory));
  size_t manifests = 0;
  for (const DirectoryEntry& entry : entries) {
    if (!entry.name.ends_with(".snp")) continue;
    names.insert(entry.name);
    ++manifests;
  }
  // The one before the newest stays beside it.
  if (manifests == 0 || manifests > 2) {
    return Error{ErrorCode::kCorruption, fmt::format("{} has {} manifests", directory, manifests)};
  }
  return names;
}

}  // namespace

std::string World::ToString() const {
  std::string text = fmt::format("group {} ({:x}) measure {} ttl {}:", group,
                                 std::hash<std::string>{}(payload), measure, ttl_days);
  for (const auto& [key, value] : rows) {
    text += fmt::format(" ({} {})={}v{}", key.first, key.second / kNanosPerSecond % 100'000'000,
                        value.second, value.first);
  }
  return text;
}

Result<> ReadTable(const Snapshot& snapshot, const SchemaObject& measure, MemoryLedger& ledger,
                   NodeRows& rows) {
  if (!snapshot.damaged.empty()) {
    return Error{ErrorCode::kCorruption,
                 fmt::format("{}: {}", snapshot.damaged[0].path, snapshot.damaged[0].reason)};
  }
  std::map<SeriesId, int64_t> hosts;
  Result<> decoded;
  RETURN_IF_ERROR(
      snapshot.ScanSeries(measure.subject_id, [&](SeriesId series, std::string_view key) {
        const auto entity = DecodeSeriesKey(key);
        if (!entity.has_value()) decoded = entity.error();
        if (entity.has_value()) hosts[series] = std::get<int64_t>(entity->entity[0]);
        return entity.has_value();
      }));
  RETURN_IF_ERROR(decoded);
  ScanRequest request;
  request.subject = measure.subject_id;
  request.all_series = true;
  const ColumnId column = measure.measure().fields[0].column;
  request.columns = {column};
  ASSIGN_OR_RETURN(const auto cursor, snapshot.Scan(request, ledger));
  RowBatch batch;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, cursor->Next(batch));
    if (!more) return Ok();
    for (size_t row = 0; row < batch.rows(); ++row) {
      const auto host = hosts.find(batch.series[row]);
      if (host == hosts.end()) return Error{ErrorCode::kCorruption, "a row without its series"};
      const std::pair key(host->second, batch.timestamps[row]);
      const std::pair value(batch.versions[row], batch.FindColumn(column)->int64(row));
      if (!rows.emplace(key, value).second) return Error{ErrorCode::kCorruption, "a row twice"};
    }
  }
}

Result<World> ReadWorld(Database& database, MemoryLedger& ledger) {
  if (const auto read_only = database.ReadOnly()) {
    return Error{read_only->code, "the node is read-only: " + read_only->reason};
  }
  if (const uint64_t parked = database.Status().parked_records; parked > 0) {
    return Error{ErrorCode::kCorruption, fmt::format("{} batches are parked", parked)};
  }
  World world;
  const auto schema = database.Schema();
  const SchemaObject* const group = schema->FindGroup(kWorldGroup);
  if (group == nullptr) return world;
  world.group = true;
  world.ttl_days = group->group().resources->ttl->num;
  world.payload = group->payload;
  const SchemaObject* const measure =
      schema->Find(SchemaKind::kMeasure, kWorldGroup, kWorldMeasure);
  if (measure == nullptr) return world;
  world.measure = true;
  const auto store = database.FindGroup(group->group_id);
  if (store == nullptr) return world;
  if (!store->DamagedSegments().empty()) return Error{ErrorCode::kCorruption, "damaged segment"};
  for (const auto& segment : store->Segments(TimeRange::All())) {
    for (const ShardId shard : segment->ExistingShards()) {
      ASSIGN_OR_RETURN(const auto table, segment->Shard(shard));
      RETURN_IF_ERROR(ReadTable(*table->Current(), *measure, ledger, world.rows));
    }
  }
  return world;
}

Result<> CheckFiles(Database& database, FileSystem& fs) {
  const SchemaObject* const group = database.Schema()->FindGroup(kWorldGroup);
  if (group == nullptr) {
    ASSIGN_OR_RETURN(const auto names, ListGroupDirectories(fs, Catalog::kMeasure));
    const bool is_there = std::find(names.begin(), names.end(), kWorldGroup) != names.end();
    if (!is_there) return Ok();
    return Error{ErrorCode::kCorruption, "the directory of a deleted group stays"};
  }
  const auto store = database.FindGroup(group->group_id);
  if (store == nullptr) return Error{ErrorCode::kNotFound, "the group has no directory"};
  for (const auto& segment : store->Segments(TimeRange::All())) {
    for (const ShardId shard : segment->ExistingShards()) {
      const std::string directory = fmt::format("{}/shard-{}", segment->directory(), shard.value());
      ASSIGN_OR_RETURN(const auto table, segment->Shard(shard));
      ASSIGN_OR_RETURN(const auto wanted, NamesOf(fs, directory, *table->Current()));
      ASSIGN_OR_RETURN(const auto entries, fs.List(directory));
      std::set<std::string> found;
      for (const DirectoryEntry& entry : entries) found.insert(entry.name);
      if (found == wanted) continue;
      std::string text = directory + " holds";
      for (const std::string& name : found) text += " " + name;
      text += ", named are";
      for (const std::string& name : wanted) text += " " + name;
      return Error{ErrorCode::kCorruption, text};
    }
  }
  return Ok();
}

}  // namespace ficus
