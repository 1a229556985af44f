// Groups of measures on a file system in memory, a schema registry, and verbs to write, flush and
// ask: what the tests of queries play with.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/io/memory_file_system.h"
#include "engine/model/entity.h"
#include "engine/query/measure_execution.h"
#include "engine/runtime/executor.h"
#include "engine/schema/schema_registry.h"
#include "engine/segment/group_store.h"
#include "test/engine/query/measure_rows.h"

namespace ficus {

// One row as a client would write it; what is not named is null.
struct TestPoint {
  UnixNanos time = 0;
  int64_t version = 1;
  std::map<std::string, TagValue> tags;
  std::map<std::string, TagValue> fields;
};

// --- Points as rows

inline TagValue ValueIn(const std::map<std::string, TagValue>& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? TagValue(Null{}) : found->second;
}
inline bool HasTag(const MeasureSchema& schema, const std::string& name) {
  return std::any_of(schema.families.begin(), schema.families.end(), [&](const auto& family) {
    return std::any_of(family.tags.begin(), family.tags.end(),
                       [&](const TagSpec& tag) { return tag.name == name; });
  });
}
// Without the tags that the schema does not have, as rows are taken in.
inline std::vector<TagValue> EntityOf(const MeasureSchema& schema, const TestPoint& point) {
  std::vector<TagValue> entity;
  for (const std::string& tag : schema.entity) {
    if (HasTag(schema, tag)) entity.push_back(ValueIn(point.tags, tag));
  }
  return entity;
}
inline std::vector<TagValue> ShardingOf(const MeasureSchema& schema, const TestPoint& point) {
  std::vector<TagValue> values;
  for (const std::string& tag : schema.sharding_key) values.push_back(ValueIn(point.tags, tag));
  return values;
}

inline RowBatch EmptyBatch(const SchemaObject& object) {
  RowBatch batch;
  batch.subject = object.subject_id;
  for (const SubjectColumn& column : object.columns()) {
    if (!column.dropped) batch.columns.emplace_back(column.id, column.type);
  }
  return batch;
}
inline void AppendPoint(const SchemaObject& object, const TestPoint& point, SeriesId series,
                        RowBatch& batch) {
  batch.series.push_back(series);
  batch.timestamps.push_back(point.time);
  batch.versions.push_back(point.version);
  size_t next = 0;
  for (const SubjectColumn& column : object.columns()) {
    if (column.dropped) continue;
    AppendValue(batch.columns[next++],
                ValueIn(column.is_field ? point.fields : point.tags, column.name));
  }
}

class RowCollector final : public MeasureRowSink {
 public:
  Result<> Accept(MeasureRowBatch batch) override {
    REQUIRE(batch.rows > 0);
    REQUIRE(batch.rows <= kMeasureRowBatchMax);
    REQUIRE(batch.reservation.bytes() >= BytesOf(batch));
    ++batches;
    for (MeasureRow& row : RowsOf(batch)) rows.push_back(std::move(row));
    return outcome ? outcome() : Ok();
  }

  // What the batch holds, whatever room its vectors have.
  static size_t BytesOf(const MeasureRowBatch& batch) {
    size_t bytes = 0;
    if (!batch.timestamps.empty()) bytes += batch.rows * 3 * sizeof(uint64_t);
    for (const auto* columns : {&batch.tags, &batch.fields}) {
      for (const AnswerColumn& column : *columns) {
        bytes += column.places.size() * sizeof(uint32_t) + column.values.words().size_bytes() +
                 column.values.offsets().size_bytes() + column.values.bytes().size();
      }
    }
    return bytes;
  }

  std::vector<MeasureRow> rows;
  size_t batches = 0;
  std::function<Result<>()> outcome;
};

class QueryHarness final : public GroupSource {
 public:
  explicit QueryHarness(uint64_t seed = 1, size_t memory_bytes = size_t{1} << 30)
      : ledger(memory_bytes),
        random_(seed),
        executor_(DeterministicExecutor::Create(seed, clock)),
        fs_(MemoryFileSystem::Create()) {}
  ~QueryHarness() override { CloseStores(); }

  // --- Schemas

  void Create(SchemaObject proposal) {
    Result<SchemaChange> change =
        registry_.PrepareCreate(std::move(proposal), clock.Now(), random_);
    REQUIRE(change.has_value());
    ApplyChange(*change);
  }
  void Update(SchemaObject proposal) {
    Result<SchemaChange> change = registry_.PrepareUpdate(std::move(proposal), clock.Now());
    if (!change.has_value()) INFO(change.error().ToString());
    REQUIRE(change.has_value());
    ApplyChange(*change);
  }
  std::shared_ptr<const SchemaSnapshot> Schema() const { return registry_.Current(); }
  void RemoveGroup(const std::string& group) { stores_.erase(group); }

