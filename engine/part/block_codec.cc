#include "engine/part/block_codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/encoding/bitmap.h"
#include "engine/encoding/cells.h"
#include "engine/model/tag_value.h"
#include "engine/part/primary_index.h"

namespace ficus {
namespace {

// First byte of the keys.
enum KeyFlags : uint8_t {
  kVersionMask = 3,
  kVersionIsTimestamp = 0,      // nothing is stored
  kVersionBesideTimestamp = 1,  // version minus timestamp
  kVersionPlain = 2,
  kHasTombstones = 4,
};

// First byte of a column.
constexpr uint8_t kHasNulls = 1;

// Below these, bounds cost more than skipping a block's decoding saves.
constexpr size_t kBoundsRowsMin = 128;
constexpr size_t kFloatBoundsRowsMin = 512;

// How many versions are encoded twice to find the better way.
constexpr size_t kVersionSample = 256;

Error Corrupt(std::string_view what) { return {ErrorCode::kCorruption, std::string(what)}; }

uint64_t Difference(int64_t a, int64_t b) {
  return static_cast<uint64_t>(a) - static_cast<uint64_t>(b);
}
int64_t Sum(int64_t a, uint64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) + b); }

size_t BitmapWords(size_t rows) { return (rows + 63) / 64; }

// Runs of equal series in the range.
void FindRuns(const RowBatch& rows, RowRange range, std::vector<SeriesRun>& runs) {
  runs.clear();
  for (size_t row = range.begin; row < range.end; ++row) {
    if (runs.empty() || runs.back().series != rows.series[row]) {
      runs.push_back({rows.series[row], {row, row}});
    }
    ++runs.back().rows.end;
  }
}

TimeRange TimesOf(const RowBatch& rows, const std::vector<SeriesRun>& runs) {
  UnixNanos first = std::numeric_limits<UnixNanos>::max();
  UnixNanos last = std::numeric_limits<UnixNanos>::min();
  for (const SeriesRun& run : runs) {
    first = std::min(first, rows.timestamps[run.rows.begin]);
    last = std::max(last, rows.timestamps[run.rows.end - 1]);
  }
  CHECK(last < std::numeric_limits<UnixNanos>::max()) << "the last nanosecond cannot be stored";
  return {first, last + 1};
}

// The validity of a range as words that begin with its first row; false when every row is valid.
bool NullsOf(const ColumnValues& values, RowRange range, std::vector<uint64_t>& bits) {
  bits.clear();
  if (values.validity().all_valid()) return false;
  bits.resize(BitmapWords(range.rows()));
  const std::span<const uint64_t> words = values.validity().words();
  const size_t shift = range.begin % 64;
  for (size_t i = 0; i < bits.size(); ++i) {
    const size_t from = range.begin / 64 + i;
    bits[i] = words[from] >> shift;
    if (shift != 0 && from + 1 < words.size()) bits[i] |= words[from + 1] << (64 - shift);
  }
  if (range.rows() % 64 != 0) bits.back() &= (uint64_t{1} << (range.rows() % 64)) - 1;
  size_t valid = 0;
  for (const uint64_t word : bits) valid += static_cast<size_t>(std::popcount(word));
  return valid != range.rows();
}

bool AnyBit(const std::vector<uint64_t>& bits) {
  return std::any_of(bits.begin(), bits.end(), [](uint64_t word) { return word != 0; });
}

bool IsSet(std::span<const uint64_t> bits, size_t row) {
  return (bits[row / 64] >> (row % 64) & 1) != 0;
}

bool IsNumber(int64_t) { return true; }
bool IsNumber(double value) { return !std::isnan(value); }

template <typename Value>
void SetBoundsOf(std::span<const uint64_t> words, BlockColumn& column) {
  Value min = std::bit_cast<Value>(words[0]);
  Value max = min;
  for (const uint64_t word : words) {
    const auto value = std::bit_cast<Value>(word);
    if (!IsNumber(value)) return;
    min = std::min(min, value);
    max = std::max(max, value);
  }
  column.has_bounds = true;
  column.min_word = std::bit_cast<uint64_t>(min);
  column.max_word = std::bit_cast<uint64_t>(max);
  column.values = static_cast<uint32_t>(words.size());
  if (std::is_floating_point_v<Value>) return;
  for (const uint64_t word : words) column.sum_word += word;
}

