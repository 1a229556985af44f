#include "engine/table/routed_rows.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/model/tag_value.h"

namespace ficus {
namespace {

constexpr uint8_t kVersion = 1;
// Flags of a column's values.
constexpr uint8_t kAllValid = 1;

Error Corrupt(std::string_view what) {
  return Error{ErrorCode::kCorruption, fmt::format("log record: {}", what)};
}

// As PutVarint, into memory with room for kVarintBytesMax bytes; gives the end.
char* StoreVarint(char* to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<char>(value | 0x80);
  *to++ = static_cast<char>(value);
  return to;
}

// Appends a varint for each value: what `map` makes of it. Writes into the string itself, as most
// bytes of a record are these.
template <typename Values, typename Map>
void PutVarints(std::string& out, const Values& values, const Map& map) {
  const size_t begin = out.size();
  out.resize(begin + values.size() * kVarintBytesMax);
  char* at = out.data() + begin;
  for (const auto value : values) at = StoreVarint(at, map(value));
  out.resize(static_cast<size_t>(at - out.data()));
}

// Neighbours are alike: differences of neighbours, small ones in few bytes. Wraps around, so that
// any values round-trip.
void PutDeltas(std::string& out, const std::vector<int64_t>& values) {
  uint64_t previous = 0;
  PutVarints(out, values, [&](int64_t value) {
    const uint64_t delta = static_cast<uint64_t>(value) - previous;
    previous = static_cast<uint64_t>(value);
    return ZigZag(static_cast<int64_t>(delta));
  });
}

// Words as they lie in memory.
template <typename Words>
void PutWords(std::string& out, const Words& words) {
  static_assert(sizeof *words.data() == sizeof(uint64_t));
  out.append(reinterpret_cast<const char*>(words.data()), words.size() * sizeof(uint64_t));
}

bool ReadDeltas(ByteReader& reader, size_t rows, std::vector<int64_t>& values) {
  values.resize(rows);
  uint64_t previous = 0;
  for (int64_t& value : values) {
    uint64_t delta = 0;
    if (!reader.ReadVarint(delta)) return false;
    previous += static_cast<uint64_t>(UnZigZag(delta));
    value = static_cast<int64_t>(previous);
  }
  return true;
}

void PutColumn(std::string& out, const ColumnValues& column) {
  PutVarint(out, column.id().value());
  PutLittle(out, static_cast<uint8_t>(column.type()));
  PutLittle<uint8_t>(out, column.validity().all_valid() ? kAllValid : 0);
  PutWords(out, column.validity().words());
  if (column.type() == ColumnType::kFloat64) {
    PutWords(out, column.words());
  } else if (IsFixed(column.type())) {
    PutVarints(out, column.words(),
               [](uint64_t word) { return ZigZag(static_cast<int64_t>(word)); });
  } else {
    for (size_t row = 0; row < column.rows(); ++row) PutLengthPrefixed(out, column.cell(row));
  }
}

bool ReadValidity(ByteReader& reader, size_t rows, Validity& validity) {
  std::vector<uint64_t> words((rows + 63) / 64);
  for (uint64_t& word : words) {
    if (!reader.ReadLittle(word)) return false;
  }
  const size_t tail = rows % 64;
  if (tail != 0 && words.back() >> tail != 0) return false;
  validity.Assign(std::move(words));
  return true;
}

bool ReadWords(ByteReader& reader, size_t rows, ColumnType type, std::vector<uint64_t>& words) {
  words.resize(rows);
  for (uint64_t& word : words) {
    if (type == ColumnType::kFloat64) {
      if (!reader.ReadLittle(word)) return false;
      continue;
    }
    uint64_t zigzag = 0;
    if (!reader.ReadVarint(zigzag)) return false;
    word = static_cast<uint64_t>(UnZigZag(zigzag));
  }
  return true;
}

bool ReadCells(ByteReader& reader, size_t rows, ColumnType type, std::vector<uint32_t>& offsets,
               std::string& bytes) {
  offsets.reserve(rows + 1);
  offsets.push_back(0);
  std::vector<std::string> strings;
  std::vector<int64_t> ints;
  for (size_t row = 0; row < rows; ++row) {
    std::string_view cell;
    if (!reader.ReadLengthPrefixed(cell)) return false;
    if (type == ColumnType::kStringArray && !DecodeStringArray(cell, strings)) return false;
    if (type == ColumnType::kInt64Array && !DecodeInt64Array(cell, ints)) return false;
    bytes += cell;
    offsets.push_back(static_cast<uint32_t>(bytes.size()));
  }
  return true;
}

bool ReadColumn(ByteReader& reader, size_t rows, ColumnValues& column) {
  uint64_t id = 0;
  uint8_t raw_type = 0;
  uint8_t flags = 0;
  if (!reader.ReadVarintAtMost(UINT32_MAX, id) || !reader.ReadLittle(raw_type) ||
      !reader.ReadLittle(flags) || !IsKnownColumnType(raw_type) || flags > kAllValid) {
    return false;
  }
  const auto type = static_cast<ColumnType>(raw_type);
  const ColumnId column_id(static_cast<uint32_t>(id));
  Validity validity;
  if ((flags & kAllValid) == 0 && !ReadValidity(reader, rows, validity)) return false;
  if (IsFixed(type)) {
    std::vector<uint64_t> words;
    if (!ReadWords(reader, rows, type, words)) return false;
    column = ColumnValues::FromWords(column_id, type, std::move(validity), std::move(words));
    return true;
  }
  std::vector<uint32_t> offsets;
  std::string bytes;
  if (!ReadCells(reader, rows, type, offsets, bytes)) return false;
  column = ColumnValues::FromCells(column_id, type, std::move(validity), std::move(offsets),
                                   std::move(bytes));
  return true;
}

void PutRows(std::string& out, const RowBatch& batch) {
  PutLittle(out, batch.subject.value());
  PutVarint(out, batch.rows());
  PutWords(out, batch.series);
  PutDeltas(out, batch.timestamps);
  PutDeltas(out, batch.versions);
  PutLittle<uint8_t>(out, batch.tombstones.empty() ? 0 : 1);
  for (const bool tombstone : batch.tombstones) PutLittle<uint8_t>(out, tombstone ? 1 : 0);
  PutVarint(out, batch.columns.size());
  for (const ColumnValues& column : batch.columns) PutColumn(out, column);
}

bool ReadTombstones(ByteReader& reader, size_t rows, std::vector<bool>& tombstones) {
  uint8_t present = 0;
  if (!reader.ReadLittle(present) || present > 1) return false;
  if (present == 0) return true;
  std::string_view flags;
  if (!reader.ReadBytes(rows, flags)) return false;
  tombstones.reserve(rows);
  for (const char flag : flags) {
    if (flag != 0 && flag != 1) return false;
    tombstones.push_back(flag == 1);
  }
  return true;
}

bool ReadRows(ByteReader& reader, RowBatch& batch) {
  uint64_t subject = 0;
  uint64_t rows = 0;
  // A row takes at least 8 bytes of series id and one byte each of timestamp and version.
  if (!reader.ReadLittle(subject) || !reader.ReadVarintAtMost(reader.remaining() / 10, rows)) {
    return false;
  }
  batch.subject = SubjectId(subject);
  batch.series.resize(rows);
  for (SeriesId& series : batch.series) {
    uint64_t value = 0;
    if (!reader.ReadLittle(value)) return false;
    series = SeriesId(value);
  }
  if (!ReadDeltas(reader, rows, batch.timestamps) || !ReadDeltas(reader, rows, batch.versions) ||
      !ReadTombstones(reader, rows, batch.tombstones)) {
    return false;
  }
  uint64_t columns = 0;
  // Each column takes at least its id, type and flags.
  if (!reader.ReadVarintAtMost(reader.remaining() / 3, columns)) return false;
  batch.columns.reserve(columns);
  for (uint64_t i = 0; i < columns; ++i) {
    ColumnValues column;
    if (!ReadColumn(reader, rows, column)) return false;
    if (!batch.columns.empty() && batch.columns.back().id() >= column.id()) return false;
    batch.columns.push_back(std::move(column));
  }
  return true;
}

void PutRouted(std::string& out, const RoutedRows& routed) {
  PutLittle(out, static_cast<uint8_t>(routed.catalog));
  PutLittle(out, routed.group.value());
  PutLittle(out, routed.segment.begin);
  PutLittle(out, routed.segment.end);
  PutLittle(out, routed.shard.value());
  PutRows(out, routed.rows);
  PutVarint(out, routed.entries.size());
  for (const SeriesEntry& entry : routed.entries) {
    CHECK(entry.subject == routed.rows.subject);
    PutLittle(out, entry.series.value());
    PutLengthPrefixed(out, entry.entity);
  }
}

bool ReadCatalog(ByteReader& reader, Catalog& catalog) {
  uint8_t raw = 0;
  if (!reader.ReadLittle(raw) || raw < 1 || raw > 4) return false;
  catalog = static_cast<Catalog>(raw);
  return true;
}

bool ReadPlace(ByteReader& reader, Catalog& catalog, GroupId& group, TimeRange& segment) {
  uint64_t id = 0;
  if (!ReadCatalog(reader, catalog) || !reader.ReadLittle(id) ||
      !reader.ReadLittle(segment.begin) || !reader.ReadLittle(segment.end)) {
    return false;
  }
  group = GroupId(id);
  return true;
}

bool ReadRouted(ByteReader& reader, RoutedRows& routed) {
  uint32_t shard = 0;
  if (!ReadPlace(reader, routed.catalog, routed.group, routed.segment) ||
      !reader.ReadLittle(shard) || !ReadRows(reader, routed.rows)) {
    return false;
  }
  routed.shard = ShardId(shard);
  uint64_t entries = 0;
  if (!reader.ReadVarintAtMost(reader.remaining() / 9, entries)) return false;
  routed.entries.reserve(entries);
  for (uint64_t i = 0; i < entries; ++i) {
    uint64_t series = 0;
    std::string_view entity;
    if (!reader.ReadLittle(series) || !reader.ReadLengthPrefixed(entity)) return false;
    routed.entries.push_back({routed.rows.subject, SeriesId(series), std::string(entity)});
  }
  return true;
}

bool ReadAllRouted(ByteReader& reader, std::vector<RoutedRows>& rows) {
  uint64_t count = 0;
  // At least the fixed fields of PutRouted.
  if (!reader.ReadVarintAtMost(reader.remaining() / 40, count)) return false;
  rows.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    rows.emplace_back();
    if (!ReadRouted(reader, rows.back())) return false;
  }
  return true;
}

bool ReadRetired(ByteReader& reader, std::vector<RetiredGroup>& retired) {
  uint64_t count = 0;
  if (!reader.ReadVarintAtMost(reader.remaining() / 9, count)) return false;
  retired.resize(count);
  for (RetiredGroup& group : retired) {
    uint64_t id = 0;
    if (!ReadCatalog(reader, group.catalog) || !reader.ReadLittle(id)) return false;
    group.group = GroupId(id);
  }
  return true;
}

bool ReadRemoved(ByteReader& reader, std::vector<RemovedSegment>& removed) {
  uint64_t count = 0;
  if (!reader.ReadVarintAtMost(reader.remaining() / 33, count)) return false;
  removed.resize(count);
  for (RemovedSegment& segment : removed) {
    if (!ReadPlace(reader, segment.catalog, segment.group, segment.times) ||
        !reader.ReadLittle(segment.incarnation)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string EncodeLogRecord(const LogRecord& record) {
  std::string out;
  PutLittle(out, kVersion);
  PutVarint(out, record.rows.size());
  for (const RoutedRows& routed : record.rows) PutRouted(out, routed);
  PutVarint(out, record.retired_groups.size());
  for (const RetiredGroup& retired : record.retired_groups) {
    PutLittle(out, static_cast<uint8_t>(retired.catalog));
    PutLittle(out, retired.group.value());
  }
  PutVarint(out, record.removed_segments.size());
  for (const RemovedSegment& removed : record.removed_segments) {
    PutLittle(out, static_cast<uint8_t>(removed.catalog));
    PutLittle(out, removed.group.value());
    PutLittle(out, removed.times.begin);
    PutLittle(out, removed.times.end);
    PutLittle(out, removed.incarnation);
  }
  return out;
}

Result<LogRecord> DecodeLogRecord(std::string_view bytes) {
  ByteReader reader(bytes);
  uint8_t version = 0;
  if (!reader.ReadLittle(version)) return Corrupt("empty");
  if (version != kVersion) {
    return Error{ErrorCode::kUnsupportedVersion, fmt::format("log record: version {}", version)};
  }
  LogRecord record;
  if (!ReadAllRouted(reader, record.rows) || !ReadRetired(reader, record.retired_groups) ||
      !ReadRemoved(reader, record.removed_segments) || !reader.AtEnd()) {
    return Corrupt(fmt::format("broken at byte {} of {}", reader.offset(), bytes.size()));
  }
  return record;
}

}  // namespace ficus
