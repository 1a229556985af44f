// What the generated class says about a message, compared with what the wire walker says.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <banyandb/measure/v1/write.pb.h>
#include <google/protobuf/stubs/logging.h>

#include "engine/base/bytes.h"
#include "server/ingest/wire_walker.h"
#include "server/ingest/write_request_view.h"

namespace ficus {

namespace reference {

// The name of the first thing that differs; empty when nothing does.
inline std::string Metadata(const banyandb::common::v1::Metadata& message,
                            const MetadataView& view) {
  if (message.group() != view.group) return "metadata.group";
  if (message.name() != view.name) return "metadata.name";
  if (message.id() != view.id) return "metadata.id";
  if (message.create_revision() != view.create_revision) return "metadata.create_revision";
  if (message.mod_revision() != view.mod_revision) return "metadata.mod_revision";
  return {};
}

inline bool SameTag(const banyandb::model::v1::TagValue& message, const WriteRequestView& view,
                    const ValueView& value) {
  using Message = banyandb::model::v1::TagValue;
  std::string cell;
  std::string expected;
  switch (message.value_case()) {
    case Message::VALUE_NOT_SET:
      return value.kind == ValueKind::kUnset;
    case Message::kNull:
      return value.kind == ValueKind::kNull;
    case Message::kStr:
      return value.kind == ValueKind::kString && message.str().value() == value.bytes;
    case Message::kInt:
      return value.kind == ValueKind::kInt &&
             static_cast<uint64_t>(message.int_().value()) == value.word;
    case Message::kBinaryData:
      return value.kind == ValueKind::kBinary && message.binary_data() == value.bytes;
    case Message::kTimestamp:
      return value.kind == ValueKind::kTimestamp &&
             static_cast<uint64_t>(message.timestamp().seconds()) == value.word &&
             message.timestamp().nanos() == value.nanos;
    case Message::kStrArray:
      if (value.kind != ValueKind::kStringArray) return false;
      for (const auto& element : message.str_array().value()) PutLengthPrefixed(expected, element);
      AppendStringArrayCell(view, value, cell);
      return cell == expected;
    case Message::kIntArray:
      if (value.kind != ValueKind::kIntArray) return false;
      for (const auto element : message.int_array().value()) PutLittle(expected, element);
      AppendInt64ArrayCell(view, value, cell);
      return cell == expected;
  }
  return false;
}

inline bool SameField(const banyandb::model::v1::FieldValue& message, const ValueView& value) {
  using Message = banyandb::model::v1::FieldValue;
  switch (message.value_case()) {
    case Message::VALUE_NOT_SET:
      return value.kind == ValueKind::kUnset;
    case Message::kNull:
      return value.kind == ValueKind::kNull;
    case Message::kStr:
      return value.kind == ValueKind::kString && message.str().value() == value.bytes;
    case Message::kInt:
      return value.kind == ValueKind::kInt &&
             static_cast<uint64_t>(message.int_().value()) == value.word;
    case Message::kBinaryData:
      return value.kind == ValueKind::kBinary && message.binary_data() == value.bytes;
    case Message::kFloat:
      return value.kind == ValueKind::kFloat &&
             std::bit_cast<uint64_t>(message.float_().value()) == value.word;
  }
  return false;
}

inline std::string DataPoint(const banyandb::measure::v1::DataPointValue& message,
                             const WriteRequestView& view) {
  if (message.has_timestamp() != view.has_timestamp) return "has timestamp";
  if (message.timestamp().seconds() != view.timestamp.seconds) return "timestamp.seconds";
  if (message.timestamp().nanos() != view.timestamp.nanos) return "timestamp.nanos";
  if (message.version() != view.version) return "version";
  if (static_cast<size_t>(message.tag_families_size()) != view.families.size()) return "families";
  size_t tags = 0;
  for (int i = 0; i < message.tag_families_size(); ++i) {
    const ItemRange& family = view.families[static_cast<size_t>(i)];
    const auto& values = message.tag_families(i).tags();
    if (static_cast<uint32_t>(values.size()) != family.count) return "tags of a family";
    if (family.first != tags) return "place of a family";
    tags += family.count;
    for (int j = 0; j < values.size(); ++j) {
      if (!SameTag(values.Get(j), view, view.tags[family.first + static_cast<size_t>(j)])) {
        return "a tag";
      }
    }
  }
  if (tags != view.tags.size()) return "tags of no family";
  if (static_cast<size_t>(message.fields_size()) != view.fields.size()) return "fields";
  for (int i = 0; i < message.fields_size(); ++i) {
    if (!SameField(message.fields(i), view.fields[static_cast<size_t>(i)])) return "a field";
  }
  return {};
}

inline std::string Spec(const banyandb::measure::v1::DataPointSpec& message,
                        const WriteRequestView& view) {
  if (static_cast<size_t>(message.tag_family_spec_size()) != view.spec_families.size()) {
    return "families of the spec";
  }
  for (int i = 0; i < message.tag_family_spec_size(); ++i) {
    const FamilySpecView& family = view.spec_families[static_cast<size_t>(i)];
    const auto& expected = message.tag_family_spec(i);
    if (expected.name() != family.name) return "name of a family of the spec";
    if (static_cast<uint32_t>(expected.tag_names_size()) != family.tags.count) {
      return "tags of a family of the spec";
    }
    for (int j = 0; j < expected.tag_names_size(); ++j) {
      if (expected.tag_names(j) != view.spec_tags[family.tags.first + static_cast<size_t>(j)]) {
        return "a tag of the spec";
      }
    }
  }
  if (static_cast<size_t>(message.field_names_size()) != view.spec_fields.size()) {
    return "fields of the spec";
  }
  for (int i = 0; i < message.field_names_size(); ++i) {
    if (message.field_names(i) != view.spec_fields[static_cast<size_t>(i)]) {
      return "a field of the spec";
    }
  }
  return {};
}

}  // namespace reference

// Compares every field.
inline std::string DifferenceFrom(const banyandb::measure::v1::WriteRequest& message,
                                  const WriteRequestView& view) {
  if (message.has_metadata() != view.has_metadata) return "has metadata";
  if (message.has_data_point() != view.has_data_point) return "has data point";
  if (message.has_data_point_spec() != view.has_spec) return "has spec";
  if (message.message_id() != view.message_id) return "message_id";
  for (const std::string& difference : {reference::Metadata(message.metadata(), view.metadata),
                                        reference::DataPoint(message.data_point(), view),
                                        reference::Spec(message.data_point_spec(), view)}) {
    if (!difference.empty()) return difference;
  }
  return {};
}

// Parses `bytes` both ways; the difference, or empty. What the walker refuses for its size only is
// no difference.
inline std::string CompareParsers(std::string_view bytes, WriteRequestView& view) {
  // It has a line to say about every string that is no UTF-8.
  const google::protobuf::LogSilencer silence;
  banyandb::measure::v1::WriteRequest message;
  const bool accepted = message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const auto result = ParseWriteRequest(bytes, view);
  if (!result && result.error().code == ErrorCode::kResourceExhausted) return {};
  if (accepted != result.has_value()) return accepted ? "refused" : "accepted";
  return accepted ? DifferenceFrom(message, view) : std::string();
}

}  // namespace ficus
