#include "engine/database/schema_store.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "engine/schema/schema_codec.h"

namespace ficus {
namespace {

Result<std::shared_ptr<TsTable>> SchemaTable(GroupStore& schema_group) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Segment> segment, schema_group.SegmentFor(0));
  return segment->Shard(ShardId(0));
}

// Adds the objects of one kind.
Result<> ReadKind(const Snapshot& snapshot, SchemaKind kind, MemoryLedger& ledger,
                  StoredSchema& stored) {
  const SubjectId subject = SchemaSubject(kind);
  std::map<SeriesId, std::string> keys;
  RETURN_IF_ERROR(snapshot.ScanSeries(subject, [&](SeriesId series, std::string_view key) {
    keys.emplace(series, key);
    return true;
  }));
  ScanRequest request;
  request.subject = subject;
  request.all_series = true;
  request.columns = {kSchemaObjectColumn};
  ASSIGN_OR_RETURN(const std::unique_ptr<RowCursor> cursor, snapshot.Scan(request, ledger));
  RowBatch rows;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, cursor->Next(rows));
    if (!more) return Ok();
    for (size_t row = 0; row < rows.rows(); ++row) {
      const auto key = keys.find(rows.series[row]);
      if (key == keys.end()) {
        return Error{ErrorCode::kCorruption, fmt::format("schema row of series {} without its key",
                                                         Hex16(rows.series[row]))};
      }
      ASSIGN_OR_RETURN(DecodedSchemaRow decoded, DecodeSchemaRow(rows, row, key->second));
      stored.revision = std::max(stored.revision, decoded.revision);
      if (decoded.object.has_value()) stored.objects.push_back(*std::move(decoded.object));
    }
  }
}

}  // namespace

Result<> OpenSchemaTable(GroupStore& schema_group) {
  const Result<std::shared_ptr<TsTable>> table = SchemaTable(schema_group);
  const std::optional<Error> reason = table.has_value() ? (*table)->ReadOnly() : table.error();
  if (reason && reason->code != ErrorCode::kCorruption) return *reason;
  return Ok();
}

Result<StoredSchema> ReadStoredSchema(GroupStore& schema_group, MemoryLedger& ledger) {
  ASSIGN_OR_RETURN(const std::shared_ptr<TsTable> table, SchemaTable(schema_group));
  if (const auto reason = table->ReadOnly()) return *reason;
  const std::shared_ptr<const Snapshot> snapshot = table->Current();
  if (!snapshot->damaged.empty()) {
    const DamagedFile& damaged = snapshot->damaged.front();
    return Error{ErrorCode::kCorruption,
                 fmt::format("{} is damaged: {}", damaged.path, damaged.reason)};
  }
  return ReadStoredSchema(*snapshot, ledger);
}

Result<StoredSchema> ReadStoredSchema(const Snapshot& snapshot, MemoryLedger& ledger) {
  StoredSchema stored;
  for (const SchemaKind kind : kSchemaKinds) {
    RETURN_IF_ERROR(ReadKind(snapshot, kind, ledger, stored));
  }
  return stored;
}

Result<std::vector<Routed>> RouteSchemaChange(GroupStore& schema_group,
                                              const SchemaChange& change) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Segment> segment, schema_group.SegmentFor(0));
  ASSIGN_OR_RETURN(const std::shared_ptr<TsTable> table, segment->Shard(ShardId(0)));
  std::map<SubjectId, Routed> by_subject;
  for (SchemaRow& row : EncodeSchemaChange(change)) {
    const auto [at, is_new] = by_subject.try_emplace(row.rows.subject);
    Routed& routed = at->second;
    if (is_new) {
      routed.table = table;
      routed.rows.catalog = schema_group.catalog();
      routed.rows.group = schema_group.id();
      routed.rows.segment = segment->times();
      routed.rows.rows.subject = row.rows.subject;
    }
    AppendRow(routed.rows.rows, row.rows, 0);
    routed.rows.entries.push_back(std::move(row.entry));
  }
  std::vector<Routed> all;
  for (auto& [subject, routed] : by_subject) {
    std::sort(routed.rows.entries.begin(), routed.rows.entries.end(),
              [](const SeriesEntry& a, const SeriesEntry& b) { return a.series < b.series; });
    all.push_back(std::move(routed));
  }
  return all;
}

}  // namespace ficus
