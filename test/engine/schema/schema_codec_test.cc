#include "engine/schema/schema_codec.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/model/entity.h"
#include "engine/schema/column_assignment.h"
#include "engine/schema/own_objects.h"
#include "test/engine/schema/objects.h"
#include "test/support/golden.h"

namespace ficus {
namespace {

std::vector<SchemaObject> Objects() {
  SchemaObject measure = ProposeMeasure("g", "m");
  auto& view = std::get<MeasureSchema>(measure.view);
  view.sharding_key = {"id"};
  view.index_mode = true;
  std::vector<SchemaObject> objects = {
      ProposeGroup("g"),
      ProposeGroup("p", Catalog::kProperty),
      ProposeStream("g", "s"),
      ProposeMeasure("g", "m"),
      measure,
      ProposeTrace("g", "t"),
      ProposeProperty("g", "p"),
      ProposeIndexRule("g", "r", {"layer", "count"}),
      ProposeBinding("g", "b", "m", {"r", "q"}, -5, 7),
      ProposeTopN("g", "n", "m"),
      TopNResultMeasure("g"),
      DeletionTaskGroup(),
      DeletionTaskProperty(),
  };
  uint64_t id = 0;
  for (SchemaObject& object : objects) {
    if (object.key.kind == SchemaKind::kGroup) object.group_id = GroupId(++id);
    if (IsSubject(object.key.kind)) object.subject_id = SubjectId(++id);
    object.mod_revision = 1'700'000'000'000'000'000;
    object.created_at = -1;
    object.updated_at = 12;
    REQUIRE(AssignColumns(nullptr, object));
  }
  return objects;
}

}  // namespace

TEST_CASE("every object comes back from its bytes and from its row", "[schema][codec]") {
  for (const SchemaObject& object : Objects()) {
    CAPTURE(SchemaKindName(object.key.kind), object.key.name);
    const auto decoded = DecodeSchemaObject(EncodeSchemaObject(object));
    REQUIRE(decoded);
    REQUIRE(*decoded == object);

    const SchemaRow row = EncodeSchemaRow(object);
    REQUIRE(row.rows.rows() == 1);
    REQUIRE(row.rows.timestamps[0] == 0);
    REQUIRE(row.rows.versions[0] == object.mod_revision);
    REQUIRE(SchemaKindOf(row.rows.subject) == object.key.kind);
    REQUIRE(row.entry.series == SeriesIdOf(row.entry.entity));
    const auto read = DecodeSchemaRow(row.rows, 0, row.entry.entity);
    REQUIRE(read);
    REQUIRE(read->key == object.key);
    REQUIRE(read->revision == object.mod_revision);
    REQUIRE(read->object.has_value());
    REQUIRE(*read->object == object);
  }
}

TEST_CASE("the bytes of a measure are those of the format", "[schema][codec][golden]") {
  const std::string bytes = EncodeSchemaObject(Objects()[4]);
  CheckGolden("schema/measure.hex", HexDump(std::as_bytes(std::span(bytes))));
}

TEST_CASE("a removal is a tombstone in the series of its object", "[schema][codec]") {
  for (const SchemaObject& object : Objects()) {
    const SchemaRow put = EncodeSchemaRow(object);
    const SchemaRow removal = EncodeSchemaRemoval(object.key, 99);
    REQUIRE(removal.entry == put.entry);
    REQUIRE(removal.rows.IsTombstone(0));
    const auto read = DecodeSchemaRow(removal.rows, 0, removal.entry.entity);
    REQUIRE(read);
    REQUIRE(read->key == object.key);
    REQUIRE(read->revision == 99);
    REQUIRE_FALSE(read->object.has_value());
  }
}

TEST_CASE("a change becomes one row per object and removal", "[schema][codec]") {
  SchemaChange change;
  change.revision = 1'700'000'000'000'000'000;
  change.objects = Objects();
  change.removals.push_back({{SchemaKind::kMeasure, "g", "gone"}, GroupId(), SubjectId(5)});
  const auto rows = EncodeSchemaChange(change);
  REQUIRE(rows.size() == change.objects.size() + 1);
  REQUIRE(rows.front() == EncodeSchemaRow(change.objects.front()));
  REQUIRE(rows.back() == EncodeSchemaRemoval(change.removals[0].key, change.revision));
}

TEST_CASE("every cut of an object's bytes is damage", "[schema][codec]") {
  for (const SchemaObject& object : Objects()) {
    const std::string bytes = EncodeSchemaObject(object);
    for (size_t size = 0; size < bytes.size(); ++size) {
      const auto decoded = DecodeSchemaObject(std::string_view(bytes).substr(0, size));
      REQUIRE_FALSE(decoded);
      REQUIRE(decoded.error().code == ErrorCode::kCorruption);
    }
    REQUIRE_FALSE(DecodeSchemaObject(bytes + '\0'));
  }
}

TEST_CASE("a later version or an unknown feature is refused by name", "[schema][codec]") {
  std::string version = EncodeSchemaObject(Objects()[0]);
  version[0] = 2;
  REQUIRE(DecodeSchemaObject(version).error().code == ErrorCode::kUnsupportedVersion);
  std::string feature = EncodeSchemaObject(Objects()[0]);
  feature[1] = 1;
  REQUIRE(DecodeSchemaObject(feature).error().code == ErrorCode::kUnsupportedVersion);
}

TEST_CASE("a count beyond the bytes allocates nothing", "[schema][codec]") {
  SchemaObject rule = ProposeIndexRule("g", "r", {});
  std::string bytes = EncodeSchemaObject(rule);
  // The count of tags stands behind the id, in front of type, analyzer and flag.
  const size_t count_at = bytes.size() - 4;
  REQUIRE(bytes[count_at] == 0);
  bytes.replace(count_at, 1, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
  REQUIRE(DecodeSchemaObject(bytes).error().code == ErrorCode::kCorruption);
}

TEST_CASE("a tag whose column is dropped, missing or of another type is damage",
          "[schema][codec]") {
  SchemaObject object = Objects()[3];
  auto& measure = std::get<MeasureSchema>(object.view);
  SECTION("dropped") { measure.columns[0].dropped = true; }
  SECTION("missing") { measure.families[0].tags[1].column = ColumnId(99); }
  SECTION("another type") { measure.families[0].tags[1].type = TagType::kInt; }
  SECTION("a field's") { measure.families[0].tags[2].column = measure.fields[0].column; }
  SECTION("a field without") { measure.fields[0].column = kNoColumn; }
  SECTION("given twice") {
    measure.columns.push_back(measure.columns.back());
    measure.columns.back().dropped = true;
  }
  SECTION("not ascending") { std::swap(measure.columns[0].id, measure.columns[1].id); }
  REQUIRE(DecodeSchemaObject(EncodeSchemaObject(object)).error().code == ErrorCode::kCorruption);
}

TEST_CASE("a row whose parts disagree is damage", "[schema][codec]") {
  const SchemaObject object = Objects()[3];
  SchemaRow row = EncodeSchemaRow(object);
  std::string key = row.entry.entity;
  SECTION("an unknown subject") { row.rows.subject = SubjectId(1); }
  SECTION("the subject of another kind") { row.rows.subject = SchemaSubject(SchemaKind::kStream); }
  SECTION("another series id") { row.rows.series[0] = SeriesId(1); }
  SECTION("another version") { row.rows.versions[0] += 1; }
  SECTION("another name") {
    key = EncodeSeriesKey("measure", {std::string("g"), std::string("x")}).value();
    row.rows.series[0] = SeriesIdOf(key);
  }
  SECTION("a key that is none") {
    key = "measure";
    row.rows.series[0] = SeriesIdOf(key);
  }
  SECTION("a key of other values") {
    key = EncodeSeriesKey("measure", {int64_t{1}, std::string("m")}).value();
    row.rows.series[0] = SeriesIdOf(key);
  }
  SECTION("no object") {
    row.rows.columns[0].Clear();
    row.rows.columns[0].AppendNull();
  }
  SECTION("no column") { row.rows.columns.clear(); }
  REQUIRE(DecodeSchemaRow(row.rows, 0, key).error().code == ErrorCode::kCorruption);
}

}  // namespace ficus
