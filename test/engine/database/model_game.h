// A game over a whole node: random schemas that change, rows late, twice and out of order, flushes,
// merges, restarts, and after every move questions whose answers must equal those of a list of
// rows. The data outgrow the node's memory several times.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/log.h"
#include "test/engine/database/database_harness.h"
#include "test/engine/query/measure_dice.h"
#include "test/engine/schema/objects.h"

namespace ficus {

struct ModelGameOptions {
  uint64_t seed = 1;
  size_t ledger_bytes = size_t{16} << 20;
  // Goes on until the files of the tables hold so many times `ledger_bytes`.
  size_t file_bytes_factor = 4;
};

class ModelGame : private MeasureDice {
 public:
  ModelGame(const ModelGameOptions& options, std::unique_ptr<FileSystem> fs,
            std::unique_ptr<FileSystem> log_fs)
      : MeasureDice(options.seed),
        options_(options),
        node_(options.seed, options.ledger_bytes, std::move(fs), std::move(log_fs)) {
    node_.options().log.file_bytes = 8 << 20;
    node_.options().table.flush_bytes = 1 << 20;
    node_.options().table.merge.parts_min = 2;
    node_.options().table.merge.parts_max = 3;
    // As a node does: rows in memory leave room for questions.
    node_.ledger().SetShare(MemoryConsumer::kMemParts, options.ledger_bytes / 2);
  }

  void Play() {
    REQUIRE(node_.Open().has_value());
    MakeGroups();
    // The last merges take away what was written twice.
    const size_t bytes_wanted = options_.ledger_bytes * options_.file_bytes_factor * 9 / 8;
    while (FileBytes() < bytes_wanted) {
      Write();
      Move();
      for (int i = 0; i < 2; ++i) Ask(300);
    }
    REQUIRE(node_.FlushAll().has_value());
    for (int i = 0; i < 10; ++i) Ask(kMinutesMax);
    REQUIRE(node_.MergeAll().has_value());
    LookAtParts();
    Restart();
    for (int i = 0; i < 10; ++i) Ask(kMinutesMax);
    for (const std::string& group : groups_) AskForEverything(group);
    node_.Close();
  }

  // What the game went through; each shows that it was worth playing.
  struct Score {
    uint64_t file_bytes = 0;
    size_t rows_written = 0;
    size_t rows_written_again = 0;  // same series, same time
    size_t rows_answered = 0;
    size_t questions = 0;
    size_t restarts = 0;
    size_t kills = 0;
    size_t measure_changes = 0;
    size_t sharding_changes = 0;
    size_t layout_changes = 0;
    size_t writes_pushed_back = 0;
    uint32_t generations = 0;         // of merges, the highest of any part
    std::set<int64_t> segment_nanos;  // lengths of segments that lived side by side
    size_t segments = 0;
    bool operator==(const Score&) const = default;
  };
  const Score& score() const { return score_; }

 private:
  static constexpr size_t kMinutesMax = 12 * 24 * 60;
  static constexpr int64_t kSpread = 8;  // versions between two sharding keys

  // --- Schemas

  void MakeGroups() {
    RollSchema();
    // Tags that come later are known to the index rule already.
    rule_tags_ = indexed_;
    for (size_t i = 7; i < 14; ++i) rule_tags_.push_back("t" + std::to_string(i));
    for (size_t i = 0; i < 2; ++i) {
      const std::string name = "g" + std::to_string(i);
      MeasureSchema measure = schema_;
      if (i > 0) ChangeTags(measure);
      layouts_[name] = {2, IntervalRule{IntervalUnit::kDay, 1},
                        IntervalRule{IntervalUnit::kDay, i == 0 ? 60u : 3u}};
      REQUIRE(node_.Create(GroupObject(name)).has_value());
      REQUIRE(node_.Create(MeasureObject(name, measure)).has_value());
      REQUIRE(node_.Create(ProposeIndexRule(name, "rule", rule_tags_)).has_value());
      REQUIRE(node_.Create(ProposeBinding(name, "binding", "m", {"rule"})).has_value());
      model_.AddGroup(name, measure, layouts_[name].ttl->nanos());
      schemas_[name] = std::move(measure);
      groups_.push_back(name);
    }
  }

