#include "engine/schema/schema_codec.h"

#include <algorithm>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/model/entity.h"

namespace ficus {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint64_t kSubjectBase = 0x736368656d610000;  // "schema" and the kind
constexpr uint8_t kFlagNone = 0;

// ---- writing ------------------------------------------------------------------------------------

void Put(std::string& out, const std::string& text) { PutLengthPrefixed(out, text); }
void Put(std::string& out, bool flag) { out.push_back(flag ? '\1' : '\0'); }
template <typename T>
requires std::is_enum_v<T>
void Put(std::string& out, T value) { out.push_back(static_cast<char>(value)); }
void PutByte(std::string& out, uint8_t value) { out.push_back(static_cast<char>(value)); }
void PutSigned(std::string& out, int64_t value) { PutVarint(out, ZigZag(value)); }

template <typename T, typename PutOne>
void PutList(std::string& out, const std::vector<T>& list, PutOne put_one) {
  PutVarint(out, list.size());
  for (const T& item : list) put_one(out, item);
}

void PutNames(std::string& out, const std::vector<std::string>& names) {
  PutList(out, names, [](std::string& to, const std::string& name) { Put(to, name); });
}

void PutRule(std::string& out, const std::optional<IntervalRule>& rule) {
  Put(out, rule.has_value());
  if (!rule) return;
  Put(out, rule->unit);
  PutVarint(out, rule->num);
}

void PutTag(std::string& out, const TagSpec& tag) {
  Put(out, tag.name);
  Put(out, tag.type);
  PutVarint(out, tag.column.value());
}

void PutFamily(std::string& out, const TagFamily& family) {
  Put(out, family.name);
  PutList(out, family.tags, PutTag);
}

void PutField(std::string& out, const FieldSpec& field) {
  Put(out, field.name);
  Put(out, field.type);
  PutByte(out, field.encoding);
  PutByte(out, field.compression);
  PutVarint(out, field.column.value());
}

void PutColumn(std::string& out, const SubjectColumn& column) {
  PutVarint(out, column.id.value());
  Put(out, column.type);
  Put(out, column.is_field);
  Put(out, column.dropped);
  Put(out, column.family);
  Put(out, column.name);
}

void PutView(std::string& out, const GroupSchema& group) {
  Put(out, group.catalog);
  CHECK(group.resources.has_value());
  PutVarint(out, group.resources->shard_count);
  PutRule(out, group.resources->segment_interval);
  PutRule(out, group.resources->ttl);
}

void PutView(std::string& out, const StreamSchema& stream) {
  PutList(out, stream.families, PutFamily);
  PutNames(out, stream.entity);
  PutList(out, stream.columns, PutColumn);
}

void PutView(std::string& out, const MeasureSchema& measure) {
  PutList(out, measure.families, PutFamily);
  PutList(out, measure.fields, PutField);
  PutNames(out, measure.entity);
  PutNames(out, measure.sharding_key);
  Put(out, measure.interval);
  Put(out, measure.index_mode);
  PutList(out, measure.columns, PutColumn);
}

void PutView(std::string& out, const TraceSchema& trace) {
  PutList(out, trace.tags, PutTag);
  Put(out, trace.trace_id_tag);
  Put(out, trace.span_id_tag);
  Put(out, trace.timestamp_tag);
  PutList(out, trace.columns, PutColumn);
}

void PutView(std::string& out, const PropertySchema& property) {
  PutList(out, property.tags, PutTag);
  PutList(out, property.columns, PutColumn);
}

void PutView(std::string& out, const IndexRuleSchema& rule) {
  PutVarint(out, rule.id);
  PutNames(out, rule.tags);
  Put(out, rule.type);
  Put(out, rule.analyzer);
  Put(out, rule.no_sort);
}

void PutView(std::string& out, const IndexRuleBindingSchema& binding) {
  PutNames(out, binding.rules);
  Put(out, binding.subject_catalog);
  Put(out, binding.subject);
  PutSigned(out, binding.begin_at);
  PutSigned(out, binding.expire_at);
}

void PutView(std::string& out, const TopNAggregationSchema& top_n) {
  Put(out, top_n.source_group);
  Put(out, top_n.source_measure);
  Put(out, top_n.field_name);
  Put(out, top_n.sort);
  PutNames(out, top_n.group_by_tags);
  PutSigned(out, top_n.counters_number);
  PutSigned(out, top_n.lru_size);
}

// ---- reading ------------------------------------------------------------------------------------

// The range of an enumeration on the wire.
template <typename T>
struct Range;
template <>
struct Range<TagType> {
  static constexpr uint8_t kFirst = 1, kLast = 6;
};
template <>
struct Range<FieldType> {
  static constexpr uint8_t kFirst = 1, kLast = 4;
};
template <>
struct Range<IntervalUnit> {
  static constexpr uint8_t kFirst = 1, kLast = 2;
};
template <>
struct Range<IndexType> {
  static constexpr uint8_t kFirst = 1, kLast = 3;
};
template <>
struct Range<SortOrder> {
  static constexpr uint8_t kFirst = 0, kLast = 2;
};
template <>
struct Range<Catalog> {
  static constexpr uint8_t kFirst = 1, kLast = 4;
};
template <>
struct Range<ColumnType> {
  static constexpr uint8_t kFirst = 1, kLast = 7;
};
template <>
struct Range<SchemaKind> {
  static constexpr uint8_t kFirst = 1, kLast = 8;
};

bool Get(ByteReader& in, std::string& text) {
  std::string_view bytes;
  if (!in.ReadLengthPrefixed(bytes)) return false;
  text.assign(bytes);
  return true;
}

bool Get(ByteReader& in, bool& flag) {
  uint8_t byte = 0;
  if (!in.ReadLittle(byte) || byte > 1) return false;
  flag = byte == 1;
  return true;
}

template <typename T>
requires std::is_enum_v<T>
bool Get(ByteReader& in, T& value) {
  uint8_t byte = 0;
  if (!in.ReadLittle(byte) || byte < Range<T>::kFirst || byte > Range<T>::kLast) return false;
  value = static_cast<T>(byte);
  return true;
}

bool GetUint32(ByteReader& in, uint32_t& value) {
  uint64_t wide = 0;
  if (!in.ReadVarintAtMost(UINT32_MAX, wide)) return false;
  value = static_cast<uint32_t>(wide);
  return true;
}

bool GetColumnId(ByteReader& in, ColumnId& id) {
  uint32_t value = 0;
  if (!GetUint32(in, value)) return false;
  id = ColumnId(value);
  return true;
}

bool GetSigned(ByteReader& in, int64_t& value) {
  uint64_t zigzag = 0;
  if (!in.ReadVarint(zigzag)) return false;
  value = UnZigZag(zigzag);
  return true;
}

bool GetInt32(ByteReader& in, int32_t& value) {
  int64_t wide = 0;
  if (!GetSigned(in, wide) || wide < INT32_MIN || wide > INT32_MAX) return false;
  value = static_cast<int32_t>(wide);
  return true;
}

// Every item takes at least `item_bytes_min` bytes, which bounds what a forged count can allocate.
template <typename T, typename GetOne>
bool GetList(ByteReader& in, size_t item_bytes_min, std::vector<T>& list, GetOne get_one) {
  uint64_t count = 0;
  if (!in.ReadVarintAtMost(in.remaining() / item_bytes_min, count)) return false;
  list.clear();
  for (uint64_t i = 0; i < count; ++i) {
    if (!get_one(in, list.emplace_back())) return false;
  }
  return true;
}

bool GetNames(ByteReader& in, std::vector<std::string>& names) {
  return GetList(in, 1, names, [](ByteReader& from, std::string& name) { return Get(from, name); });
}

bool GetRule(ByteReader& in, std::optional<IntervalRule>& rule) {
  bool present = false;
  if (!Get(in, present)) return false;
  rule.reset();
  if (!present) return true;
  rule.emplace();
  return Get(in, rule->unit) && GetUint32(in, rule->num);
}

bool GetTag(ByteReader& in, TagSpec& tag) {
  return Get(in, tag.name) && Get(in, tag.type) && GetColumnId(in, tag.column);
}

bool GetFamily(ByteReader& in, TagFamily& family) {
  return Get(in, family.name) && GetList(in, 3, family.tags, GetTag);
}

bool GetField(ByteReader& in, FieldSpec& field) {
  return Get(in, field.name) && Get(in, field.type) && in.ReadLittle(field.encoding) &&
         in.ReadLittle(field.compression) && GetColumnId(in, field.column);
}

bool GetColumn(ByteReader& in, SubjectColumn& column) {
  return GetColumnId(in, column.id) && Get(in, column.type) && Get(in, column.is_field) &&
         Get(in, column.dropped) && Get(in, column.family) && Get(in, column.name);
}

bool GetColumns(ByteReader& in, std::vector<SubjectColumn>& columns) {
  if (!GetList(in, 6, columns, GetColumn)) return false;
  for (size_t i = 0; i < columns.size(); ++i) {
    const ColumnId previous = i == 0 ? kNoColumn : columns[i - 1].id;
    if (columns[i].id <= previous) return false;
  }
  return true;
}

bool GetView(ByteReader& in, GroupSchema& group) {
  ResourceOptions& resources = group.resources.emplace();
  if (!Get(in, group.catalog) || !GetUint32(in, resources.shard_count)) return false;
  if (!GetRule(in, resources.segment_interval) || !GetRule(in, resources.ttl)) return false;
  const bool segmented = group.catalog != Catalog::kProperty;
  return resources.shard_count > 0 && resources.segment_interval.has_value() == segmented &&
         resources.ttl.has_value() == segmented;
}

bool GetView(ByteReader& in, StreamSchema& stream) {
  return GetList(in, 2, stream.families, GetFamily) && GetNames(in, stream.entity) &&
         GetColumns(in, stream.columns);
}

bool GetView(ByteReader& in, MeasureSchema& measure) {
  return GetList(in, 2, measure.families, GetFamily) && GetList(in, 5, measure.fields, GetField) &&
         GetNames(in, measure.entity) && GetNames(in, measure.sharding_key) &&
         Get(in, measure.interval) && Get(in, measure.index_mode) &&
         GetColumns(in, measure.columns);
}

bool GetView(ByteReader& in, TraceSchema& trace) {
  return GetList(in, 3, trace.tags, GetTag) && Get(in, trace.trace_id_tag) &&
         Get(in, trace.span_id_tag) && Get(in, trace.timestamp_tag) &&
         GetColumns(in, trace.columns);
}

bool GetView(ByteReader& in, PropertySchema& property) {
  return GetList(in, 3, property.tags, GetTag) && GetColumns(in, property.columns);
}

bool GetView(ByteReader& in, IndexRuleSchema& rule) {
  return GetUint32(in, rule.id) && GetNames(in, rule.tags) && Get(in, rule.type) &&
         Get(in, rule.analyzer) && Get(in, rule.no_sort);
}

bool GetView(ByteReader& in, IndexRuleBindingSchema& binding) {
  return GetNames(in, binding.rules) && Get(in, binding.subject_catalog) &&
         Get(in, binding.subject) && GetSigned(in, binding.begin_at) &&
         GetSigned(in, binding.expire_at);
}

bool GetView(ByteReader& in, TopNAggregationSchema& top_n) {
  return Get(in, top_n.source_group) && Get(in, top_n.source_measure) &&
         Get(in, top_n.field_name) && Get(in, top_n.sort) && GetNames(in, top_n.group_by_tags) &&
         GetInt32(in, top_n.counters_number) && GetInt32(in, top_n.lru_size);
}

template <typename T>
bool GetAs(ByteReader& in, SchemaView& view) {
  return GetView(in, view.emplace<T>());
}

bool GetViewOf(SchemaKind kind, ByteReader& in, SchemaView& view) {
  switch (kind) {
    case SchemaKind::kGroup:
      return GetAs<GroupSchema>(in, view);
    case SchemaKind::kStream:
      return GetAs<StreamSchema>(in, view);
    case SchemaKind::kMeasure:
      return GetAs<MeasureSchema>(in, view);
    case SchemaKind::kTrace:
      return GetAs<TraceSchema>(in, view);
    case SchemaKind::kProperty:
      return GetAs<PropertySchema>(in, view);
    case SchemaKind::kIndexRule:
      return GetAs<IndexRuleSchema>(in, view);
    case SchemaKind::kIndexRuleBinding:
      return GetAs<IndexRuleBindingSchema>(in, view);
    case SchemaKind::kTopNAggregation:
      return GetAs<TopNAggregationSchema>(in, view);
  }
  return false;
}

// A tag or field names a live column of its type, or none where it may.
struct ColumnCheck {
  const std::vector<SubjectColumn>& columns;

