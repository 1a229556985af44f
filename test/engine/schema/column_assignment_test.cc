#include "engine/schema/column_assignment.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/schema/schema_rules.h"
#include "test/engine/schema/objects.h"

namespace ficus {
namespace {

// A subject through its updates.
class History {
 public:
  Result<> Put(SchemaObject next) {
    RETURN_IF_ERROR(AssignColumns(current_ ? &*current_ : nullptr, next));
    current_ = std::move(next);
    return Ok();
  }
  const SchemaObject& now() const { return *current_; }

 private:
  std::optional<SchemaObject> current_;
};

MeasureSchema& Measure(SchemaObject& object) { return std::get<MeasureSchema>(object.view); }

ColumnId TagColumn(const SchemaObject& measure, size_t family, size_t tag) {
  return measure.measure().families[family].tags[tag].column;
}

}  // namespace

TEST_CASE("columns are given once, entity tags have none", "[schema][columns]") {
  History history;
  REQUIRE(history.Put(ProposeMeasure("g", "m")));
  const SchemaObject first = history.now();
  REQUIRE(TagColumn(first, 0, 0) == kNoColumn);
  REQUIRE(TagColumn(first, 0, 1) == ColumnId(1));
  REQUIRE(TagColumn(first, 0, 2) == ColumnId(2));
  REQUIRE(first.measure().fields[0].column == ColumnId(3));
  REQUIRE(first.measure().fields[1].column == ColumnId(4));
  REQUIRE(first.columns().size() == 4);
  REQUIRE(first.columns()[1] ==
          SubjectColumn{ColumnId(2), ColumnType::kInt64, false, false, "default", "count"});
  REQUIRE(first.columns()[3] ==
          SubjectColumn{ColumnId(4), ColumnType::kFloat64, true, false, "", "rate"});
}

TEST_CASE("a retyped, dropped or returning tag never gets an old column again",
          "[schema][columns]") {
  History history;
  REQUIRE(history.Put(ProposeMeasure("g", "m")));

  SchemaObject retyped = ProposeMeasure("g", "m");
  Measure(retyped).families[0].tags[2].type = TagType::kString;  // count
  REQUIRE(history.Put(retyped));
  const SchemaObject second = history.now();
  REQUIRE(TagColumn(second, 0, 2) == ColumnId(5));
  REQUIRE(second.columns()[1].dropped);
  REQUIRE(TagColumn(second, 0, 1) == ColumnId(1));

  SchemaObject dropped = retyped;
  Measure(dropped).families[0].tags.pop_back();
  Measure(dropped).fields.pop_back();
  REQUIRE(history.Put(dropped));
  const SchemaObject third = history.now();
  REQUIRE(third.columns().size() == 5);
  REQUIRE(third.columns()[3].dropped);
  REQUIRE(third.columns()[4].dropped);

  REQUIRE(history.Put(ProposeMeasure("g", "m")));
  const SchemaObject fourth = history.now();
  REQUIRE(TagColumn(fourth, 0, 2) == ColumnId(6));
  REQUIRE(fourth.measure().fields[0].column == ColumnId(3));
  REQUIRE(fourth.measure().fields[1].column == ColumnId(7));
  REQUIRE(fourth.columns().size() == 7);
  const auto live = std::count_if(fourth.columns().begin(), fourth.columns().end(),
                                  [](const SubjectColumn& column) { return !column.dropped; });
  REQUIRE(live == 4);
}

TEST_CASE("columns follow their tag through new positions and are bound to their family",
          "[schema][columns]") {
  History history;
  REQUIRE(history.Put(ProposeMeasure("g", "m")));
  SchemaObject moved = ProposeMeasure("g", "m");
  std::swap(Measure(moved).families[0].tags[0], Measure(moved).families[0].tags[1]);
  std::swap(Measure(moved).fields[0], Measure(moved).fields[1]);
  Measure(moved).families[0].tags.pop_back();
  Measure(moved).families.push_back({"other", {{"count", TagType::kInt, kNoColumn}}});
  REQUIRE(history.Put(moved));
  const SchemaObject after = history.now();
  REQUIRE(TagColumn(after, 0, 0) == ColumnId(1));
  REQUIRE(TagColumn(after, 0, 1) == kNoColumn);
  REQUIRE(after.measure().fields[0].column == ColumnId(4));
  REQUIRE(after.measure().fields[1].column == ColumnId(3));
  REQUIRE(TagColumn(after, 1, 0) == ColumnId(5));
}

TEST_CASE("a subject that would have had too many columns is refused", "[schema][columns]") {
  History history;
  SchemaObject wide = ProposeMeasure("g", "m");
  for (size_t i = 0; i < kSubjectColumnsMax; ++i) {
    Measure(wide).fields.push_back({"f" + std::to_string(i), FieldType::kInt, 1, 1, kNoColumn});
  }
  REQUIRE(history.Put(wide).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("every kind of subject gets columns, other objects none", "[schema][columns]") {
  for (const SchemaObject& subject : {ProposeStream("g", "s"), ProposeTrace("g", "t"),
                                      ProposeProperty("g", "p"), ProposeMeasure("g", "m")}) {
    History history;
    REQUIRE(history.Put(subject));
    REQUIRE_FALSE(history.now().columns().empty());
    const auto before = history.now();
    REQUIRE(history.Put(subject));
    REQUIRE(history.now() == before);
  }
  History stream;
  REQUIRE(stream.Put(ProposeStream("g", "s")));
  REQUIRE(stream.now().columns().size() == 1);
  REQUIRE(stream.now().columns()[0].name == "state");
  History rule;
  REQUIRE(rule.Put(ProposeIndexRule("g", "r", {"x"})));
}

}  // namespace ficus
