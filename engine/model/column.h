// Columns of rows: their types, and their values for a run of rows.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/ids.h"

namespace ficus {

enum class ColumnType : uint8_t {
  kInt64 = 1,
  kFloat64 = 2,  // bit-exact: NaN payloads and -0.0 come back as they were written
  kString = 3,
  kBinary = 4,
  kStringArray = 5,  // cell = for each element: varint length, bytes
  kInt64Array = 6,   // cell = for each element: 8 bytes little-endian
  kTimestamp = 7,    // int64 nanoseconds
};

std::string_view ColumnTypeName(ColumnType type);
// True for the types whose values are 8-byte words.
constexpr bool IsFixed(ColumnType type) {
  return type == ColumnType::kInt64 || type == ColumnType::kFloat64 ||
         type == ColumnType::kTimestamp;
}
bool IsKnownColumnType(uint8_t raw);

// Which rows of a run have a value. Without bits every row has one.
class Validity {
 public:
  bool all_valid() const { return bits_.empty(); }
  bool IsValid(size_t row) const {
    return bits_.empty() || (bits_[row / 64] >> (row % 64) & 1) != 0;
  }
  // Appends one row to a run that has `rows` rows so far.
  void Append(size_t rows, bool valid) {
    if (!valid || !bits_.empty()) AppendRun(rows, 1, valid);
  }
  // Appends `count` equal rows.
  void AppendRun(size_t rows, size_t count, bool valid);
  size_t CountValid(size_t rows) const;
  // Bit i of word i / 64; empty when all are valid.
  std::span<const uint64_t> words() const { return bits_; }
  void Assign(std::vector<uint64_t> words) { bits_ = std::move(words); }
  void Clear() { bits_.clear(); }
  friend bool operator==(const Validity&, const Validity&) = default;

 private:
  std::vector<uint64_t> bits_;
};

// The values of one column for a run of rows. A null row holds a zero word or an empty cell.
//
// Fixed types live in words() (floats as their bits), the others as cells in one byte string.
class ColumnValues {
 public:
  ColumnValues() = default;
  ColumnValues(ColumnId id, ColumnType type) : id_(id), type_(type) {}

  ColumnId id() const { return id_; }
  ColumnType type() const { return type_; }
  size_t rows() const { return rows_; }

  void AppendNull() { AppendNulls(1); }
  // Fixed types only.
  void AppendWord(uint64_t word) {
    validity_.Append(rows_, true);
    ++rows_;
    words_.push_back(word);
  }
  // Other types only.
  void AppendCell(std::string_view cell);
  // Row `row` of `other`, which has the same type.
  void AppendFrom(const ColumnValues& other, size_t row);
  // Rows [begin, end) of `other`, which has the same type.
  void AppendRange(const ColumnValues& other, size_t begin, size_t end);
  void AppendNulls(size_t count);

  bool IsNull(size_t row) const { return !validity_.IsValid(row); }
  uint64_t word(size_t row) const { return words_[row]; }
  int64_t int64(size_t row) const { return static_cast<int64_t>(words_[row]); }
  double float64(size_t row) const { return std::bit_cast<double>(words_[row]); }
  std::string_view cell(size_t row) const {
    return std::string_view(bytes_).substr(offsets_[row], offsets_[row + 1] - offsets_[row]);
  }

  const Validity& validity() const { return validity_; }
  std::span<const uint64_t> words() const { return words_; }
  // rows() + 1 offsets into bytes().
  std::span<const uint32_t> offsets() const { return offsets_; }
  std::string_view bytes() const { return bytes_; }

  // Takes over decoded parts: `words` for a fixed type, else `offsets` (ascending; empty for no
  // rows) into `bytes`. `validity` has no words or one per 64 rows. Types and sizes are CHECKed.
  static ColumnValues FromWords(ColumnId id, ColumnType type, Validity validity,
                                std::vector<uint64_t> words);
  static ColumnValues FromCells(ColumnId id, ColumnType type, Validity validity,
                                std::vector<uint32_t> offsets, std::string bytes);

  void Reserve(size_t rows);
  // Removes all rows, keeps id, type and memory.
  void Clear();
  size_t MemoryBytes() const;
  friend bool operator==(const ColumnValues&, const ColumnValues&) = default;

 private:
  ColumnId id_;
  ColumnType type_ = ColumnType::kInt64;
  size_t rows_ = 0;
  Validity validity_;
  std::vector<uint64_t> words_;
  std::vector<uint32_t> offsets_;  // empty while there is no row
  std::string bytes_;
};

}  // namespace ficus
