// What a measure.v1.WriteRequest says, as views into its bytes.
//
// One object is reused for all messages of a stream: after a few of them nothing is allocated.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ficus {

enum class ValueKind : uint8_t {
  kUnset,  // a value message without a value
  kNull,
  kString,
  kInt,
  kFloat,
  kBinary,
  kStringArray,
  kIntArray,
  kTimestamp,
};

struct TimestampView {
  int64_t seconds = 0;
  int32_t nanos = 0;
};

// A run of entries of one of the vectors of WriteRequestView.
struct ItemRange {
  uint32_t first = 0;
  uint32_t count = 0;
};

struct ValueView {
  ValueKind kind = ValueKind::kUnset;
  int32_t nanos = 0;       // kTimestamp
  uint64_t word = 0;       // kInt; kFloat: its bits; kTimestamp: seconds
  std::string_view bytes;  // kString, kBinary
  ItemRange array;         // kStringArray, kIntArray: array messages in array_messages
};

struct MetadataView {
  std::string_view group;
  std::string_view name;
  uint32_t id = 0;
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
};

struct FamilySpecView {
  std::string_view name;
  ItemRange tags;  // in spec_tags
};

// The views die with the bytes that were parsed.
struct WriteRequestView {
  bool has_metadata = false;
  bool has_data_point = false;
  bool has_timestamp = false;
  bool has_spec = false;
  uint64_t message_id = 0;
  int64_t version = 0;
  TimestampView timestamp;
  MetadataView metadata;

  std::vector<ItemRange> families;  // in tags
  std::vector<ValueView> tags;
  std::vector<ValueView> fields;
  std::vector<FamilySpecView> spec_families;
  std::vector<std::string_view> spec_tags;
  std::vector<std::string_view> spec_fields;
  // The bodies of array messages, checked: an array that came in pieces has several, and its
  // elements are those of all pieces in order.
  std::vector<std::string_view> array_messages;

  // Forgets the message, keeps the memory.
  void Clear();
};

}  // namespace ficus
