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

// Durable evidence that a group, or a segment of it, is gone: replay drops its rows wherever they
// stand in the log.
struct RetiredGroup {
  Catalog catalog = Catalog::kMeasure;
  GroupId group;
  friend auto operator<=>(const RetiredGroup&, const RetiredGroup&) = default;
};
struct RemovedSegment {
  Catalog catalog = Catalog::kMeasure;
  GroupId group;
  TimeRange times;
  uint64_t incarnation = 0;  // a segment with the same times may be made again
  friend bool operator==(const RemovedSegment&, const RemovedSegment&) = default;
};

// One batch of the log: all of it happens, or nothing.
struct LogRecord {
  std::vector<RoutedRows> rows;
  std::vector<RetiredGroup> retired_groups;
  std::vector<RemovedSegment> removed_segments;
  friend bool operator==(const LogRecord&, const LogRecord&) = default;
};

// Layout: FILE-FORMAT.md, "Log record".
std::string EncodeLogRecord(const LogRecord& record);
// kCorruption for bytes that are no record; kUnsupportedVersion for a record of a later version.
// Never trusts a count.
Result<LogRecord> DecodeLogRecord(std::string_view bytes);

}  // namespace ficus
