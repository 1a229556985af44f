// Rows that know where they belong: what a log record holds and a table introduces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/catalog.h"
#include "engine/model/ids.h"
#include "engine/model/row_batch.h"

namespace ficus {

// Rows of one subject for one shard. Self-contained: replay consults no schema, clock or
// configuration.
struct RoutedRows {
  Catalog catalog = Catalog::kMeasure;
  GroupId group;
  TimeRange segment;  // All() where the catalog has no segments
  ShardId shard;
  RowBatch rows;
  std::vector<SeriesEntry> entries;  // of series not known durable, ascending by series
  friend bool operator==(const RoutedRows&, const RoutedRows&) = default;
};

// One atomic batch of the log: rows, or the durable evidence that something is gone.
struct LogRecord {
  enum class Kind : uint8_t { kRows = 1, kGroupRetired = 2, kSegmentRemoved = 3 };
  Kind kind = Kind::kRows;
  std::vector<RoutedRows> rows;         // kRows
  Catalog catalog = Catalog::kMeasure;  // the others
  GroupId group;
  TimeRange segment;  // kSegmentRemoved
  friend bool operator==(const LogRecord&, const LogRecord&) = default;
};

// Layout: FILE-FORMAT.md, "Log record".
std::string EncodeLogRecord(const LogRecord& record);
// kCorruption for bytes that are no record; kUnsupportedVersion for a record of a later version.
// Never trusts a count.
Result<LogRecord> DecodeLogRecord(std::string_view bytes);

}  // namespace ficus