  bool Holds(ColumnId id, ColumnType type, bool is_field) const {
    const auto found = std::lower_bound(
        columns.begin(), columns.end(), id,
        [](const SubjectColumn& column, ColumnId wanted) { return column.id < wanted; });
    return found != columns.end() && found->id == id && found->type == type && !found->dropped &&
           found->is_field == is_field;
  }
  bool operator()(const TagSpec& tag) const {
    return tag.column == kNoColumn || Holds(tag.column, ColumnTypeOf(tag.type), false);
  }
  bool operator()(const FieldSpec& field) const {
    return Holds(field.column, ColumnTypeOf(field.type), true);
  }
  bool operator()(const TagFamily& family) const { return All(family.tags); }
  template <typename T>
  bool All(const std::vector<T>& list) const {
    return std::all_of(list.begin(), list.end(), *this);
  }
};

bool ColumnsFit(const SchemaView& view) {
  if (const auto* measure = std::get_if<MeasureSchema>(&view)) {
    const ColumnCheck check{measure->columns};
    return check.All(measure->families) && check.All(measure->fields);
  }
  if (const auto* stream = std::get_if<StreamSchema>(&view)) {
    return ColumnCheck{stream->columns}.All(stream->families);
  }
  if (const auto* trace = std::get_if<TraceSchema>(&view)) {
    return ColumnCheck{trace->columns}.All(trace->tags);
  }
  if (const auto* property = std::get_if<PropertySchema>(&view)) {
    return ColumnCheck{property->columns}.All(property->tags);
  }
  return true;
}

Error Corrupt(const std::string& what) {
  return {ErrorCode::kCorruption, "schema object: " + what};
}

// ---- rows ---------------------------------------------------------------------------------------

std::string SeriesKeyOf(const SchemaKey& key) {
  // Strings only, so it cannot fail.
  return EncodeSeriesKey(SchemaKindName(key.kind), {key.group, key.name}).value();
}

// A batch of one row without columns.
SchemaRow NewRow(const SchemaKey& key, int64_t revision) {
  SchemaRow row;
  row.entry.subject = SchemaSubject(key.kind);
  row.entry.entity = SeriesKeyOf(key);
  row.entry.series = SeriesIdOf(row.entry.entity);
  row.rows.subject = row.entry.subject;
  row.rows.series = {row.entry.series};
  row.rows.timestamps = {0};
  row.rows.versions = {revision};
  row.rows.columns.emplace_back(kSchemaObjectColumn, ColumnType::kBinary);
  return row;
}

// A string of the key; an empty one comes back as null.
bool TakeName(const TagValue& value, std::string& name) {
  name.clear();
  if (std::holds_alternative<Null>(value)) return true;
  const auto* text = std::get_if<std::string>(&value);
  if (text != nullptr) name = *text;
  return text != nullptr;
}

Result<SchemaKey> DecodeKey(SchemaKind kind, std::string_view series_key) {
  ASSIGN_OR_RETURN(const auto decoded, DecodeSeriesKey(series_key));
  SchemaKey key;
  key.kind = kind;
  if (decoded.subject != SchemaKindName(kind) || decoded.entity.size() != 2 ||
      !TakeName(decoded.entity[0], key.group) || !TakeName(decoded.entity[1], key.name)) {
    return Error{ErrorCode::kCorruption, "schema row: series key of another kind of row"};
  }
  return key;
}

}  // namespace

