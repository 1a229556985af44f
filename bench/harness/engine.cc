#include "bench/harness/engine.h"

#include <filesystem>
#include <future>
#include <utility>

#include "bench/harness/need.h"
#include "engine/io/disk_file_system.h"
#include "engine/model/entity.h"

namespace ficus::bench {
namespace {

constexpr const char* kGroup = "bench";
constexpr const char* kMeasure = "service_cpm";
constexpr const char* kEntity = "entity_id";
constexpr const char* kField = "value";
constexpr int64_t kQueryDays = 4000;

DatabaseOptions DatabaseOptionsOf(const EngineOptions& options) {
  DatabaseOptions database;
  database.log.durability = options.durability;
  database.snapshots = {.keep = 1, .min_age_nanos = 0};
  if (!options.housekeeping) {
    database.table.flush_interval_nanos = kNanosPerHour;
    database.table.merge.parts_min = 1'000'000;
    database.table.merge.table_parts_max = 1'000'000;
  }
  return database;
}

}  // namespace

Result<> AnswerTotals::Accept(MeasureRowBatch batch) {
  const AnswerColumn& field = batch.fields.at(0);
  for (size_t row = 0; row < batch.rows; ++row) {
    totals_.Add(field.values.int64(field.PlaceOf(row)));
  }
  return Ok();
}

Engine::Engine(const std::string& folder, EngineOptions options) {
  std::filesystem::create_directories(folder + "/data/wal");
  fs_ = Need(OpenDiskFileSystem(folder + "/data", {}));
  log_fs_ = Need(OpenDiskFileSystem(folder + "/data/wal", {}));
  database_ = Need(Database::Open({*fs_,
                                   *log_fs_,
                                   clock_,
                                   random_,
                                   ledger_,
                                   metrics_,
                                   *log_,
                                   *introduce_,
                                   *flush_,
                                   *merge_,
                                   *background_,
                                   *watch_,
                                   {}},
                                  DatabaseOptionsOf(options)));
  if (database_->Schema()->FindGroup(kGroup) == nullptr) CreateSchema(options.shards);
}

Engine::~Engine() {
  database_->Close();
  for (auto* executor : {&watch_, &background_, &merge_, &flush_, &introduce_, &log_}) {
    (*executor)->Close();
  }
}

KeyedRows Engine::Keyed(const std::vector<SamplePoint>& points, int64_t version) const {
  const auto schema = database_->Schema();
  const SchemaObject* const measure = schema->Find(SchemaKind::kMeasure, kGroup, kMeasure);
  KeyedRows keyed;
  keyed.group = schema->FindGroup(kGroup)->group_id;
  keyed.schema_revision = measure->mod_revision;
  keyed.rows.subject = measure->subject_id;
  keyed.rows.columns.emplace_back(measure->measure().fields[0].column, ColumnType::kInt64);
  for (const SamplePoint& point : points) {
    const std::vector<TagValue> entity = {SamplePoints::Name(point.series)};
    const std::string key = Need(EncodeSeriesKey(kMeasure, entity));
    keyed.rows.series.push_back(SeriesIdOf(key));
    keyed.rows.timestamps.push_back(point.time);
    keyed.rows.versions.push_back(version == 0 ? point.time : version);
    keyed.rows.columns[0].AppendWord(static_cast<uint64_t>(point.value));
    keyed.series_checks.push_back(SeriesCheckOf(key));
    keyed.shard_hashes.push_back(point.series);
    keyed.keys += key;
    keyed.key_ends.push_back(static_cast<uint32_t>(keyed.keys.size()));
    keyed.ordinals.push_back(static_cast<uint32_t>(keyed.ordinals.size()));
  }
  return keyed;
}

void Engine::Submit(KeyedRows rows, std::function<void()> done) {
  std::vector<KeyedRows> batch;
  batch.push_back(std::move(rows));
  database_->Write(
      std::move(batch),
      [done = std::move(done)](const Result<>& result, const std::vector<RefusedRow>& refused) {
        CHECK(result.has_value()) << result.error().ToString();
        CHECK(refused.empty()) << refused.size() << " rows are refused";
        done();
      });
}

void Engine::Write(std::span<KeyedRows> batches) {
  std::vector<std::promise<void>> done(batches.size());
  for (size_t i = 0; i < batches.size(); ++i) {
    Submit(std::move(batches[i]), [&done, i] { done[i].set_value(); });
  }
  for (std::promise<void>& one : done) one.get_future().get();
}

void Engine::Await(const std::function<void(std::function<void(Result<>)>)>& start) {
  std::promise<Result<>> done;
  start([&](Result<> result) { done.set_value(std::move(result)); });
  Need(done.get_future().get());
}

void Engine::Flush() {
  Await([this](auto done) { database_->FlushAll(std::move(done)); });
}

void Engine::Merge() {
  Await([this](auto done) { database_->MergeAll(std::move(done)); });
}

MeasureQuery Engine::Query() const {
  MeasureQuery query;
  query.groups = {kGroup};
  query.name = kMeasure;
  query.begin = clock_.Now() - kQueryDays * kNanosPerDay;
  query.end = clock_.Now() + kQueryDays * kNanosPerDay;
  query.fields = {kField};
  return query;
}

AnswerTotals Engine::Ask(MeasureQuery query) {
  const auto plan = Need(PlanMeasureQuery(std::move(query), database_->Schema(), clock_.Now()));
  AnswerTotals totals;
  Need(RunMeasureQuery(plan, {*database_, clock_, ledger_}, {}, totals, nullptr));
  return totals;
}

AnswerTotals Engine::Aggregate(AggregationFunction function) {
  MeasureQuery query = Query();
  query.aggregation = Aggregation{function, kField};
  return Ask(std::move(query));
}

AnswerTotals Engine::OneSeries(const std::string& name, size_t rows) {
  MeasureQuery query = Query();
  query.limit = static_cast<uint32_t>(rows);
  query.criteria = std::make_unique<Criteria>();
  query.criteria->condition = Condition{kEntity, ConditionOp::kEq, TagValue(name)};
  return Ask(std::move(query));
}

void Engine::Create(SchemaObject object) {
  Await([&](auto done) {
    database_->ChangeSchema(
        [this, object](const SchemaRegistry& registry) {
          return registry.PrepareCreate(object, clock_.Now(), random_);
        },
        [done](const Result<SchemaChange>& change) {
          done(change.has_value() ? Ok() : Result<>(change.error()));
        });
  });
}

void Engine::CreateSchema(uint32_t shards) {
  GroupSchema group;
  group.catalog = Catalog::kMeasure;
  group.resources = ResourceOptions{shards, IntervalRule{IntervalUnit::kDay, 1},
                                    IntervalRule{IntervalUnit::kDay, 1000}};
  SchemaObject object;
  object.key = {SchemaKind::kGroup, "", kGroup};
  object.payload = "group";
  object.view = group;
  Create(object);
  MeasureSchema measure;
  measure.families = {{"default", {{kEntity, TagType::kString, kNoColumn}}}};
  measure.fields = {{kField, FieldType::kInt, 0, 1, kNoColumn}};
  measure.entity = {kEntity};
  object.key = {SchemaKind::kMeasure, kGroup, kMeasure};
  object.payload = "measure";
  object.view = measure;
  Create(object);
}

}  // namespace ficus::bench
