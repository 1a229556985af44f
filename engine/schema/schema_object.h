// The objects a client registers: groups, measures, streams, ..., index rules.
//
// An object is the client's message, kept byte for byte for an exact echo, and a typed view of what
// the engine needs of it. Source: BanyanDB's public API, database.v1 and common.v1.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/clock.h"
#include "engine/model/catalog.h"
#include "engine/model/column.h"
#include "engine/model/ids.h"

namespace ficus {

enum class SchemaKind : uint8_t {
  kGroup = 1,
  kStream = 2,
  kMeasure = 3,
  kTrace = 4,
  kProperty = 5,
  kIndexRule = 6,
  kIndexRuleBinding = 7,
  kTopNAggregation = 8,
};
inline constexpr std::array kSchemaKinds = {SchemaKind::kGroup,
                                            SchemaKind::kStream,
                                            SchemaKind::kMeasure,
                                            SchemaKind::kTrace,
                                            SchemaKind::kProperty,
                                            SchemaKind::kIndexRule,
                                            SchemaKind::kIndexRuleBinding,
                                            SchemaKind::kTopNAggregation};

// "group", "measure", "index_rule", ...: messages and the keys of rows.
std::string_view SchemaKindName(SchemaKind kind);
// True for stream, measure, trace and property: the kinds that own rows.
bool IsSubject(SchemaKind kind);
// The catalog of the groups that may hold a subject of `kind` (CHECKed to be one).
Catalog CatalogOf(SchemaKind kind);

// The values of these enumerations are those of the wire; 0 is "unspecified".
enum class TagType : uint8_t {
  kUnspecified = 0,
  kString = 1,
  kInt = 2,
  kStringArray = 3,
  kIntArray = 4,
  kBinary = 5,
  kTimestamp = 6,
};
enum class FieldType : uint8_t { kUnspecified = 0, kString = 1, kInt = 2, kBinary = 3, kFloat = 4 };
enum class IntervalUnit : uint8_t { kUnspecified = 0, kHour = 1, kDay = 2 };
enum class IndexType : uint8_t { kUnspecified = 0, kInverted = 1, kSkipping = 2, kTree = 3 };
enum class SortOrder : uint8_t { kUnspecified = 0, kDescending = 1, kAscending = 2 };
// A catalog that the client left out.
inline constexpr Catalog kCatalogUnspecified = Catalog{0};

// The type must not be unspecified (CHECKed).
ColumnType ColumnTypeOf(TagType type);
ColumnType ColumnTypeOf(FieldType type);

struct IntervalRule {
  IntervalUnit unit = IntervalUnit::kUnspecified;
  uint32_t num = 0;
  // Saturates at the largest int64.
  int64_t nanos() const;
  friend bool operator==(const IntervalRule&, const IntervalRule&) = default;
};

struct ResourceOptions {
  uint32_t shard_count = 0;
  std::optional<IntervalRule> segment_interval;  // never for property groups, always for others
  std::optional<IntervalRule> ttl;               // same
  friend bool operator==(const ResourceOptions&, const ResourceOptions&) = default;
};

struct GroupSchema {
  Catalog catalog = kCatalogUnspecified;
  std::optional<ResourceOptions> resources;  // always there once registered
  friend bool operator==(const GroupSchema&, const GroupSchema&) = default;
};

// Columns begin at 1: an entity tag has none, since it lives in the series key.
inline constexpr ColumnId kNoColumn{0};

struct TagSpec {
  std::string name;
  TagType type = TagType::kUnspecified;
  ColumnId column;  // kNoColumn in a proposal and for an entity tag
  friend bool operator==(const TagSpec&, const TagSpec&) = default;
};

struct TagFamily {
  std::string name;
  std::vector<TagSpec> tags;
  friend bool operator==(const TagFamily&, const TagFamily&) = default;
};

struct FieldSpec {
  std::string name;
  FieldType type = FieldType::kUnspecified;
  uint8_t encoding = 0;     // as on the wire: told back, not obeyed
  uint8_t compression = 0;  // same
  ColumnId column;          // kNoColumn in a proposal
  friend bool operator==(const FieldSpec&, const FieldSpec&) = default;
};

// A column that the subject has or once had. What identifies it is (is_field, family, name, type):
// a tag that changes its type, or comes back after it was dropped, gets another column.
struct SubjectColumn {
  ColumnId id;
  ColumnType type = ColumnType::kInt64;
  bool is_field = false;
  bool dropped = false;
  std::string family;  // empty for a field, and for the tags of a trace or property
  std::string name;
  friend bool operator==(const SubjectColumn&, const SubjectColumn&) = default;
};

struct MeasureSchema {
  std::vector<TagFamily> families;
  std::vector<FieldSpec> fields;
  std::vector<std::string> entity;        // tag names, in the order of the series key
  std::vector<std::string> sharding_key;  // tag names; empty: the entity
  std::string interval;                   // as the client wrote it: "1m", "1d", or empty
  bool index_mode = false;
  std::vector<SubjectColumn> columns;  // ascending ids; the registry fills it
  friend bool operator==(const MeasureSchema&, const MeasureSchema&) = default;
};

struct StreamSchema {
  std::vector<TagFamily> families;
  std::vector<std::string> entity;
  std::vector<SubjectColumn> columns;
  friend bool operator==(const StreamSchema&, const StreamSchema&) = default;
};

struct TraceSchema {
  std::vector<TagSpec> tags;
  std::string trace_id_tag;
  std::string span_id_tag;
  std::string timestamp_tag;
  std::vector<SubjectColumn> columns;
  friend bool operator==(const TraceSchema&, const TraceSchema&) = default;
};

struct PropertySchema {
  std::vector<TagSpec> tags;
  std::vector<SubjectColumn> columns;
  friend bool operator==(const PropertySchema&, const PropertySchema&) = default;
};

struct IndexRuleSchema {
  uint32_t id = 0;  // 0 in a proposal: the registry makes one of group and name
  std::vector<std::string> tags;
  IndexType type = IndexType::kUnspecified;
  std::string analyzer;
  bool no_sort = false;
  friend bool operator==(const IndexRuleSchema&, const IndexRuleSchema&) = default;
};

struct IndexRuleBindingSchema {
  std::vector<std::string> rules;
  Catalog subject_catalog = kCatalogUnspecified;
  std::string subject;
  UnixNanos begin_at = 0;  // both ends included
  UnixNanos expire_at = 0;
  friend bool operator==(const IndexRuleBindingSchema&, const IndexRuleBindingSchema&) = default;
};

// The criteria are in the payload only: they are compiled where messages are read.
struct TopNAggregationSchema {
  std::string source_group;
  std::string source_measure;
  std::string field_name;
  SortOrder sort = SortOrder::kUnspecified;  // unspecified: both directions are kept
  std::vector<std::string> group_by_tags;
  int32_t counters_number = 0;
  int32_t lru_size = 0;
  friend bool operator==(const TopNAggregationSchema&, const TopNAggregationSchema&) = default;
};

using SchemaView =
    std::variant<GroupSchema, StreamSchema, MeasureSchema, TraceSchema, PropertySchema,
                 IndexRuleSchema, IndexRuleBindingSchema, TopNAggregationSchema>;

// What names an object. A group has an empty `group`; its name is `name`.
struct SchemaKey {
  SchemaKind kind = SchemaKind::kGroup;
  std::string group;
  std::string name;
  friend auto operator<=>(const SchemaKey&, const SchemaKey&) = default;
  friend bool operator==(const SchemaKey&, const SchemaKey&) = default;
};

struct SchemaObject {
  SchemaKey key;
  GroupId group_id;      // kGroup only
  SubjectId subject_id;  // subjects only
  int64_t mod_revision = 0;
  UnixNanos created_at = 0;
  UnixNanos updated_at = 0;
  // The client's message without what the server assigns (revisions, times, an index rule's id);
  // empty for an object that the node made itself: its view says everything.
  std::string payload;
  // The alternative that belongs to key.kind.
  SchemaView view;

  // Each CHECKs the kind.
  const GroupSchema& group() const;
  const StreamSchema& stream() const;
  const MeasureSchema& measure() const;
  const TraceSchema& trace() const;
  const PropertySchema& property() const;
  const IndexRuleSchema& index_rule() const;
  const IndexRuleBindingSchema& binding() const;
  const TopNAggregationSchema& top_n() const;
  // Every column the subject ever had (CHECKed to be a subject).
  const std::vector<SubjectColumn>& columns() const;

  friend bool operator==(const SchemaObject&, const SchemaObject&) = default;
};

// True when `view` holds the alternative of `kind`.
bool ViewFits(SchemaKind kind, const SchemaView& view);

// The tags of a measure's series keys, in order: those of its entity that it has. An entity may
// name a tag that is missing; keys are made without it. The views live as long as `measure`.
std::vector<std::string_view> KeyTags(const MeasureSchema& measure);

// Objects that the node makes itself.
inline constexpr std::string_view kTopNResultMeasure = "_top_n_result";  // one per measure group
inline constexpr std::string_view kDeletionTaskGroup = "_deletion_task";

}  // namespace ficus