void SetBounds(std::span<const uint64_t> words, BlockColumn& column) {
  if (column.type == ColumnType::kFloat64) {
    if (words.size() >= kFloatBoundsRowsMin) SetBoundsOf<double>(words, column);
  } else if (words.size() >= kBoundsRowsMin) {
    SetBoundsOf<int64_t>(words, column);
  }
}

}  // namespace

bool HasTheseBounds(const BlockColumn& column, const ColumnValues& values) {
  if (!column.has_bounds) return true;
  std::vector<uint64_t> words;
  for (size_t row = 0; row < values.rows(); ++row) {
    if (!values.IsNull(row)) words.push_back(values.word(row));
  }
  if (words.empty()) return false;
  BlockColumn again;
  again.type = column.type;
  if (column.type == ColumnType::kFloat64) {
    SetBoundsOf<double>(words, again);
  } else {
    SetBoundsOf<int64_t>(words, again);
  }
  return again.has_bounds && again.values == column.values && again.sum_word == column.sum_word &&
         again.min_word == column.min_word && again.max_word == column.max_word;
}

void BlockEncoder::PutWords(const std::vector<uint64_t>& words, std::string& out) {
  scratch_.clear();
  EncodeWords(words, WordKind::kInteger, effort_, scratch_);
  PutLengthPrefixed(out, scratch_);
}

void BlockEncoder::PutShorter(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b,
                              bool& took_b, std::string& out) {
  const size_t sample = std::min(a.size(), kVersionSample);
  scratch_.clear();
  more_scratch_.clear();
  EncodeWords(std::span(a).first(sample), WordKind::kInteger, effort_, scratch_);
  EncodeWords(std::span(b).first(sample), WordKind::kInteger, effort_, more_scratch_);
  took_b = more_scratch_.size() < scratch_.size();
  PutWords(took_b ? b : a, out);
}

void BlockEncoder::EncodeTimes(const RowBatch& rows, const BlockHeader& header, std::string& out) {
  // `more_words_` holds the steps already.
  if (runs_.size() > 1) {
    words_.clear();
    for (const SeriesRun& run : runs_) words_.push_back(run.series.value());
    PutWords(words_, out);
    words_.clear();
    for (const SeriesRun& run : runs_) words_.push_back(run.rows.rows());
    PutWords(words_, out);
    words_.clear();
    for (const SeriesRun& run : runs_) {
      words_.push_back(Difference(rows.timestamps[run.rows.begin], header.times.begin));
    }
    PutWords(words_, out);
  }
  if (!more_words_.empty()) PutWords(more_words_, out);
}

uint8_t BlockEncoder::EncodeVersions(const RowBatch& rows, RowRange range, std::string& out) {
  const auto begin = rows.versions.begin() + static_cast<ptrdiff_t>(range.begin);
  const auto end = rows.versions.begin() + static_cast<ptrdiff_t>(range.end);
  if (std::equal(begin, end, rows.timestamps.begin() + static_cast<ptrdiff_t>(range.begin))) {
    return kVersionIsTimestamp;
  }
  words_.clear();
  more_words_.clear();
  for (size_t row = range.begin; row < range.end; ++row) {
    words_.push_back(Difference(rows.versions[row], rows.timestamps[row]));
    more_words_.push_back(static_cast<uint64_t>(rows.versions[row]));
  }
  bool plain = false;
  PutShorter(words_, more_words_, plain, out);
  return plain ? kVersionPlain : kVersionBesideTimestamp;
}

void BlockEncoder::EncodeKeys(const RowBatch& rows, RowRange range, BlockHeader& header,
                              std::string& out) {
  std::string times;
  more_words_.clear();
  for (const SeriesRun& run : runs_) {
    for (size_t row = run.rows.begin + 1; row < run.rows.end; ++row) {
      more_words_.push_back(Difference(rows.timestamps[row], rows.timestamps[row - 1]));
    }
  }
  EncodeTimes(rows, header, times);
  std::string versions;
  uint8_t flags = EncodeVersions(rows, range, versions);
  for (size_t row = range.begin; row < range.end && !header.has_tombstones; ++row) {
    header.has_tombstones = rows.IsTombstone(row);
  }
  if (header.has_tombstones) flags |= kHasTombstones;

  PutLittle(out, flags);
  out.append(times);
  out.append(versions);
  if (header.has_tombstones) {
    bits_.assign(BitmapWords(range.rows()), 0);
    for (size_t row = range.begin; row < range.end; ++row) {
      const size_t bit = row - range.begin;
      bits_[bit / 64] |= uint64_t{rows.IsTombstone(row)} << (bit % 64);
    }
    EncodeBitmap(bits_, range.rows(), out);
  }
}