  // --- Rows

  void Write(const std::string& group, const std::string& measure,
             const std::vector<TestPoint>& points) {
    const SchemaObject* object = Schema()->Find(SchemaKind::kMeasure, group, measure);
    REQUIRE(object != nullptr);
    GroupStore& store = *stores_.at(group);
    struct Target {
      std::shared_ptr<TsTable> table;
      std::string directory;
      RowBatch rows;
      std::vector<SeriesEntry> entries;
    };
    std::map<std::pair<UnixNanos, uint32_t>, Target> targets;
    for (const TestPoint& point : points) {
      const std::vector<TagValue> entity = EntityOf(object->measure(), point);
      const std::string key = *EncodeSeriesKey(measure, entity);
      auto segment = store.SegmentFor(point.time);
      REQUIRE(segment.has_value());
      const std::vector<TagValue> sharding =
          object->measure().sharding_key.empty() ? entity : ShardingOf(object->measure(), point);
      const ShardId shard = ShardOf(measure, sharding, (*segment)->shard_count());
      Target& target = targets[{(*segment)->times().begin, shard.value()}];
      if (target.table == nullptr) {
        REQUIRE((*segment)->EnsureShard(shard).has_value());
        auto table = (*segment)->Shard(shard);
        REQUIRE(table.has_value());
        target.table = *table;
        target.directory = (*segment)->directory() + "/" + std::to_string(shard.value());
        target.rows = EmptyBatch(*object);
      }
      const SeriesId series = SeriesIdOf(key);
      if (known_.insert({target.directory, object->subject_id.value(), series.value()}).second) {
        target.entries.push_back({object->subject_id, series, key});
      }
      AppendPoint(*object, point, series, target.rows);
    }
    for (auto& [place, target] : targets) {
      Introduction introduction;
      introduction.position = LogPosition(++position_);
      introduction.scn = Scn(position_);
      std::sort(target.entries.begin(), target.entries.end(),
                [](const SeriesEntry& a, const SeriesEntry& b) { return a.series < b.series; });
      introduction.entries = std::move(target.entries);
      introduction.reservation =
          ledger.Account(MemoryConsumer::kMemParts, target.rows.MemoryBytes());
      introduction.rows.push_back(std::move(target.rows));
      bool done = false;
      target.table->Introduce(std::move(introduction), [&] { done = true; });
      executor_->RunUntilIdle();
      REQUIRE(done);
    }
  }

  void Flush() {
    ForEachTable([&](TsTable& table, const auto& done) { table.Flush(done); });
  }
  void Merge() {
    ForEachTable([&](TsTable& table, const auto& done) { table.MergeAll(done); });
  }
  // All tables closed and opened again, as after a restart; unflushed rows would be gone.
  void Reopen() {
    Flush();
    std::map<std::string, GroupStore::Options> options;
    CloseStores();
    for (auto& [name, store] : stores_) {
      const SchemaObject* object = Schema()->FindGroup(name);
      store.reset();
      auto opened = GroupStore::Open(Environment(), StoreOptions(*object));
      REQUIRE(opened.has_value());
      store = *std::move(opened);
    }
  }

  // --- Questions

  Result<std::vector<MeasureRow>> TryAsk(MeasureQuery query, QueryTrace* trace = nullptr) {
    Result<PlannedMeasureQuery> plan = PlanMeasureQuery(std::move(query), Schema(), clock.Now());
    if (!plan.has_value()) return std::move(plan).error();
    RowCollector sink;
    QueryEnvironment environment{*this, clock, ledger};
    const size_t held = ledger.used_bytes(MemoryConsumer::kQueries);
    Result<> outcome = RunMeasureQuery(*plan, environment, limits, sink, trace);
    REQUIRE(ledger.used_bytes(MemoryConsumer::kQueries) == held);
    if (!outcome.has_value()) return std::move(outcome).error();
    return std::move(sink.rows);
  }
  std::vector<MeasureRow> Ask(MeasureQuery query) {
    Result<std::vector<MeasureRow>> rows = TryAsk(std::move(query));
    if (!rows.has_value()) FAIL(rows.error().ToString());
    return std::move(rows).value();
  }

