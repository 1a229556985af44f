// A whole node in memory, driven by one deterministic executor: opened, written, killed, crashed
// and opened again.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/database/database.h"
#include "engine/io/memory_file_system.h"
#include "engine/runtime/executor.h"
#include "engine/schema/schema_registry.h"
#include "test/engine/database/node_rows.h"

namespace ficus {

class DatabaseHarness {
 public:
  explicit DatabaseHarness(uint64_t seed = 1, size_t ledger_bytes = size_t{1} << 30)
      : random_(seed),
        ledger_(ledger_bytes),
        executor_(DeterministicExecutor::Create(seed, clock_)),
        fs_(MemoryFileSystem::Create()),
        log_fs_(MemoryFileSystem::Create()) {
    options_.ballast_bytes = 1 << 20;
    options_.log.file_bytes = 1 << 20;
  }
  // On file systems of the machine. Kill() then is all that can be done to it.
  DatabaseHarness(uint64_t seed, size_t ledger_bytes, std::unique_ptr<FileSystem> fs,
                  std::unique_ptr<FileSystem> log_fs)
      : DatabaseHarness(seed, ledger_bytes) {
    disk_ = std::move(fs);
    log_disk_ = std::move(log_fs);
  }
  ~DatabaseHarness() { Close(); }

  DatabaseOptions& options() { return options_; }
  MemoryFileSystem& fs() { return *fs_; }
  MemoryFileSystem& log_fs() { return *log_fs_; }
  const MemoryFileSystem& fs() const { return *fs_; }
  const MemoryFileSystem& log_fs() const { return *log_fs_; }
  ManualClock& clock() { return clock_; }
  DeterministicExecutor& executor() { return *executor_; }
  MemoryLedger& ledger() { return ledger_; }
  const MemoryLedger& ledger() const { return ledger_; }
  MetricRegistry& metrics() { return metrics_; }
  Database& database() { return *database_; }
  SeededRandom& random() { return random_; }
  UnixNanos now() const { return clock_.Now(); }

  Result<> Open() {
    DatabaseEnvironment environment{disk_ != nullptr ? *disk_ : *fs_,
                                    log_disk_ != nullptr ? *log_disk_ : *log_fs_,
                                    clock_,
                                    random_,
                                    ledger_,
                                    metrics_,
                                    *executor_,
                                    *executor_,
                                    *executor_,
                                    *executor_,
                                    *executor_,
                                    *executor_,
                                    [this](const std::function<bool()>& done) { Pump(done); }};
    ASSIGN_OR_RETURN(database_, Database::Open(std::move(environment), options_));
    return Ok();
  }

  // A clean stop.
  void Close() {
    if (database_ != nullptr) database_->Close();
    database_.reset();
    executor_->DropAll();
  }
  // The process dies; the page cache lives on.
  void Kill() {
    executor_->DropAll();
    if (database_ != nullptr) database_->Close();
    database_.reset();
    executor_->DropAll();
  }
  // The machine loses power.
  void Crash(MemoryFileSystem::NameOrder order) {
    std::unique_ptr<MemoryFileSystem> fs = fs_->Crash(random_, order);
    std::unique_ptr<MemoryFileSystem> log_fs = log_fs_->Crash(random_, order);
    Kill();
    fs_ = std::move(fs);
    log_fs_ = std::move(log_fs);
  }

  // What the node sees of fs() and log_fs(): with faults in between.
  void UseWrapped(std::unique_ptr<FileSystem> fs, std::unique_ptr<FileSystem> log_fs) {
    disk_ = std::move(fs);
    log_disk_ = std::move(log_fs);
  }
  void UseLog(std::unique_ptr<MemoryFileSystem> log_fs) { log_fs_ = std::move(log_fs); }
  void UseDisks(std::unique_ptr<MemoryFileSystem> fs, std::unique_ptr<MemoryFileSystem> log_fs) {
    fs_ = std::move(fs);
    log_fs_ = std::move(log_fs);
  }

  Result<SchemaChange> Change(Database::PrepareChange prepare) {
    Result<SchemaChange> outcome = Error{ErrorCode::kUnavailable, "not called"};
    bool done = false;
    database_->ChangeSchema(std::move(prepare), [&](Result<SchemaChange> change) {
      outcome = std::move(change);
      done = true;
    });
    Pump([&] { return done; });
    return outcome;
  }
  Result<SchemaChange> Create(SchemaObject object) {
    return Change([this, object](const SchemaRegistry& registry) {
      return registry.PrepareCreate(object, now(), random_);
    });
  }
  Result<SchemaChange> Update(SchemaObject object) {
    return Change([this, object](const SchemaRegistry& registry) {
      return registry.PrepareUpdate(object, now());
    });
  }
  Result<SchemaChange> CreateGroup(const std::string& name) { return Create(Group(name, 7)); }
  Result<SchemaChange> UpdateGroup(const std::string& name, uint32_t ttl_days) {
    return Update(Group(name, ttl_days));
  }
  SchemaObject Group(const std::string& name, uint32_t ttl_days) {
    GroupSchema schema;
    schema.catalog = Catalog::kMeasure;
    schema.resources = ResourceOptions{2, IntervalRule{IntervalUnit::kDay, 1},
                                       IntervalRule{IntervalUnit::kDay, ttl_days}};
    SchemaObject object;
    object.key = {SchemaKind::kGroup, "", name};
    object.payload = "group " + name + std::to_string(ttl_days);
    object.view = schema;
    return object;
  }
  Result<SchemaChange> CreateMeasure(const std::string& group, const std::string& name) {
    return Create(Measure(group, name));
  }
  SchemaObject Measure(const std::string& group, const std::string& name) {
    MeasureSchema schema;
    schema.families = {{"default", {{"host", TagType::kInt, kNoColumn}}}};
    schema.fields = {{"value", FieldType::kInt, 0, 1, kNoColumn}};
    schema.entity = {"host"};
    SchemaObject object;
    object.key = {SchemaKind::kMeasure, group, name};
    object.payload = "measure " + name;
    object.view = schema;
    return object;
  }
  Result<SchemaChange> DeleteGroup(const std::string& name,
                                   GroupDeletion deletion = GroupDeletion::kEverything) {
    Result<SchemaChange> outcome = Error{ErrorCode::kUnavailable, "not called"};
    bool done = false;
    database_->DeleteGroup(
        name, deletion, [] { return Ok(); },
        [&](Result<SchemaChange> change) {
          outcome = std::move(change);
          done = true;
        });
    Pump([&] { return done; });
    return outcome;
  }