std::string EncodeSchemaObject(const SchemaObject& object) {
  CHECK(ViewFits(object.key.kind, object.view)) << SchemaKindName(object.key.kind);
  std::string out;
  PutByte(out, kVersion);
  PutByte(out, kFlagNone);
  Put(out, object.key.kind);
  Put(out, object.key.group);
  Put(out, object.key.name);
  PutLittle(out, object.group_id.value());
  PutLittle(out, object.subject_id.value());
  PutLittle(out, object.mod_revision);
  PutLittle(out, object.created_at);
  PutLittle(out, object.updated_at);
  Put(out, object.payload);
  std::visit([&](const auto& view) { PutView(out, view); }, object.view);
  return out;
}

Result<SchemaObject> DecodeSchemaObject(std::string_view bytes) {
  ByteReader in(bytes);
  uint8_t version = 0;
  uint8_t features = 0;
  if (!in.ReadLittle(version) || !in.ReadLittle(features)) return Corrupt("no header");
  if (version != kVersion || features != kFlagNone) {
    return Error{ErrorCode::kUnsupportedVersion, "schema object: version " +
                                                     std::to_string(version) + ", features " +
                                                     std::to_string(features)};
  }
  SchemaObject object;
  uint64_t group_id = 0;
  uint64_t subject_id = 0;
  if (!Get(in, object.key.kind) || !Get(in, object.key.group) || !Get(in, object.key.name) ||
      !in.ReadLittle(group_id) || !in.ReadLittle(subject_id) ||
      !in.ReadLittle(object.mod_revision) || !in.ReadLittle(object.created_at) ||
      !in.ReadLittle(object.updated_at) || !Get(in, object.payload)) {
    return Corrupt("bad head");
  }
  object.group_id = GroupId(group_id);
  object.subject_id = SubjectId(subject_id);
  if ((group_id != 0) != (object.key.kind == SchemaKind::kGroup) ||
      (subject_id != 0) != IsSubject(object.key.kind)) {
    return Corrupt("ids that its kind does not have");
  }
  if (!GetViewOf(object.key.kind, in, object.view) || !in.AtEnd()) {
    return Corrupt("bad " + std::string(SchemaKindName(object.key.kind)));
  }
  if (!ColumnsFit(object.view)) return Corrupt("a tag or field without its column");
  return object;
}