  SchemaObject GroupObject(const std::string& name) {
    SchemaObject object = ProposeGroup(name);
    std::get<GroupSchema>(object.view).resources = layouts_.at(name);
    object.payload += std::to_string(++proposals_);
    return object;
  }
  SchemaObject MeasureObject(const std::string& group, const MeasureSchema& measure) {
    SchemaObject object = ProposeMeasure(group, "m");
    object.view = measure;
    object.payload += std::to_string(++proposals_);
    return object;
  }

  void ChangeLayout() {
    const std::string& group = Pick(groups_);
    ResourceOptions& layout = layouts_.at(group);
    layout.shard_count = static_cast<uint32_t>(1 + Below(3));
    layout.segment_interval =
        OneIn(2) ? IntervalRule{IntervalUnit::kHour, static_cast<uint32_t>(3 + Below(10))}
                 : IntervalRule{IntervalUnit::kDay, static_cast<uint32_t>(1 + Below(2))};
    REQUIRE(node_.Update(GroupObject(group)).has_value());
    ++score_.layout_changes;
  }

  // Tags and fields come, go, come back and change their type.
  void ChangeMeasure() {
    const std::string& group = Pick(groups_);
    MeasureSchema measure = schemas_.at(group);
    ChangeTags(measure);
    const std::string fresh = "t" + std::to_string(Below(14));
    if (!Has(measure, fresh)) {
      measure.families[Below(2)].tags.push_back({fresh, AnyTagType(), kNoColumn});
    }
    // f0 and f1 are asked for by every aggregation.
    std::erase_if(measure.fields, [&](const FieldSpec& field) {
      return (field.name == "f2" || field.name == "f3") && OneIn(6);
    });
    if (measure.fields.size() < 4 && OneIn(2)) {
      for (const FieldSpec& field : AllFields()) {
        const bool there =
            std::any_of(measure.fields.begin(), measure.fields.end(),
                        [&](const FieldSpec& present) { return present.name == field.name; });
        if (!there) measure.fields.push_back(field);
      }
    }
    Apply(group, std::move(measure));
    ++score_.measure_changes;
  }

  // Places series of a segment that exists in other shards. Versions rise with it, so that no two
  // equal ones meet in two shards, where the log's order is not known.
  void ChangeSharding() {
    const std::string& group = Pick(groups_);
    MeasureSchema measure = schemas_.at(group);
    measure.sharding_key.clear();
    for (const std::string& tag : entity_tags_) {
      if (OneIn(2)) measure.sharding_key.push_back(tag);
    }
    Apply(group, std::move(measure));
    ++sharding_[group];
    ++score_.sharding_changes;
  }

  void Apply(const std::string& group, MeasureSchema measure) {
    const auto changed = node_.Update(MeasureObject(group, measure));
    if (!changed.has_value()) FAIL(changed.error().ToString());
    model_.ChangeSchema(group, measure);
    schemas_[group] = measure;
    if (group != groups_.front()) return;
    schema_ = std::move(measure);
    indexed_.clear();
    for (const std::string& tag : rule_tags_) {
      if (Has(schema_, tag)) indexed_.push_back(tag);
    }
    if (indexed_.empty()) indexed_ = {entity_tags_.front()};
  }

  static std::vector<FieldSpec> AllFields() {
    return {{"f0", FieldType::kInt, 1, 1, kNoColumn},
            {"f1", FieldType::kFloat, 1, 1, kNoColumn},
            {"f2", FieldType::kString, 1, 1, kNoColumn},
            {"f3", FieldType::kBinary, 1, 1, kNoColumn}};
  }
  static bool Has(const MeasureSchema& measure, const std::string& name) {
    for (const TagFamily& family : measure.families) {
      for (const TagSpec& tag : family.tags) {
        if (tag.name == name) return true;
      }
    }
    return false;
  }

  // --- Rows

