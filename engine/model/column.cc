#include "engine/model/column.h"

#include <bit>
#include <limits>
#include <utility>

#include "engine/base/check.h"

namespace ficus {
namespace {

// The words of `rows` set bits; bits beyond are 0.
std::vector<uint64_t> AllOnes(size_t rows) {
  std::vector<uint64_t> words((rows + 63) / 64, ~uint64_t{0});
  if (rows % 64 != 0) words.back() = (uint64_t{1} << (rows % 64)) - 1;
  return words;
}

// Drops the bits when they say nothing, so that equal columns compare equal.
Validity Normal(Validity validity, size_t rows) {
  if (validity.all_valid()) return validity;
  CHECK(validity.words().size() == (rows + 63) / 64)
      << validity.words().size() << " validity words for " << rows << " rows";
  if (validity.CountValid(rows) == rows) validity.Clear();
  return validity;
}

}  // namespace

std::string_view ColumnTypeName(ColumnType type) {
  switch (type) {
    case ColumnType::kInt64:
      return "int64";
    case ColumnType::kFloat64:
      return "float64";
    case ColumnType::kString:
      return "string";
    case ColumnType::kBinary:
      return "binary";
    case ColumnType::kStringArray:
      return "string array";
    case ColumnType::kInt64Array:
      return "int64 array";
    case ColumnType::kTimestamp:
      return "timestamp";
  }
  return "unknown";
}

bool IsKnownColumnType(uint8_t raw) {
  return raw >= static_cast<uint8_t>(ColumnType::kInt64) &&
         raw <= static_cast<uint8_t>(ColumnType::kTimestamp);
}

void Validity::AppendRun(size_t rows, size_t count, bool valid) {
  if (count == 0 || (valid && bits_.empty())) return;
  if (bits_.empty()) bits_ = AllOnes(rows);
  bits_.resize((rows + count + 63) / 64);
  if (!valid) return;
  for (size_t row = rows; row < rows + count; ++row) bits_[row / 64] |= uint64_t{1} << (row % 64);
}

size_t Validity::CountValid(size_t rows) const {
  if (bits_.empty()) return rows;
  size_t valid = 0;
  for (size_t i = 0; i < rows / 64; ++i) valid += static_cast<size_t>(std::popcount(bits_[i]));
  if (rows % 64 != 0) {
    const uint64_t mask = (uint64_t{1} << (rows % 64)) - 1;
    valid += static_cast<size_t>(std::popcount(bits_[rows / 64] & mask));
  }
  return valid;
}

void ColumnValues::AppendNulls(size_t count) {
  if (count == 0) return;
  validity_.AppendRun(rows_, count, false);
  rows_ += count;
  if (IsFixed(type_)) {
    words_.resize(rows_, 0);
  } else {
    offsets_.resize(rows_ + 1, static_cast<uint32_t>(bytes_.size()));
  }
}

void ColumnValues::AppendCell(std::string_view cell) {
  DCHECK(!IsFixed(type_));
  CHECK(cell.size() <= std::numeric_limits<uint32_t>::max() - bytes_.size())
      << "more than 4 GiB in the cells of one column";
  validity_.Append(rows_, true);
  ++rows_;
  if (offsets_.empty()) offsets_.push_back(0);
  bytes_.append(cell);
  offsets_.push_back(static_cast<uint32_t>(bytes_.size()));
}

void ColumnValues::AppendFrom(const ColumnValues& other, size_t row) {
  DCHECK(other.type_ == type_);
  if (other.IsNull(row)) {
    AppendNull();
  } else if (IsFixed(type_)) {
    AppendWord(other.word(row));
  } else {
    AppendCell(other.cell(row));
  }
}

void ColumnValues::AppendRange(const ColumnValues& other, size_t begin, size_t end) {
  DCHECK(other.type_ == type_ && begin <= end && end <= other.rows_);
  if (begin == end) return;
  for (size_t row = begin; row < end && !(validity_.all_valid() && other.validity_.all_valid());) {
    size_t next = row + 1;
    while (next < end && other.IsNull(next) == other.IsNull(row)) ++next;
    validity_.AppendRun(rows_ + (row - begin), next - row, !other.IsNull(row));
    row = next;
  }
  rows_ += end - begin;
  if (IsFixed(type_)) {
    const std::span<const uint64_t> words = other.words().subspan(begin, end - begin);
    words_.insert(words_.end(), words.begin(), words.end());
    return;
  }
  const std::string_view cells =
      other.bytes().substr(other.offsets_[begin], other.offsets_[end] - other.offsets_[begin]);
  CHECK(cells.size() <= std::numeric_limits<uint32_t>::max() - bytes_.size())
      << "more than 4 GiB in the cells of one column";
  if (offsets_.empty()) offsets_.push_back(0);
  const auto moved = static_cast<uint32_t>(bytes_.size()) - other.offsets_[begin];
  for (size_t row = begin; row < end; ++row) offsets_.push_back(other.offsets_[row + 1] + moved);
  bytes_.append(cells);
}

ColumnValues ColumnValues::FromWords(ColumnId id, ColumnType type, Validity validity,
                                     std::vector<uint64_t> words) {
  CHECK(IsFixed(type)) << ColumnTypeName(type);
  ColumnValues column(id, type);
  column.rows_ = words.size();
  column.validity_ = Normal(std::move(validity), column.rows_);
  column.words_ = std::move(words);
  return column;
}

ColumnValues ColumnValues::FromCells(ColumnId id, ColumnType type, Validity validity,
                                     std::vector<uint32_t> offsets, std::string bytes) {
  CHECK(!IsFixed(type)) << ColumnTypeName(type);
  ColumnValues column(id, type);
  if (offsets.empty()) {
    CHECK(bytes.empty()) << bytes.size() << " bytes without a cell";
  } else {
    CHECK(offsets.front() == 0 && offsets.back() == bytes.size())
        << "offsets " << offsets.front() << ".." << offsets.back() << " into " << bytes.size();
    column.rows_ = offsets.size() - 1;
    if (column.rows_ == 0) offsets.clear();
  }
  column.validity_ = Normal(std::move(validity), column.rows_);
  column.offsets_ = std::move(offsets);
  column.bytes_ = std::move(bytes);
  return column;
}

void ColumnValues::Reserve(size_t rows) {
  if (IsFixed(type_)) {
    words_.reserve(rows);
  } else {
    offsets_.reserve(rows + 1);
  }
}

void ColumnValues::Clear() {
  rows_ = 0;
  validity_.Clear();
  words_.clear();
  offsets_.clear();
  bytes_.clear();
}

size_t ColumnValues::MemoryBytes() const {
  return sizeof *this + validity_.words().size() * sizeof(uint64_t) +
         words_.capacity() * sizeof(uint64_t) + offsets_.capacity() * sizeof(uint32_t) +
         bytes_.capacity();
}

}  // namespace ficus
