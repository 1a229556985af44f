#include "engine/query/damage_log.h"

#include <string>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/io/faulty_file_system.h"
#include "engine/table/late_file.h"
#include "test/engine/query/measure_questions.h"

namespace ficus {
namespace {

// One shard with a part per minute 0, 1, 2 and a row in memory at minute 3; all of series "a".
void WriteParts(QueryHarness& harness) {
  harness.clock.Advance(12 * kNanosPerHour);
  SchemaObject group = ProposeGroup("g");
  std::get<GroupSchema>(group.view).resources->shard_count = 1;
  harness.Create(std::move(group));
  harness.Create(ProposeMeasure("g", "m"));
  for (int minute = 0; minute < 3; ++minute) {
    harness.Write("g", "m", {Point(minute, "a", minute)});
    harness.Flush();
  }
  harness.Write("g", "m", {Point(3, "a", 3)});
}

const Part& PartOf(QueryHarness& harness, size_t index) {
  return *harness.Tables().front()->Current()->parts[index].part;
}

// The first bytes of a part are data: the footer still opens.
std::string DamagePart(QueryHarness& harness, size_t index) {
  const std::string path = PartOf(harness, index).path();
  REQUIRE(harness.fs().FlipBits(path, 20, 0xff).has_value());
  return path;
}

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

MeasureQuery Sum() {
  MeasureQuery query = Question();
  query.aggregation = Aggregation{AggregationFunction::kSum, "value"};
  return query;
}
MeasureQuery Top3() {
  MeasureQuery query = Question();
  query.top = Top{3, "value", SortOrder::kAscending};
  return query;
}

TEST_CASE("a query that meets damage fails and names the file, and the table sets it aside",
          "[query][damage]") {
  QueryHarness harness;
  LogCapture log;
  WriteParts(harness);
  const std::string path = DamagePart(harness, 1);
  const Error met = harness.TryAsk(Question()).error();
  REQUIRE(met.code == ErrorCode::kCorruption);
  REQUIRE(met.message.find(NameOf(path)) != std::string::npos);

  harness.executor().RunUntilIdle();
  REQUIRE(harness.Tables().front()->Current()->damaged.size() == 1);
  const Error known = harness.TryAsk(Question()).error();
  REQUIRE(known.code == ErrorCode::kCorruption);
  REQUIRE(known.message.find(NameOf(path)) != std::string::npos);
  REQUIRE(harness.TryAsk(Sum()).error().code == ErrorCode::kCorruption);
}

TEST_CASE("a query that does not need the damaged file is answered", "[query][damage]") {
  QueryHarness harness;
  LogCapture log;
  WriteParts(harness);
  DamagePart(harness, 1);
  harness.Tables().front()->CheckDamage();
  harness.executor().RunUntilIdle();
  MeasureQuery before = Question();
  before.end = kMidnight + kMinute / 2;
  REQUIRE(ToText(harness.Ask(std::move(before))) == "a@0=0");
  MeasureQuery after = Question();
  after.begin = kMidnight + 2 * kMinute;
  REQUIRE(ToText(harness.Ask(std::move(after))) == "a@2=2 a@3=3");
}

TEST_CASE("where damage may be skipped, a query that meets it starts over without the file",
          "[query][damage]") {
  QueryHarness harness;
  LogCapture log;
  WriteParts(harness);
  harness.limits.damaged_parts = DamagedParts::kSkip;
  DamagePart(harness, 1);
  // Nothing has set the file aside between one query and the next: each finds out for itself.
  REQUIRE(ToText(harness.Ask(Question())) == "a@0=0 a@2=2 a@3=3");
  REQUIRE(ToText(harness.Ask(Top3())) == "a@0=0 a@2=2 a@3=3");
  REQUIRE(ToText(harness.Ask(Sum())) == "a=5");

  harness.executor().RunUntilIdle();
  REQUIRE(harness.Tables().front()->Current()->damaged.size() == 1);
  QueryTrace trace;
  REQUIRE(ToText(*harness.TryAsk(Question(), &trace)) == "a@0=0 a@2=2 a@3=3");
  bool noted = false;
  const std::function<void(const QuerySpan&)> look = [&](const QuerySpan& span) {
    for (const auto& [key, value] : span.tags) noted = noted || key == "damaged_file_skipped";
    for (const auto& child : span.children) look(*child);
  };
  look(trace.root);
  REQUIRE(noted);
}

TEST_CASE("several damaged files are left out one query at a time", "[query][damage]") {
  QueryHarness harness;
  LogCapture log;
  WriteParts(harness);
  harness.limits.damaged_parts = DamagedParts::kSkip;
  for (const size_t part : {0, 1, 2}) DamagePart(harness, part);
  REQUIRE(ToText(harness.Ask(Question())) == "a@3=3");
  REQUIRE(ToText(harness.Ask(Sum())) == "a=3");
}

TEST_CASE("a damaged index run fails what needs entities, or leaves its series out",
          "[query][damage]") {
  QueryHarness harness;
  LogCapture log;
  WriteParts(harness);
  harness.Write("g", "m", {Point(4, "b", 4)});
  const std::string path = harness.Tables().front()->Current()->runs.front().run->path();
  harness.Reopen();  // nothing of the run is cached
  REQUIRE(harness.fs().FlipBits(path, 20, 0xff).has_value());
  MeasureQuery lookup = Question();
  lookup.criteria = Where("id", ConditionOp::kEq, std::string("a"));
  const Error met = harness.TryAsk(std::move(lookup)).error();
  REQUIRE(met.code == ErrorCode::kCorruption);
  REQUIRE(met.message.find(NameOf(path)) != std::string::npos);

  harness.limits.damaged_parts = DamagedParts::kSkip;
  // Rows whose entity is not known are shown without it.
  REQUIRE(ToText(harness.Ask(Question())) == "null@0=0 null@1=1 null@2=2 null@3=3 b@4=4");
  // What is asked about entities cannot find them.
  MeasureQuery by_entity = Question();
  by_entity.criteria = Where("id", ConditionOp::kIn, std::vector<std::string>{"a", "b"});
  REQUIRE(ToText(harness.Ask(std::move(by_entity))) == "b@4=4");
}

TEST_CASE("where damage may be skipped, so may a file that the device does not give",
          "[query][damage]") {
  QueryHarness harness;
  LogCapture log;
  WriteParts(harness);
  TsTable& table = *harness.Tables().front();
  const auto disk = FaultyFileSystem::Create(harness.fs());
  FaultRule rule;
  rule.op = IoOp::kOpen;
  rule.times = UINT64_MAX;
  disk->AddRule(rule);
  Snapshot snapshot = *table.Current();
  snapshot.parts[1].part =
      OpenPartLater(*disk, snapshot.parts[1].part->path(), snapshot.parts[1].part->info());
  const Error error{ErrorCode::kIo, "read"};
  const auto goes_on = [] { return Ok(); };
  REQUIRE(DamageLog(DamagedParts::kFail).Met(error, table, snapshot, goes_on).error() == error);

  DamageLog damage(DamagedParts::kSkip);
  const Error late{ErrorCode::kDeadlineExceeded, "late"};
  const auto is_late = [&]() -> Result<> { return late; };
  REQUIRE(damage.Met(error, table, snapshot, is_late).error() == late);
  REQUIRE(damage.Met(error, table, snapshot, goes_on).has_value());
  QueryStep step(nullptr, harness.clock, "step");
  const auto admitted = damage.Admit(std::make_shared<Snapshot>(snapshot), TimeRange::All(), step);
  REQUIRE(admitted.has_value());
  REQUIRE((*admitted)->parts.size() == 2);
  // It is no damage: the table keeps it.
  harness.executor().RunUntilIdle();
  REQUIRE(table.Current()->damaged.empty());
  REQUIRE(table.Current()->parts.size() == 3);
}

TEST_CASE("an error that is not damage is not skipped", "[query][damage]") {
  QueryHarness harness;
  WriteParts(harness);
  harness.limits.damaged_parts = DamagedParts::kSkip;
  DamageLog damage(DamagedParts::kSkip);
  TsTable& table = *harness.Tables().front();
  const auto snapshot = table.Current();
  const Error error{ErrorCode::kCorruption, "somewhere else"};
  // Nothing in the snapshot is damaged, so that trying again would never end.
  REQUIRE(damage.Met(error, table, *snapshot, [] { return Ok(); }).error() == error);
}

}  // namespace
}  // namespace ficus