SubjectId SchemaSubject(SchemaKind kind) {
  return SubjectId(kSubjectBase | static_cast<uint64_t>(kind));
}

std::optional<SchemaKind> SchemaKindOf(SubjectId subject) {
  for (const SchemaKind kind : kSchemaKinds) {
    if (SchemaSubject(kind) == subject) return kind;
  }
  return std::nullopt;
}

SchemaRow EncodeSchemaRow(const SchemaObject& object) {
  SchemaRow row = NewRow(object.key, object.mod_revision);
  row.rows.columns[0].AppendCell(EncodeSchemaObject(object));
  return row;
}

SchemaRow EncodeSchemaRemoval(const SchemaKey& key, int64_t revision) {
  SchemaRow row = NewRow(key, revision);
  row.rows.columns[0].AppendNull();
  row.rows.tombstones = {true};
  return row;
}

std::vector<SchemaRow> EncodeSchemaChange(const SchemaChange& change) {
  std::vector<SchemaRow> rows;
  for (const SchemaObject& object : change.objects) rows.push_back(EncodeSchemaRow(object));
  for (const SchemaRemoval& removal : change.removals) {
    rows.push_back(EncodeSchemaRemoval(removal.key, change.revision));
  }
  return rows;
}

Result<DecodedSchemaRow> DecodeSchemaRow(const RowBatch& rows, size_t row,
                                         std::string_view series_key) {
  CHECK(row < rows.rows());
  const auto kind = SchemaKindOf(rows.subject);
  if (!kind) {
    return Error{ErrorCode::kCorruption, "schema row: unknown subject " + Hex16(rows.subject)};
  }
  if (SeriesIdOf(series_key) != rows.series[row]) {
    return Error{ErrorCode::kCorruption, "schema row: series id is not that of its key"};
  }
  DecodedSchemaRow decoded;
  ASSIGN_OR_RETURN(decoded.key, DecodeKey(*kind, series_key));
  decoded.revision = rows.versions[row];
  if (rows.IsTombstone(row)) return decoded;

  const ColumnValues* column = rows.FindColumn(kSchemaObjectColumn);
  if (column == nullptr || column->type() != ColumnType::kBinary || column->IsNull(row)) {
    return Error{ErrorCode::kCorruption, "schema row: no object"};
  }
  ASSIGN_OR_RETURN(auto object, DecodeSchemaObject(column->cell(row)));
  if (object.key != decoded.key || object.mod_revision != decoded.revision) {
    return Error{ErrorCode::kCorruption, "schema row: the object is not that of its key"};
  }
  decoded.object = std::move(object);
  return decoded;
}

}  // namespace ficus
