// Rows of a measure with one entity tag and one field: as tests write them, and as they read them
// back.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/memory_ledger.h"
#include "engine/model/entity.h"
#include "engine/model/keyed_rows.h"
#include "engine/table/snapshot.h"

namespace ficus {

// (host, timestamp) -> (version, value)
using NodeRows = std::map<std::pair<int64_t, UnixNanos>, std::pair<int64_t, int64_t>>;

struct NodeRow {
  int64_t host = 0;
  UnixNanos time = 0;
  int64_t value = 0;
  int64_t version = 1;
};

// Adds rows in front of their way: the group and the revision are the caller's. A row's shard is
// its host, modulo the number of shards.
inline void AddKeyedRows(KeyedRows& keyed, const std::string& measure, SubjectId subject,
                         ColumnId column, const std::vector<NodeRow>& rows) {
  keyed.rows.subject = subject;
  keyed.rows.columns.emplace_back(column, ColumnType::kInt64);
  uint32_t ordinal = 0;
  for (const NodeRow& row : rows) {
    const std::vector<TagValue> entity = {row.host};
    const std::string key = *EncodeSeriesKey(measure, entity);
    keyed.rows.series.push_back(SeriesIdOf(key));
    keyed.rows.timestamps.push_back(row.time);
    keyed.rows.versions.push_back(row.version);
    keyed.rows.columns[0].AppendWord(static_cast<uint64_t>(row.value));
    keyed.series_checks.push_back(SeriesCheckOf(key));
    keyed.shard_hashes.push_back(static_cast<uint64_t>(row.host));
    keyed.keys += key;
    keyed.key_ends.push_back(static_cast<uint32_t>(keyed.keys.size()));
    keyed.ordinals.push_back(ordinal++);
  }
}

// Adds what a table shows of a subject; each row once.
inline void ReadNodeRows(const Snapshot& snapshot, SubjectId subject, ColumnId column,
                         MemoryLedger& ledger, NodeRows& rows) {
  std::map<SeriesId, int64_t> hosts;
  REQUIRE(snapshot
              .ScanSeries(subject,
                          [&](SeriesId series, std::string_view key) {
                            hosts[series] = std::get<int64_t>(DecodeSeriesKey(key)->entity[0]);
                            return true;
                          })
              .has_value());
  ScanRequest request;
  request.subject = subject;
  request.all_series = true;
  request.columns = {column};
  auto cursor = snapshot.Scan(request, ledger);
  REQUIRE(cursor.has_value());
  RowBatch batch;
  for (;;) {
    const Result<bool> more = (*cursor)->Next(batch);
    REQUIRE(more.has_value());
    if (!*more) return;
    for (size_t row = 0; row < batch.rows(); ++row) {
      REQUIRE(hosts.contains(batch.series[row]));
      const std::pair key(hosts[batch.series[row]], batch.timestamps[row]);
      REQUIRE(!rows.contains(key));
      rows[key] = {batch.versions[row], batch.FindColumn(column)->int64(row)};
    }
  }
}

}  // namespace ficus