  void Write() {
    const std::string& group = OneIn(5) ? groups_.back() : groups_.front();
    const MeasureSchema& schema = schemas_.at(group);
    std::vector<TestPoint> points(1 + Below(900));
    for (TestPoint& point : points) {
      // Most are new, many late, some far back.
      size_t back = OneIn(3) ? Below(36 * 60) : OneIn(40) ? Below(kMinutesMax) : Below(90);
      // Nobody gets rows beyond TTL as far as the database.
      back %= static_cast<size_t>(layouts_.at(group).ttl->nanos() / kMinute) - 1;
      // On whole minutes, so that rows of many batches meet.
      const UnixNanos minute = node_.now() / kMinute - static_cast<UnixNanos>(back);
      point.time = minute * kMinute;
      point.version = static_cast<int64_t>(Below(kSpread)) + sharding_[group] * kSpread;
      for (const TagFamily& family : schema.families) {
        for (const TagSpec& tag : family.tags) point.tags[tag.name] = ValueOf(tag.type);
      }
      WriteAgain(group, point);
      for (const FieldSpec& field : schema.fields) {
        point.fields[field.name] = field.name == "f3" ? Payload() : ValueOf(field.type);
      }
    }
    for (;;) {
      const auto written = node_.Begin(Keyed(group, points));
      node_.Pump([&] { return written->done; });
      if (written->result.has_value()) {
        if (!written->refused.empty()) FAIL(ErrorCodeName(written->refused.front().code));
        break;
      }
      if (written->result.error().code != ErrorCode::kResourceExhausted) {
        FAIL(written->result.error().ToString());
      }
      // As a client would: the node makes room, then the same rows again.
      ++score_.writes_pushed_back;
      REQUIRE(node_.FlushAll().has_value());
    }
    for (const TestPoint& point : points) model_.Write(group, "m", point);
    score_.rows_written += points.size();
  }

  // Every fifth row stands where one stood before, in whatever part or shard that lies by now.
  void WriteAgain(const std::string& group, TestPoint& point) {
    std::vector<TestPoint>& past = past_[group];
    if (!past.empty() && OneIn(5)) {
      const TestPoint& before = Pick(past);
      if (before.time >= node_.now() - layouts_.at(group).ttl->nanos()) {
        point.time = before.time;
        for (const std::string& tag : entity_tags_) point.tags[tag] = before.tags.at(tag);
        ++score_.rows_written_again;
      }
    }
    TestPoint place;
    place.time = point.time;
    for (const std::string& tag : entity_tags_) place.tags[tag] = point.tags.at(tag);
    past.push_back(std::move(place));
  }

  // What makes the data large; does not compress.
  TagValue Payload() {
    if (OneIn(8)) return Null{};
    std::string bytes(OneIn(3) ? Below(200) : 2500 + Below(1500), '\0');
    for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      const uint64_t word = random_.Next();
      std::copy_n(reinterpret_cast<const char*>(&word), 8, bytes.begin() + static_cast<long>(at));
    }
    return Binary{std::move(bytes)};
  }

  KeyedRows Keyed(const std::string& group, const std::vector<TestPoint>& points) {
    const auto schema = node_.database().Schema();
    const SchemaObject& measure = *schema->Find(SchemaKind::kMeasure, group, "m");
    KeyedRows keyed;
    keyed.group = schema->FindGroup(group)->group_id;
    keyed.schema_revision = measure.mod_revision;
    keyed.rows = EmptyBatch(measure);
    for (const TestPoint& point : points) {
      const std::vector<TagValue> entity = EntityOf(measure.measure(), point);
      const std::string key = *EncodeSeriesKey("m", entity);
      AppendPoint(measure, point, SeriesIdOf(key), keyed.rows);
      keyed.series_checks.push_back(SeriesCheckOf(key));
      // The shard modulo the product of all shard counts in play is the shard modulo each.
      const bool own_key = !measure.measure().sharding_key.empty();
      keyed.shard_hashes.push_back(
          ShardOf("m", own_key ? ShardingOf(measure.measure(), point) : entity, 6).value());
      keyed.keys += key;
      keyed.key_ends.push_back(static_cast<uint32_t>(keyed.keys.size()));
      keyed.ordinals.push_back(static_cast<uint32_t>(keyed.ordinals.size()));
    }
    return keyed;
  }

  // --- Moves

  void Move() {
    node_.clock().Advance(static_cast<int64_t>(Below(100)) * kMinute);
    if (OneIn(3)) REQUIRE(node_.FlushAll().has_value());
    if (OneIn(6)) REQUIRE(node_.MergeAll().has_value());
    if (OneIn(10)) Restart();
    if (OneIn(10)) Kill();
    if (OneIn(10)) ChangeMeasure();
    if (OneIn(20)) ChangeSharding();
    if (OneIn(15)) ChangeLayout();
    if (OneIn(6)) REQUIRE(node_.RunRetention().has_value());
    if (OneIn(4)) node_.Pass(6 * kNanosPerSecond);
    LookAtParts();
  }

