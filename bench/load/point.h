// One point to write, and its bytes as a measure.v1.WriteRequest.
//
// The bytes are written by hand from parts that are prepared once: building protobuf classes for
// each point would make the client, not the node, the limit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/measure_shape.h"

namespace ficus::load {

// The value of a field. Only the member of the kind counts.
struct Cell {
  enum class Kind : uint8_t { kNull, kInt, kFloat };
  Kind kind = Kind::kNull;
  int64_t integer = 0;
  double number = 0;

  static Cell Int(int64_t value) { return {Kind::kInt, value, 0}; }
  static Cell Float(double value) { return {Kind::kFloat, 0, value}; }
  static Cell Null() { return {}; }
  // Bit for bit: 0.0 and -0.0 differ, a NaN equals itself.
  friend bool operator==(const Cell& a, const Cell& b);
};

// "null", "42", "0.125": floats in the shortest form that reads back the same.
std::string ToString(const Cell& cell);

struct Point {
  size_t measure = 0;        // which of the source's measures
  int64_t timestamp_ms = 0;  // since 1970 UTC
  std::string tags;          // as EncodeTags makes them
  std::vector<Cell> cells;   // one for each field
};

// The tag families of a DataPointValue, encoded: one family with these strings.
std::string EncodeTags(const std::vector<std::string>& values);
// The same, put into `out`.
void EncodeTagsInto(const std::string_view* values, size_t count, std::string& out);

// The metadata and the names of the positions, encoded: what goes in front of the first point of a
// measure on a stream.
std::string EncodeHead(const std::string& group, const MeasureShape& measure);

// Appends a WriteRequest without its head. `message_id` > 0.
void AppendRequest(const Point& point, uint64_t message_id, std::string& out);

}  // namespace ficus::load