void BlockEncoder::EncodeColumn(const ColumnValues& values, RowRange range, BlockHeader& header,
                                std::string& out) {
  const bool has_nulls = NullsOf(values, range, bits_);
  if (has_nulls && !AnyBit(bits_)) return;
  const size_t begin = out.size();
  BlockColumn column;
  column.id = values.id();
  column.type = values.type();
  PutLittle(out, has_nulls ? kHasNulls : uint8_t{0});
  if (has_nulls) {
    scratch_.clear();
    EncodeBitmap(bits_, range.rows(), scratch_);
    PutLengthPrefixed(out, scratch_);
  }

  if (IsFixed(column.type)) {
    std::span<const uint64_t> words = values.words().subspan(range.begin, range.rows());
    if (has_nulls) {
      words_.clear();
      for (size_t i = 0; i < range.rows(); ++i) {
        if (IsSet(bits_, i)) words_.push_back(words[i]);
      }
      words = words_;
    }
    SetBounds(words, column);
    EncodeWords(words, column.type == ColumnType::kFloat64 ? WordKind::kFloat : WordKind::kInteger,
                effort_, out);
  } else {
    // Null rows hold no bytes, so that the cells of the others lie side by side.
    std::span<const uint32_t> offsets = values.offsets().subspan(range.begin, range.rows() + 1);
    if (has_nulls) {
      offsets_.assign(1, offsets[0]);
      for (size_t i = 0; i < range.rows(); ++i) {
        if (IsSet(bits_, i)) offsets_.push_back(offsets[i + 1]);
      }
      offsets = offsets_;
    }
    header.decoded_bytes += offsets.back() - offsets.front();
    EncodeCells(offsets, values.bytes(), effort_, out);
  }
  CHECK(out.size() - begin <= std::numeric_limits<uint32_t>::max());
  column.extent.bytes = static_cast<uint32_t>(out.size() - begin);
  header.columns.push_back(column);
}

void BlockEncoder::Encode(const RowBatch& rows, RowRange range, BlockHeader& header,
                          std::string& bytes) {
  CHECK(range.begin < range.end && range.end <= rows.rows() && range.rows() <= kBlockRowsMax)
      << range.begin << ".." << range.end;
  FindRuns(rows, range, runs_);
  header = BlockHeader{};
  header.subject = rows.subject;
  header.first_series = runs_.front().series;
  header.last_series = runs_.back().series;
  header.series = static_cast<uint32_t>(runs_.size());
  header.rows = static_cast<uint32_t>(range.rows());
  header.times = TimesOf(rows, runs_);

  bytes.clear();
  EncodeKeys(rows, range, header, bytes);
  header.keys.bytes = static_cast<uint32_t>(bytes.size());
  for (const ColumnValues& column : rows.columns) EncodeColumn(column, range, header, bytes);
  // So far it counts the cells alone.
  header.decoded_bytes = DecodedBytes(header, header.decoded_bytes);
  header.one_checksum = bytes.size() <= kOneChecksumBytesMax;
}

namespace {

// Words with their length in front.
Result<> ReadWords(ByteReader& reader, std::span<uint64_t> words, std::string_view what) {
  std::string_view encoded;
  if (!reader.ReadLengthPrefixed(encoded)) return Corrupt(std::string(what) + ": cut");
  if (auto decoded = DecodeWords(encoded, words); !decoded.has_value()) {
    return std::move(decoded).error().With(what);
  }
  return Ok();
}

// The series of a shared block and how many rows each has.
Result<std::vector<SeriesRun>> ReadRuns(ByteReader& reader, const BlockHeader& header) {
  if (header.series == 1) {
    return std::vector<SeriesRun>{{header.first_series, {0, header.rows}}};
  }
  std::vector<uint64_t> ids(header.series);
  std::vector<uint64_t> counts(header.series);
  RETURN_IF_ERROR(ReadWords(reader, ids, "series"));
  RETURN_IF_ERROR(ReadWords(reader, counts, "rows of each series"));
  std::vector<SeriesRun> runs(header.series);
  size_t row = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (counts[i] == 0 || counts[i] > header.rows - row || (i > 0 && ids[i] <= ids[i - 1])) {
      return Corrupt("series: not ascending, or not the rows of the block");
    }
    runs[i] = {SeriesId(ids[i]), {row, row + static_cast<size_t>(counts[i])}};
    row = runs[i].rows.end;
  }
  if (row != header.rows || runs.front().series != header.first_series ||
      runs.back().series != header.last_series) {
    return Corrupt("series: not what the header says");
  }
  return runs;
}