  void Restart() {
    node_.Close();
    REQUIRE(node_.Open().has_value());
    ++score_.restarts;
  }
  void Kill() {
    node_.Kill();
    REQUIRE(node_.Open().has_value());
    ++score_.kills;
  }

  uint64_t FileBytes() {
    uint64_t bytes = 0;
    for (const std::string& group : groups_) {
      for (const auto& [directory, snapshot] : Tables(group)) bytes += snapshot->file_bytes();
    }
    return bytes;
  }

  void LookAtParts() {
    score_.file_bytes = FileBytes();
    std::set<int64_t> lengths;
    score_.segments = 0;
    for (const std::string& group : groups_) {
      for (const auto& segment : Store(group)->Segments(TimeRange::All())) {
        lengths.insert(segment->times().end - segment->times().begin);
        ++score_.segments;
      }
      for (const auto& [directory, snapshot] : Tables(group)) {
        REQUIRE(snapshot->damaged.empty());
        for (const SnapshotPart& part : snapshot->parts) {
          score_.generations = std::max(score_.generations, part.part->info().generation);
        }
      }
    }
    if (lengths.size() > score_.segment_nanos.size()) score_.segment_nanos = std::move(lengths);
  }

  std::shared_ptr<GroupStore> Store(const std::string& group) {
    const auto store =
        node_.database().FindGroup(node_.database().Schema()->FindGroup(group)->group_id);
    REQUIRE(store != nullptr);
    return store;
  }

  std::map<std::string, std::shared_ptr<const Snapshot>> Tables(const std::string& group) {
    std::map<std::string, std::shared_ptr<const Snapshot>> tables;
    for (const auto& segment : Store(group)->Segments(TimeRange::All())) {
      for (const ShardId shard : segment->ExistingShards()) {
        const auto table = segment->Shard(shard);
        REQUIRE(table.has_value());
        tables[segment->directory() + "/" + std::to_string(shard.value())] = (*table)->Current();
      }
    }
    return tables;
  }

  // --- Questions

  void Ask(size_t minutes) { Ask(AnyQuery(node_.now(), minutes)); }

  void AskForEverything(const std::string& group) {
    MeasureQuery query;
    query.groups = {group};
    query.name = "m";
    query.begin = 0;
    query.end = node_.now();
    for (const TagFamily& family : schemas_.at(group).families) {
      FamilyTags tags{family.name, {}};
      for (const TagSpec& tag : family.tags) tags.tags.push_back(tag.name);
      query.tags.push_back(std::move(tags));
    }
    for (const FieldSpec& field : schemas_.at(group).fields) query.fields.push_back(field.name);
    query.limit = 2'000'000'000;
    Ask(std::move(query));
  }

  void Ask(MeasureQuery query) {
    ++score_.questions;
    const std::vector<MeasureRow> expected = model_.Ask(query, node_.now());
    const auto plan = PlanMeasureQuery(std::move(query), node_.database().Schema(), node_.now());
    if (!plan.has_value()) FAIL(plan.error().ToString());
    CAPTURE(plan->ToText());
    QueryLimits limits;
    limits.series_lookup_max = Pick(std::vector<size_t>{0, 1, 5, 10'000});
    limits.sort_bytes = Pick(std::vector<size_t>{200'000, size_t{2} << 20});
    const QueryEnvironment environment{node_.database(), node_.clock(), node_.ledger()};
    RowCollector sink;
    const Result<> outcome = RunMeasureQuery(*plan, environment, limits, sink, nullptr);
    if (!outcome.has_value()) FAIL(outcome.error().ToString());
    REQUIRE(node_.ledger().used_bytes(MemoryConsumer::kQueries) == 0);
    Compare(sink.rows, expected);
    score_.rows_answered += sink.rows.size();
  }

  const ModelGameOptions options_;
  LogCapture log_;
  DatabaseHarness node_;
  std::map<std::string, ResourceOptions> layouts_;
  std::map<std::string, int64_t> sharding_;
  std::map<std::string, std::vector<TestPoint>> past_;  // times and entities of rows
  std::vector<std::string> rule_tags_;
  size_t proposals_ = 0;
  Score score_;
};

}  // namespace ficus
