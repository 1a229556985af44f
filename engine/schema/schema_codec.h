// Schema objects as bytes and as rows of the internal group `_schema`.
//
// Layout: FILE-FORMAT.md, "Schema row".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/ids.h"
#include "engine/model/row_batch.h"
#include "engine/schema/schema_object.h"
#include "engine/schema/schema_registry.h"

namespace ficus {

std::string EncodeSchemaObject(const SchemaObject& object);
// kCorruption for foreign bytes, kUnsupportedVersion for a version or feature this build does not
// know. Never allocates more than a small multiple of `bytes`. Checksums are the container's.
Result<SchemaObject> DecodeSchemaObject(std::string_view bytes);

// The rows of `_schema` lie in catalog property; the subject says the kind. Series key: subject
// "<kind>", entity (group, name). Timestamp 0, version = revision, one binary column.
inline constexpr GroupId kSchemaGroupId{0x5f736368656d61};  // "_schema"
SubjectId SchemaSubject(SchemaKind kind);
// No value when `subject` is not one of the eight.
std::optional<SchemaKind> SchemaKindOf(SubjectId subject);
inline constexpr ColumnId kSchemaObjectColumn{1};

// One row: `rows` has one row, `entry` names its series.
struct SchemaRow {
  RowBatch rows;
  SeriesEntry entry;
  friend bool operator==(const SchemaRow&, const SchemaRow&) = default;
};

SchemaRow EncodeSchemaRow(const SchemaObject& object);
// A tombstone.
SchemaRow EncodeSchemaRemoval(const SchemaKey& key, int64_t revision);
// The rows of a change, in its order.
std::vector<SchemaRow> EncodeSchemaChange(const SchemaChange& change);

// `object` has no value for a deletion.
struct DecodedSchemaRow {
  SchemaKey key;
  int64_t revision = 0;
  std::optional<SchemaObject> object;
};
// Row `row` of a batch of `_schema` with its series key. kCorruption: the key is foreign, the
// series id is not the key's, key, version and object disagree, or the object is foreign.
Result<DecodedSchemaRow> DecodeSchemaRow(const RowBatch& rows, size_t row,
                                         std::string_view series_key);

}  // namespace ficus