// First timestamps of the series, then the steps between the rows of each.
Result<std::vector<UnixNanos>> ReadTimestamps(ByteReader& reader, const BlockHeader& header,
                                              const std::vector<SeriesRun>& runs) {
  std::vector<uint64_t> firsts(runs.size(), 0);
  std::vector<uint64_t> steps(header.rows - runs.size());
  if (runs.size() > 1) RETURN_IF_ERROR(ReadWords(reader, firsts, "first timestamps"));
  if (!steps.empty()) RETURN_IF_ERROR(ReadWords(reader, steps, "timestamps"));

  std::vector<UnixNanos> timestamps(header.rows);
  UnixNanos min = std::numeric_limits<UnixNanos>::max();
  UnixNanos max = std::numeric_limits<UnixNanos>::min();
  size_t step = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    UnixNanos time = Sum(header.times.begin, firsts[i]);
    timestamps[runs[i].rows.begin] = time;
    min = std::min(min, time);
    for (size_t row = runs[i].rows.begin + 1; row < runs[i].rows.end; ++row) {
      const UnixNanos next = Sum(time, steps[step++]);
      if (next <= time) return Corrupt("timestamps: not ascending");
      time = timestamps[row] = next;
    }
    max = std::max(max, time);
  }
  if (min != header.times.begin || max != header.times.end - 1) {
    return Corrupt("timestamps: not what the header says");
  }
  return timestamps;
}

Result<std::vector<int64_t>> ReadVersions(ByteReader& reader, uint8_t kind,
                                          const std::vector<UnixNanos>& timestamps) {
  if (kind == kVersionIsTimestamp) return std::vector<int64_t>(timestamps);
  std::vector<uint64_t> words(timestamps.size());
  RETURN_IF_ERROR(ReadWords(reader, words, "versions"));
  std::vector<int64_t> versions(timestamps.size());
  for (size_t row = 0; row < versions.size(); ++row) {
    versions[row] = Sum(kind == kVersionPlain ? 0 : timestamps[row], words[row]);
  }
  return versions;
}

Result<std::vector<bool>> ReadTombstones(std::string_view encoded, size_t rows) {
  std::vector<uint64_t> bits(BitmapWords(rows));
  if (auto decoded = DecodeBitmap(encoded, rows, bits); !decoded.has_value()) {
    return std::move(decoded).error().With("tombstones");
  }
  if (!AnyBit(bits)) return Corrupt("tombstones: none");
  std::vector<bool> tombstones(rows);
  for (size_t row = 0; row < rows; ++row) tombstones[row] = IsSet(bits, row);
  return tombstones;
}

}  // namespace

Result<BlockKeys> DecodeKeys(std::string_view bytes, const BlockHeader& header) {
  ByteReader reader(bytes);
  uint8_t flags = 0;
  reader.ReadLittle(flags);
  const uint8_t version_kind = flags & kVersionMask;
  if (!reader.ok() || flags >= 2 * kHasTombstones || version_kind > kVersionPlain ||
      ((flags & kHasTombstones) != 0) != header.has_tombstones) {
    return Corrupt("keys: unknown flags");
  }
  BlockKeys keys;
  ASSIGN_OR_RETURN(keys.runs, ReadRuns(reader, header));
  ASSIGN_OR_RETURN(keys.timestamps, ReadTimestamps(reader, header, keys.runs));
  ASSIGN_OR_RETURN(keys.versions, ReadVersions(reader, version_kind, keys.timestamps));
  if (header.has_tombstones) {
    ASSIGN_OR_RETURN(keys.tombstones, ReadTombstones(bytes.substr(reader.offset()), header.rows));
  } else if (!reader.AtEnd()) {
    return Corrupt("keys: bytes are left over");
  }
  return keys;
}

