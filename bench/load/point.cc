#include "bench/load/point.h"

#include <bit>
#include <cstring>

#include <fmt/format.h>

namespace ficus::load {
namespace {

// Field numbers of the messages are written as the bytes that carry them: number << 3 | wire type.
constexpr char kVarint1 = 0x08, kVarint2 = 0x10, kVarint3 = 0x18;
constexpr char kBytes1 = 0x0a, kBytes2 = 0x12, kBytes3 = 0x1a, kBytes4 = 0x22, kBytes5 = 0x2a;
constexpr char kFixed64Field1 = 0x09;

void AppendVarint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

size_t VarintBytes(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

void AppendBytes(char tag, std::string_view bytes, std::string& out) {
  out.push_back(tag);
  AppendVarint(bytes.size(), out);
  out.append(bytes);
}

// A FieldValue of a DataPointValue.
size_t CellBytes(const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::kNull:
      return 2;
    case Cell::Kind::kInt:
      return 2 + (cell.integer == 0 ? 0 : 1 + VarintBytes(static_cast<uint64_t>(cell.integer)));
    case Cell::Kind::kFloat:
      return 2 + (std::bit_cast<uint64_t>(cell.number) == 0 ? 0 : 9);
  }
  return 0;
}

void AppendCell(const Cell& cell, std::string& out) {
  const size_t bytes = CellBytes(cell);
  out.push_back(kBytes3);
  out.push_back(static_cast<char>(bytes));
  if (cell.kind == Cell::Kind::kNull) {
    out.push_back(kVarint1);
    out.push_back(0);
    return;
  }
  out.push_back(cell.kind == Cell::Kind::kInt ? kBytes3 : kBytes5);
  out.push_back(static_cast<char>(bytes - 2));
  if (bytes == 2) return;  // zero is left out
  if (cell.kind == Cell::Kind::kInt) {
    out.push_back(kVarint1);
    AppendVarint(static_cast<uint64_t>(cell.integer), out);
    return;
  }
  out.push_back(kFixed64Field1);
  char little_endian[8];
  std::memcpy(little_endian, &cell.number, 8);
  out.append(little_endian, 8);
}

}  // namespace

bool operator==(const Cell& a, const Cell& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == Cell::Kind::kNull) return true;
  if (a.kind == Cell::Kind::kInt) return a.integer == b.integer;
  return std::bit_cast<uint64_t>(a.number) == std::bit_cast<uint64_t>(b.number);
}

std::string ToString(const Cell& cell) {
  if (cell.kind == Cell::Kind::kNull) return "null";
  if (cell.kind == Cell::Kind::kInt) return fmt::format("{}", cell.integer);
  return fmt::format("{}", cell.number);
}

void EncodeTagsInto(const std::string_view* values, size_t count, std::string& out) {
  size_t family = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t str = 1 + VarintBytes(values[i].size()) + values[i].size();
    const size_t value = 1 + VarintBytes(str) + str;
    family += 1 + VarintBytes(value) + value;
  }
  out.clear();
  out.push_back(kBytes2);
  AppendVarint(family, out);
  for (size_t i = 0; i < count; ++i) {
    const size_t str = 1 + VarintBytes(values[i].size()) + values[i].size();
    out.push_back(kBytes1);
    AppendVarint(1 + VarintBytes(str) + str, out);
    out.push_back(kBytes2);
    AppendVarint(str, out);
    AppendBytes(kBytes1, values[i], out);
  }
}

std::string EncodeTags(const std::vector<std::string>& values) {
  const std::vector<std::string_view> views(values.begin(), values.end());
  std::string out;
  EncodeTagsInto(views.data(), views.size(), out);
  return out;
}

std::string EncodeHead(const std::string& group, const MeasureShape& measure) {
  std::string metadata;
  AppendBytes(kBytes1, group, metadata);
  AppendBytes(kBytes2, measure.name, metadata);
  std::string family;
  AppendBytes(kBytes1, measure.tag_family, family);
  for (const std::string& tag : measure.tags) AppendBytes(kBytes2, tag, family);
  std::string spec;
  AppendBytes(kBytes1, family, spec);
  for (const FieldShape& field : measure.fields) AppendBytes(kBytes2, field.name, spec);
  std::string head;
  AppendBytes(kBytes1, metadata, head);
  AppendBytes(kBytes4, spec, head);
  return head;
}

void AppendRequest(const Point& point, uint64_t message_id, std::string& out) {
  const auto seconds = static_cast<uint64_t>(point.timestamp_ms / 1000);
  const auto nanos = static_cast<uint64_t>(point.timestamp_ms % 1000) * 1'000'000;
  const size_t time = 1 + VarintBytes(seconds) + (nanos == 0 ? 0 : 1 + VarintBytes(nanos));
  size_t bytes = 2 + time + point.tags.size();
  for (const Cell& cell : point.cells) bytes += 2 + CellBytes(cell);
  out.push_back(kBytes2);
  AppendVarint(bytes, out);
  out.push_back(kBytes1);
  out.push_back(static_cast<char>(time));
  out.push_back(kVarint1);
  AppendVarint(seconds, out);
  if (nanos != 0) {
    out.push_back(kVarint2);
    AppendVarint(nanos, out);
  }
  out.append(point.tags);
  for (const Cell& cell : point.cells) AppendCell(cell, out);
  out.push_back(kVarint3);
  AppendVarint(message_id, out);
}

}  // namespace ficus::load
