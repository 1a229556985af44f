#include "engine/part/primary_index.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/encoding/checksum.h"

namespace ficus {
namespace {

// What a header has in common with the one before it, and what kind of block it is.
enum Flags : uint8_t {
  kSameSubject = 1 << 0,
  kSameColumns = 1 << 1,
  kSameTimes = 1 << 2,
  kSameRows = 1 << 3,
  kShared = 1 << 4,
  kMilliseconds = 1 << 5,
  kTombstones = 1 << 6,
  kOneChecksum = 1 << 7,
};

struct MetaRecord {
  uint64_t first_subject;
  uint64_t first_series;
  uint64_t last_subject;
  uint64_t last_series;
  int64_t times_begin;
  int64_t times_end;
  uint64_t data_offset;
  uint32_t blocks;
  uint32_t bytes;
  uint32_t checksum;
  uint32_t reserved;
};
static_assert(sizeof(MetaRecord) == kPrimaryRecordBytes);

Error Corrupt(std::string_view what) { return {ErrorCode::kCorruption, std::string(what)}; }

// One column at least takes: id step, type.
constexpr size_t kColumnBytesMin = 2;

UnixNanos LastTime(const BlockHeader& header) { return header.times.end - 1; }

bool SameColumns(const BlockHeader& a, const BlockHeader& b) {
  return std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(),
                    [](const BlockColumn& left, const BlockColumn& right) {
                      return left.id == right.id && left.type == right.type;
                    });
}

bool HasCells(const BlockHeader& header) {
  return std::any_of(header.columns.begin(), header.columns.end(),
                     [](const BlockColumn& column) { return !IsFixed(column.type); });
}

// The unit that times are counted in, and the time in that unit.
int64_t UnitOf(bool milliseconds) { return milliseconds ? kNanosPerMilli : 1; }

int64_t FloorDiv(int64_t value, int64_t unit) { return value / unit - (value % unit < 0 ? 1 : 0); }

uint8_t FlagsOf(const BlockHeader& header, const BlockHeader& before) {
  uint8_t flags = 0;
  const auto set = [&](bool condition, Flags flag) {
    if (condition) flags = static_cast<uint8_t>(flags | flag);
  };
  set(header.subject == before.subject, kSameSubject);
  set(SameColumns(header, before), kSameColumns);
  set(header.times == before.times, kSameTimes);
  set(header.rows == before.rows, kSameRows);
  set(header.series > 1, kShared);
  set(header.times.begin % kNanosPerMilli == 0 && LastTime(header) % kNanosPerMilli == 0,
      kMilliseconds);
  set(header.has_tombstones, kTombstones);
  set(header.one_checksum, kOneChecksum);
  return flags;
}

void PutSeries(std::string& out, const BlockHeader& header, const BlockHeader& before,
               uint8_t flags) {
  if (flags & kSameSubject) {
    PutVarint(out, header.first_series.value() - before.last_series.value());
  } else {
    PutLittle(out, header.subject.value());
    PutLittle(out, header.first_series.value());
  }
  if (flags & kShared) {
    PutVarint(out, header.series);
    PutVarint(out, header.last_series.value() - header.first_series.value());
  }
}

void PutTimes(std::string& out, const BlockHeader& header, const BlockHeader& before,
              bool milliseconds) {
  const int64_t unit = UnitOf(milliseconds);
  const int64_t begin = header.times.begin / unit;
  const uint64_t step =
      static_cast<uint64_t>(begin) - static_cast<uint64_t>(FloorDiv(before.times.begin, unit));
  PutVarint(out, ZigZag(static_cast<int64_t>(step)));
  PutVarint(out, static_cast<uint64_t>(LastTime(header) / unit) - static_cast<uint64_t>(begin));
}

void PutColumnList(std::string& out, const std::vector<BlockColumn>& columns) {
  PutVarint(out, columns.size());
  uint64_t next_id = 0;
  for (const BlockColumn& column : columns) {
    PutVarint(out, column.id.value() - next_id);
    PutLittle(out, static_cast<uint8_t>(column.type));
    next_id = uint64_t{column.id.value()} + 1;
  }
}

// The sum over what the lowest value would give.
uint64_t Surplus(const BlockColumn& column) {
  return column.sum_word - column.min_word * column.values;
}

void PutBounds(std::string& out, const BlockColumn& column, uint32_t rows) {
  PutVarint(out, rows - column.values);
  if (column.type == ColumnType::kFloat64) {
    PutLittle(out, column.min_word);
    PutLittle(out, column.max_word);
  } else {
    PutVarint(out, ZigZag(static_cast<int64_t>(column.min_word)));
    PutVarint(out, column.max_word - column.min_word);
    PutVarint(out, Surplus(column));
  }
}

void PutHeader(std::string& out, const BlockHeader& header, const BlockHeader& before) {
  const uint8_t flags = FlagsOf(header, before);
  PutLittle(out, flags);
  PutSeries(out, header, before, flags);
  if (!(flags & kSameRows)) PutVarint(out, header.rows);
  if (!(flags & kSameTimes)) PutTimes(out, header, before, flags & kMilliseconds);
  if (!(flags & kSameColumns)) PutColumnList(out, header.columns);
  if (HasCells(header)) PutVarint(out, CellBytes(header));
  PutVarint(out, header.keys.bytes);
  PutLittle(out, header.keys.checksum);
  for (const BlockColumn& column : header.columns) {
    PutVarint(out, uint64_t{column.extent.bytes} << 1 | uint64_t{column.has_bounds});
    if (!header.one_checksum) PutLittle(out, column.extent.checksum);
    if (column.has_bounds) PutBounds(out, column, header.rows);
  }
}

// Reads headers one after another; every member returns false for bytes that are no header.
class HeaderReader {
 public:
  HeaderReader(std::string_view bytes, uint64_t data_offset, uint64_t data_end)
      : reader_(bytes), offset_(data_offset), data_end_(data_end) {}