namespace {

// The validity of a column, and what is left: its values.
struct SplitColumn {
  std::vector<uint64_t> valid;  // empty: all
  size_t values = 0;
  std::string_view encoded;
};

Result<SplitColumn> Split(std::string_view bytes, uint32_t rows) {
  ByteReader reader(bytes);
  uint8_t flags = 0;
  if (!reader.ReadLittle(flags) || flags > kHasNulls) return Corrupt("unknown flags");
  SplitColumn split;
  split.values = rows;
  if (flags == kHasNulls) {
    std::string_view encoded;
    if (!reader.ReadLengthPrefixed(encoded)) return Corrupt("nulls: cut");
    split.valid.resize(BitmapWords(rows));
    RETURN_IF_ERROR(DecodeBitmap(encoded, rows, split.valid));
    split.values = 0;
    for (const uint64_t word : split.valid) {
      split.values += static_cast<size_t>(std::popcount(word));
    }
    if (split.values == 0 || split.values == rows) return Corrupt("nulls: all or none");
  }
  split.encoded = bytes.substr(reader.offset());
  return split;
}

// Spreads the values over the rows that have one.
std::vector<uint64_t> Spread(const std::vector<uint64_t>& words, const SplitColumn& split,
                             uint32_t rows) {
  std::vector<uint64_t> spread(rows);
  size_t next = 0;
  for (size_t row = 0; row < rows; ++row) {
    if (IsSet(split.valid, row)) spread[row] = words[next++];
  }
  return spread;
}

std::vector<uint32_t> SpreadOffsets(const std::vector<uint32_t>& offsets, const SplitColumn& split,
                                    uint32_t rows) {
  std::vector<uint32_t> spread(rows + 1);
  size_t next = 0;
  for (size_t row = 0; row < rows; ++row) {
    if (IsSet(split.valid, row)) ++next;
    spread[row + 1] = offsets[next];
  }
  return spread;
}

bool AreArrays(ColumnType type, const std::vector<uint32_t>& offsets, std::string_view bytes) {
  std::vector<std::string> strings;
  std::vector<int64_t> numbers;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const std::string_view cell = bytes.substr(offsets[i], offsets[i + 1] - offsets[i]);
    const bool is_array = type == ColumnType::kStringArray ? DecodeStringArray(cell, strings)
                                                           : DecodeInt64Array(cell, numbers);
    if (!is_array) return false;
  }
  return true;
}

Result<ColumnValues> DecodeValues(std::string_view bytes, const BlockColumn& column,
                                  const BlockHeader& header) {
  ASSIGN_OR_RETURN(SplitColumn split, Split(bytes, header.rows));
  Validity validity;
  const bool has_nulls = !split.valid.empty();
  if (IsFixed(column.type)) {
    std::vector<uint64_t> words(split.values);
    RETURN_IF_ERROR(DecodeWords(split.encoded, words));
    if (has_nulls) words = Spread(words, split, header.rows);
    validity.Assign(std::move(split.valid));
    return ColumnValues::FromWords(column.id, column.type, std::move(validity), std::move(words));
  }
  std::vector<uint32_t> offsets;
  std::string cells;
  RETURN_IF_ERROR(DecodeCells(split.encoded, split.values, static_cast<size_t>(CellBytes(header)),
                              offsets, cells));
  if ((column.type == ColumnType::kStringArray || column.type == ColumnType::kInt64Array) &&
      !AreArrays(column.type, offsets, cells)) {
    return Corrupt("a cell is not an array");
  }
  if (has_nulls) offsets = SpreadOffsets(offsets, split, header.rows);
  validity.Assign(std::move(split.valid));
  return ColumnValues::FromCells(column.id, column.type, std::move(validity), std::move(offsets),
                                 std::move(cells));
}

}  // namespace

Result<ColumnValues> DecodeColumn(std::string_view bytes, const BlockColumn& column,
                                  const BlockHeader& header) {
  auto values = DecodeValues(bytes, column, header);
  if (values.has_value()) return values;
  return std::move(values).error().With("column " + std::to_string(column.id.value()));
}

std::string ColumnSchemeName(std::string_view bytes, const BlockColumn& column, uint32_t rows) {
  auto split = Split(bytes, rows);
  if (!split.has_value()) return "unknown";
  const std::string_view encoded = split.value().encoded;
  const std::string name(IsFixed(column.type) ? WordsSchemeName(encoded)
                                              : CellsSchemeName(encoded));
  return split.value().valid.empty() ? name : "nulls, " + name;
}

}  // namespace ficus
