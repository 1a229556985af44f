// The engine in this process: a database of one measure in a folder of its own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/harness/sample_points.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/base/random.h"
#include "engine/database/database.h"
#include "engine/io/file_system.h"
#include "engine/runtime/executor.h"

namespace ficus::bench {

struct EngineOptions {
  Durability durability = Durability::kStrict;
  uint32_t shards = 1;
  // false: nothing is flushed by age and nothing merged, so that parts stay as they are.
  bool housekeeping = true;
};

// Sums what an answer holds.
class AnswerTotals final : public MeasureRowSink {
 public:
  Result<> Accept(MeasureRowBatch batch) override;
  const Totals& totals() const { return totals_; }

 private:
  Totals totals_;
};

// One thread calls it.
class Engine {
 public:
  // Opens what `folder` holds, or an empty database.
  explicit Engine(const std::string& folder, EngineOptions options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Database& database() { return *database_; }
  MetricRegistry& metrics() { return metrics_; }
  // Of files of rows and series; without the log, which holds nothing that they do not.
  static std::string DataBelow() { return "/data/measure"; }

  // Points as a session of writes hands them on: names looked up, keys encoded. `version`: of all
  // rows; 0: the time of each.
  KeyedRows Keyed(const std::vector<SamplePoint>& points, int64_t version = 0) const;
  void Submit(KeyedRows rows, std::function<void()> done);
  void Write(KeyedRows rows) { Write(std::span(&rows, 1)); }
  // All at once; returns when all are acknowledged.
  void Write(std::span<KeyedRows> batches);
  void Flush();
  void Merge();

  MeasureQuery Query() const;
  AnswerTotals Ask(MeasureQuery query);
  AnswerTotals Aggregate(AggregationFunction function);
  // All rows of one series.
  AnswerTotals OneSeries(const std::string& name, size_t rows);

 private:
  void Create(SchemaObject object);
  void CreateSchema(uint32_t shards);
  void Await(const std::function<void(std::function<void(Result<>)>)>& start);

  SystemClock clock_;
  SystemRandom random_;
  MemoryLedger ledger_{size_t{4} << 30};
  MetricRegistry metrics_;
  std::unique_ptr<ThreadExecutor> log_ = ThreadExecutor::Create("log", 1);
  std::unique_ptr<ThreadExecutor> introduce_ = ThreadExecutor::Create("introduce", 1);
  std::unique_ptr<ThreadExecutor> flush_ = ThreadExecutor::Create("flush", 1);
  std::unique_ptr<ThreadExecutor> merge_ = ThreadExecutor::Create("merge", 1);
  std::unique_ptr<ThreadExecutor> background_ = ThreadExecutor::Create("background", 1);
  std::unique_ptr<ThreadExecutor> watch_ = ThreadExecutor::Create("watch", 1);
  std::unique_ptr<FileSystem> fs_;
  std::unique_ptr<FileSystem> log_fs_;
  std::unique_ptr<Database> database_;
};

}  // namespace ficus::bench