  bool Next(BlockHeader& header) {
    uint8_t flags = 0;
    if (!reader_.ReadLittle(flags)) return false;
    header.has_tombstones = (flags & kTombstones) != 0;
    header.one_checksum = (flags & kOneChecksum) != 0;
    uint64_t cell_bytes = 0;
    if (!ReadSeries(header, flags) || !ReadRows(header, flags) || !ReadTimes(header, flags) ||
        !ReadColumnList(header, flags) ||
        (HasCells(header) && !reader_.ReadVarintAtMost(kBlockCellBytesMax, cell_bytes)) ||
        !ReadExtents(header)) {
      return false;
    }
    header.decoded_bytes = DecodedBytes(header, cell_bytes);
    return true;
  }

  bool AtEnd() const { return reader_.AtEnd(); }

 private:
  bool ReadSeries(BlockHeader& header, uint8_t flags) {
    uint64_t first = 0;
    if (flags & kSameSubject) {
      uint64_t step = 0;
      if (!reader_.ReadVarint(step)) return false;
      first = header.last_series.value() + step;
      if (first < step) return false;
    } else {
      uint64_t subject = 0;
      if (!reader_.ReadLittle(subject) || !reader_.ReadLittle(first)) return false;
      header.subject = SubjectId(subject);
    }
    uint64_t series = 1;
    uint64_t span = 0;
    if (flags & kShared) {
      if (!reader_.ReadVarintAtMost(kBlockRowsMax, series) || !reader_.ReadVarint(span)) {
        return false;
      }
      if (series < 2 || span < series - 1 || first + span < first) return false;
    }
    header.series = static_cast<uint32_t>(series);
    header.first_series = SeriesId(first);
    header.last_series = SeriesId(first + span);
    return true;
  }

  bool ReadRows(BlockHeader& header, uint8_t flags) {
    uint64_t rows = header.rows;
    if (!(flags & kSameRows) && !reader_.ReadVarintAtMost(kBlockRowsMax, rows)) return false;
    header.rows = static_cast<uint32_t>(rows);
    return rows >= header.series;
  }

  bool ReadTimes(BlockHeader& header, uint8_t flags) {
    if (!(flags & kSameTimes)) {
      const int64_t unit = UnitOf(flags & kMilliseconds);
      uint64_t step = 0;
      uint64_t length = 0;
      if (!reader_.ReadVarint(step) || !reader_.ReadVarint(length)) return false;
      const auto begin =
          static_cast<int64_t>(static_cast<uint64_t>(FloorDiv(header.times.begin, unit)) +
                               static_cast<uint64_t>(UnZigZag(step)));
      const auto last = static_cast<int64_t>(static_cast<uint64_t>(begin) + length);
      if (last < begin || __builtin_mul_overflow(begin, unit, &header.times.begin) ||
          __builtin_mul_overflow(last, unit, &header.times.end) ||
          __builtin_add_overflow(header.times.end, 1, &header.times.end)) {
        return false;
      }
    }
    return !header.times.empty();
  }