  std::shared_ptr<GroupStore> FindGroup(GroupId id) override {
    for (const auto& [name, store] : stores_) {
      if (store != nullptr && store->id() == id) return store;
    }
    return nullptr;
  }

  GroupStore& store(const std::string& group) { return *stores_.at(group); }
  MemoryFileSystem& fs() { return *fs_; }
  DeterministicExecutor& executor() { return *executor_; }
  RandomSource& random() { return random_; }

  // Every table of every group, opened.
  std::vector<std::shared_ptr<TsTable>> Tables() {
    std::vector<std::shared_ptr<TsTable>> tables;
    for (const auto& [name, store] : stores_) {
      for (const auto& segment : store->Segments(TimeRange::All())) {
        for (const ShardId shard : segment->ExistingShards()) {
          auto table = segment->Shard(shard);
          REQUIRE(table.has_value());
          tables.push_back(*table);
        }
      }
    }
    return tables;
  }

  ManualClock clock{20'000 * kNanosPerDay};
  MemoryLedger ledger;
  QueryLimits limits;

 private:
  TableEnvironment Environment() {
    return {*fs_,
            clock,
            random_,
            ledger,
            metrics_,
            *executor_,
            *executor_,
            *executor_,
            LogId(99),
            [](LogPosition, std::function<void()> done) { done(); },
            [](const Error&) {},
            [] {}};
  }

  static GroupStore::Options StoreOptions(const SchemaObject& group) {
    GroupStore::Options options;
    options.name = group.key.name;
    options.id = group.group_id;
    const ResourceOptions& resources = *group.group().resources;
    options.layout.shard_count = resources.shard_count;
    options.layout.segment_unit = static_cast<SegmentUnit>(resources.segment_interval->unit);
    options.layout.segment_num = resources.segment_interval->num;
    options.layout.ttl_nanos = resources.ttl->nanos();
    return options;
  }

  void ApplyChange(const SchemaChange& change) {
    registry_.Apply(change);
    for (const SchemaObject& object : change.objects) {
      if (object.key.kind != SchemaKind::kGroup || object.group().catalog != Catalog::kMeasure ||
          stores_.contains(object.key.name)) {
        continue;
      }
      auto store = GroupStore::Create(Environment(), StoreOptions(object));
      if (!store.has_value()) FAIL(store.error().ToString());
      stores_[object.key.name] = *std::move(store);
    }
  }

  template <typename Start>
  void ForEachTable(const Start& start) {
    for (const auto& table : Tables()) {
      Result<> result = Error{ErrorCode::kUnavailable, "not called"};
      start(*table, [&](const Result<>& outcome) { result = outcome; });
      executor_->RunUntilIdle();
      REQUIRE(result.has_value());
    }
  }

  void CloseStores() {
    executor_->RunUntilIdle();
    for (auto& [name, store] : stores_) {
      if (store != nullptr) store->Close();
    }
  }

  SeededRandom random_;
  MetricRegistry metrics_;
  std::unique_ptr<DeterministicExecutor> executor_;
  std::unique_ptr<MemoryFileSystem> fs_;
  SchemaRegistry registry_;
  std::map<std::string, std::shared_ptr<GroupStore>> stores_;
  std::set<std::tuple<std::string, uint64_t, uint64_t>> known_;
  uint64_t position_ = 0;
};

// --- Criteria as code

inline std::unique_ptr<Criteria> Where(std::string tag, ConditionOp op, TagValue value) {
  auto criteria = std::make_unique<Criteria>();
  criteria->condition = Condition{std::move(tag), op, std::move(value)};
  return criteria;
}
inline std::unique_ptr<Criteria> Combine(LogicalOp op, std::unique_ptr<Criteria> left,
                                         std::unique_ptr<Criteria> right) {
  auto criteria = std::make_unique<Criteria>();
  criteria->expression.emplace();
  criteria->expression->op = op;
  criteria->expression->left = std::move(left);
  criteria->expression->right = std::move(right);
  return criteria;
}
inline std::unique_ptr<Criteria> And(std::unique_ptr<Criteria> left,
                                     std::unique_ptr<Criteria> right) {
  return Combine(LogicalOp::kAnd, std::move(left), std::move(right));
}
inline std::unique_ptr<Criteria> Or(std::unique_ptr<Criteria> left,
                                    std::unique_ptr<Criteria> right) {
  return Combine(LogicalOp::kOr, std::move(left), std::move(right));
}

}  // namespace ficus