  KeyedRows Keyed(const std::string& group, const std::string& name,
                  const std::vector<NodeRow>& rows) {
    const auto schema = database_->Schema();
    const SchemaObject* const measure = schema->Find(SchemaKind::kMeasure, group, name);
    REQUIRE(measure != nullptr);
    KeyedRows keyed;
    keyed.group = schema->FindGroup(group)->group_id;
    keyed.schema_revision = measure->mod_revision;
    AddKeyedRows(keyed, name, measure->subject_id, measure->measure().fields[0].column, rows);
    return keyed;
  }

  struct Written {
    Result<> result = Error{ErrorCode::kUnavailable, "not called"};
    std::vector<RefusedRow> refused;
    bool done = false;
  };
  // Hands rows over and returns before anything has happened.
  std::shared_ptr<Written> Begin(const std::string& group, const std::string& name,
                                 const std::vector<NodeRow>& rows) {
    return Begin(Keyed(group, name, rows));
  }
  std::shared_ptr<Written> Begin(KeyedRows rows) {
    auto written = std::make_shared<Written>();
    std::vector<KeyedRows> batch;
    batch.push_back(std::move(rows));
    database_->Write(std::move(batch), [written](Result<> result, std::vector<RefusedRow> refused) {
      written->result = std::move(result);
      written->refused = std::move(refused);
      written->done = true;
    });
    return written;
  }
  Written Write(const std::string& group, const std::string& name,
                const std::vector<NodeRow>& rows) {
    const auto written = Begin(group, name, rows);
    Pump([&] { return written->done; });
    return *written;
  }

  // Every row of a measure, through the tables.
  NodeRows Read(const std::string& group, const std::string& name) {
    const auto schema = database_->Schema();
    const SchemaObject* const measure = schema->Find(SchemaKind::kMeasure, group, name);
    REQUIRE(measure != nullptr);
    const auto store = database_->FindGroup(schema->FindGroup(group)->group_id);
    NodeRows rows;
    if (store == nullptr) return rows;
    for (const auto& segment : store->Segments(TimeRange::All())) {
      for (const ShardId shard : segment->ExistingShards()) {
        const auto table = segment->Shard(shard);
        REQUIRE(table.has_value());
        ReadNodeRows(*(*table)->Current(), measure->subject_id, measure->measure().fields[0].column,
                     ledger_, rows);
      }
    }
    return rows;
  }

  Result<> FlushAll() {
    return Await([this](auto done) { database_->FlushAll(std::move(done)); });
  }
  Result<> MergeAll() {
    return Await([this](auto done) { database_->MergeAll(std::move(done)); });
  }
  Result<> RunRetention() {
    return Await([this](auto done) { database_->RunRetention(std::move(done)); });
  }
  // Lets the watch and everything it starts run.
  void Pass(int64_t nanos) { executor_->Advance(nanos); }

  void Pump(const std::function<bool()>& done) {
    // The watch always has a timer, so time moves only as far as it must.
    for (int i = 0; i < 1'000'000 && !done(); ++i) {
      if (!executor_->RunOne()) executor_->Advance(kNanosPerMilli);
    }
    REQUIRE(done());
  }

 private:
  Result<> Await(const std::function<void(std::function<void(Result<>)>)>& start) {
    auto outcome = std::make_shared<std::optional<Result<>>>();
    start([outcome](Result<> result) { *outcome = std::move(result); });
    Pump([&] { return outcome->has_value(); });
    return **outcome;
  }

  ManualClock clock_{1'795'159'800LL * kNanosPerSecond};  // 2026-11-20T07:30:00Z
  SeededRandom random_;
  MetricRegistry metrics_;
  MemoryLedger ledger_;
  std::unique_ptr<DeterministicExecutor> executor_;
  std::unique_ptr<MemoryFileSystem> fs_;
  std::unique_ptr<MemoryFileSystem> log_fs_;
  std::unique_ptr<FileSystem> disk_;
  std::unique_ptr<FileSystem> log_disk_;
  DatabaseOptions options_;
  std::unique_ptr<Database> database_;
};

}  // namespace ficus