  bool ReadColumnList(BlockHeader& header, uint8_t flags) {
    if (flags & kSameColumns) return true;
    uint64_t count = 0;
    if (!reader_.ReadVarintAtMost(
            std::min<uint64_t>(kBlockColumnsMax, reader_.remaining() / kColumnBytesMin), count)) {
      return false;
    }
    header.columns.assign(static_cast<size_t>(count), BlockColumn{});
    uint64_t next_id = 0;
    for (BlockColumn& column : header.columns) {
      uint64_t step = 0;
      uint8_t type = 0;
      if (!reader_.ReadVarintAtMost(std::numeric_limits<uint32_t>::max(), step) ||
          !reader_.ReadLittle(type) || !IsKnownColumnType(type)) {
        return false;
      }
      const uint64_t id = next_id + step;
      if (id > std::numeric_limits<uint32_t>::max()) return false;
      column.id = ColumnId(static_cast<uint32_t>(id));
      column.type = static_cast<ColumnType>(type);
      next_id = id + 1;
    }
    return true;
  }

  bool ReadExtents(BlockHeader& header) {
    if (!ReadExtent(header.keys, 0) || !reader_.ReadLittle(header.keys.checksum)) return false;
    for (BlockColumn& column : header.columns) {
      if (reader_.remaining() == 0) return false;
      if (!ReadExtent(column.extent, 1, &column.has_bounds)) return false;
      column.extent.checksum = 0;
      if (!header.one_checksum && !reader_.ReadLittle(column.extent.checksum)) return false;
      column.min_word = column.max_word = column.sum_word = 0;
      column.values = 0;
      if (column.has_bounds && !ReadBounds(column, header.rows)) return false;
    }
    return true;
  }

  // A varint whose lowest `flag_bits` bits (0 or 1) are a flag, the others the length of the
  // extent.
  bool ReadExtent(Extent& extent, int flag_bits, bool* flag = nullptr) {
    uint64_t value = 0;
    if (!reader_.ReadVarint(value)) return false;
    if (flag != nullptr) *flag = (value & 1) != 0;
    value >>= flag_bits;
    if (value > std::numeric_limits<uint32_t>::max() || value > data_end_ - offset_) return false;
    extent.offset = offset_;
    extent.bytes = static_cast<uint32_t>(value);
    offset_ += value;
    return true;
  }

  bool ReadBounds(BlockColumn& column, uint32_t rows) {
    uint64_t missing = 0;
    if (!IsFixed(column.type) || !reader_.ReadVarintAtMost(rows - 1, missing)) return false;
    column.values = rows - static_cast<uint32_t>(missing);
    if (column.type == ColumnType::kFloat64) {
      if (!reader_.ReadLittle(column.min_word) || !reader_.ReadLittle(column.max_word)) {
        return false;
      }
      return std::bit_cast<double>(column.min_word) <= std::bit_cast<double>(column.max_word);
    }
    uint64_t min = 0;
    uint64_t span = 0;
    uint64_t surplus = 0;
    if (!reader_.ReadVarint(min) || !reader_.ReadVarint(span) || !reader_.ReadVarint(surplus)) {
      return false;
    }
    column.min_word = static_cast<uint64_t>(UnZigZag(min));
    column.max_word = column.min_word + span;
    column.sum_word = column.min_word * column.values + surplus;
    return static_cast<int64_t>(column.min_word) <= static_cast<int64_t>(column.max_word);
  }

  ByteReader reader_;
  uint64_t offset_;
  const uint64_t data_end_;
};

}  // namespace

uint64_t DecodedBytes(const BlockHeader& header, uint64_t cell_bytes) {
  // Series, timestamp, version, tombstone; of a column its words or offsets, and validity.
  uint64_t row_bytes = 3 * sizeof(uint64_t) + 1;
  for (const BlockColumn& column : header.columns) {
    row_bytes += IsFixed(column.type) ? sizeof(uint64_t) + 1 : sizeof(uint32_t) + 1;
  }
  return row_bytes * (uint64_t{header.rows} + 1) + cell_bytes;
}

uint64_t CellBytes(const BlockHeader& header) {
  return header.decoded_bytes - DecodedBytes(header, 0);
}

void PrimaryWriter::Add(const BlockHeader& header) {
  if (open_.blocks == 0) {
    before_ = BlockHeader{};
    open_.first = FirstKey(header);
    open_.times = header.times;
    open_.data_offset = header.keys.offset;
    open_.extent.offset = primary_.size();
  }
  PutHeader(primary_, header, before_);
  before_ = header;
  open_.last = LastKey(header);
  open_.times = {std::min(open_.times.begin, header.times.begin),
                 std::max(open_.times.end, header.times.end)};
  ++open_.blocks;
  ++blocks_;
  if (primary_.size() - open_.extent.offset >= kPrimaryBytesTarget) EndPrimary();
}

void PrimaryWriter::EndPrimary() {
  if (open_.blocks == 0) return;
  open_.extent.bytes = static_cast<uint32_t>(primary_.size() - open_.extent.offset);
  CHECK(open_.extent.bytes <= kPrimaryBytesMax) << open_.extent.bytes;
  entries_.push_back(open_);
  open_ = PrimaryEntry{};
}

void PrimaryWriter::Finish(uint64_t file_id, uint64_t offset) {
  EndPrimary();
  for (const PrimaryEntry& entry : entries_) {
    const std::string_view bytes =
        std::string_view(primary_).substr(entry.extent.offset, entry.extent.bytes);
    const uint32_t checksum = PlacedCrc32c(bytes, file_id, offset + entry.extent.offset);
    PutLittle(meta_, MetaRecord{entry.first.subject.value(), entry.first.series.value(),
                                entry.last.subject.value(), entry.last.series.value(),
                                entry.times.begin, entry.times.end, entry.data_offset, entry.blocks,
                                entry.extent.bytes, checksum, 0});
  }
}

Result<std::vector<PrimaryEntry>> DecodeMeta(std::string_view meta, uint64_t primary_offset,
                                             uint64_t primary_bytes, uint64_t data_end) {
  if (meta.size() % sizeof(MetaRecord) != 0) return Corrupt("meta section: a record is cut");
  std::vector<PrimaryEntry> entries;
  entries.reserve(meta.size() / sizeof(MetaRecord));
  uint64_t used = 0;
  for (size_t at = 0; at < meta.size(); at += sizeof(MetaRecord)) {
    const auto record = LoadLittle<MetaRecord>(meta.data() + at);
    PrimaryEntry entry;
    entry.first = {SubjectId(record.first_subject), SeriesId(record.first_series)};
    entry.last = {SubjectId(record.last_subject), SeriesId(record.last_series)};
    entry.times = {record.times_begin, record.times_end};
    entry.data_offset = record.data_offset;
    entry.blocks = record.blocks;
    entry.extent = {primary_offset + used, record.bytes, record.checksum};
    if (record.bytes > kPrimaryBytesMax || record.bytes > primary_bytes - used) {
      return Corrupt("meta section: a primary block passes the end of its section");
    }
    used += record.bytes;
    const bool ordered = entries.empty() || (entries.back().last <= entry.first &&
                                             entries.back().data_offset <= entry.data_offset);
    // A header takes at least a flags byte, a series step, a length and a checksum.
    if (!ordered || entry.last < entry.first || entry.times.empty() || entry.blocks == 0 ||
        entry.blocks > record.bytes / 7 || entry.data_offset > data_end || record.reserved != 0) {
      return Corrupt("meta section: record " + std::to_string(entries.size()) +
                     " breaks the format");
    }
    entries.push_back(entry);
  }
  if (used != primary_bytes) return Corrupt("meta section: primary blocks are left out");
  return entries;
}

Result<std::vector<BlockHeader>> DecodePrimary(std::string_view bytes, const PrimaryEntry& entry,
                                               uint64_t file_id, uint64_t data_end) {
  if (PlacedCrc32c(bytes, file_id, entry.extent.offset) != entry.extent.checksum) {
    return Corrupt("primary block: checksum mismatch");
  }
  return DecodePrimaryUnchecked(bytes, entry, data_end);
}

Result<std::vector<BlockHeader>> DecodePrimaryUnchecked(std::string_view bytes,
                                                        const PrimaryEntry& entry,
                                                        uint64_t data_end) {
  if (entry.blocks > bytes.size() || entry.data_offset > data_end)
    return Corrupt("primary block: impossible size");
  std::vector<BlockHeader> headers;
  headers.reserve(entry.blocks);
  HeaderReader reader(bytes, entry.data_offset, data_end);
  BlockHeader header;
  TimeRange times;
  for (uint32_t i = 0; i < entry.blocks; ++i) {
    const bool is_header = reader.Next(header);
    if (!is_header || (i > 0 && !MayFollow(headers.back(), header))) {
      return Corrupt("primary block: header " + std::to_string(i) + " breaks the format");
    }
    times = i == 0 ? header.times
                   : TimeRange{std::min(times.begin, header.times.begin),
                               std::max(times.end, header.times.end)};
    headers.push_back(header);
  }
  if (headers.empty() || !reader.AtEnd() || FirstKey(headers.front()) != entry.first ||
      LastKey(headers.back()) != entry.last || times != entry.times) {
    return Corrupt("primary block: not what the meta section says");
  }
  return headers;
}

bool MayFollow(const BlockHeader& before, const BlockHeader& header) {
  if (FirstKey(header) != LastKey(before)) return LastKey(before) < FirstKey(header);
  return before.series > 1 || header.series > 1 || header.times.begin >= before.times.end;
}

size_t MemoryBytes(const std::vector<BlockHeader>& headers) {
  size_t bytes = headers.capacity() * sizeof(BlockHeader);
  for (const BlockHeader& header : headers) bytes += header.columns.size() * sizeof(BlockColumn);
  return bytes;
}

}  // namespace ficus
