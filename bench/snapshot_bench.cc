// What a snapshot costs beside `cp -al` of the same tree, and what a writer notices of it.
//
//   snapshot_bench <folder>               1,000 parts in 100 shard directories, nine pairs
//   snapshot_bench <folder> <pairs>
//
// The folder must be empty or missing, and lie on the disk that is to be measured. Each pair is a
// snapshot and a copy of links, in turns; then, beside a writer, snapshots whose flushes have
// something to do. Times are of the wall clock.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/database/database.h"
#include "engine/io/disk_file_system.h"
#include "engine/model/entity.h"
#include "engine/runtime/executor.h"
#include "engine/schema/schema_registry.h"

namespace ficus {
namespace {

constexpr const char* kGroup = "bench";
constexpr const char* kMeasure = "cpm";
constexpr uint32_t kShards = 10;
constexpr int64_t kDays = 10;
constexpr size_t kPartsPerShard = 10;
constexpr size_t kRowsPerShard = 50;

template <typename T>
T Need(Result<T> result) {
  CHECK(result.has_value()) << result.error().ToString();
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

double Millis() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string Spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  char text[96];
  std::snprintf(text, sizeof text, "%8.2f  %8.2f  %8.2f", values[values.size() / 2], values.front(),
                values.back());
  return text;
}

class Engine {
 public:
  explicit Engine(const std::string& folder) {
    std::filesystem::create_directories(folder + "/data");
    std::filesystem::create_directories(folder + "/wal");
    fs_ = Need(OpenDiskFileSystem(folder + "/data", {}));
    log_fs_ = Need(OpenDiskFileSystem(folder + "/wal", {}));
    DatabaseOptions options;
    options.table.flush_interval_nanos = kNanosPerHour;
    options.table.merge.parts_min = 1'000'000;  // the parts are to stay as they are
    options.snapshots = {.keep = 1, .min_age_nanos = 0};
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
                                     {}},
                                    options));
    CreateSchema();
  }
  ~Engine() {
    database_->Close();
    for (auto* executor : {&background_, &merge_, &flush_, &introduce_, &log_}) {
      (*executor)->Close();
    }
  }

  Database& database() { return *database_; }

  // `rows` of each shard of the segments of the first `days` days.
  void Write(int64_t days, size_t rows) {
    std::vector<KeyedRows> batch;
    batch.push_back(Keyed(days, rows));
    std::promise<Result<>> done;
    Submit(std::move(batch), [&](Result<> result) { done.set_value(std::move(result)); });
    Need(done.get_future().get());
  }
  std::vector<KeyedRows> OneRow() { return {Keyed(1, 1)}; }
  void Submit(std::vector<KeyedRows> batch, std::function<void(Result<>)> done) {
    database_->Write(
        std::move(batch),
        [done = std::move(done)](Result<> result, const std::vector<RefusedRow>& refused) {
          CHECK(refused.empty()) << refused.size() << " rows are refused";
          done(std::move(result));
        });
  }
  void Flush() {
    std::promise<Result<>> done;
    database_->FlushAll([&](Result<> result) { done.set_value(std::move(result)); });
    Need(done.get_future().get());
  }
  SnapshotContents Take() {
    std::promise<Result<SnapshotContents>> done;
    database_->TakeSnapshot(
        {}, [&](Result<SnapshotContents> contents) { done.set_value(std::move(contents)); });
    return Need(done.get_future().get());
  }
  // Milliseconds that all snapshots so far spent in a phase.
  double Phase(const char* phase) {
    return metrics_.AddHistogram("ficus_snapshot_seconds", "", LatencyBounds(), {{"phase", phase}})
               .sum() *
           1000;
  }

 private:
  KeyedRows Keyed(int64_t days, size_t rows) {
    const auto schema = database_->Schema();
    const SchemaObject* const measure = schema->Find(SchemaKind::kMeasure, kGroup, kMeasure);
    KeyedRows keyed;
    keyed.group = schema->FindGroup(kGroup)->group_id;
    keyed.schema_revision = measure->mod_revision;
    keyed.rows.subject = measure->subject_id;
    keyed.rows.columns.emplace_back(measure->measure().fields[0].column, ColumnType::kInt64);
    ++version_;
    for (int64_t day = 0; day < days; ++day) {
      for (size_t row = 0; row < rows * kShards; ++row) {
        const std::vector<TagValue> entity = {"instance-" + std::to_string(row)};
        const std::string key = Need(EncodeSeriesKey(kMeasure, entity));
        keyed.rows.series.push_back(SeriesIdOf(key));
        keyed.rows.timestamps.push_back(base_ - day * kNanosPerDay);
        keyed.rows.versions.push_back(version_);
        keyed.rows.columns[0].AppendWord(row);
        keyed.series_checks.push_back(SeriesCheckOf(key));
        keyed.shard_hashes.push_back(row);
        keyed.keys += key;
        keyed.key_ends.push_back(static_cast<uint32_t>(keyed.keys.size()));
        keyed.ordinals.push_back(static_cast<uint32_t>(keyed.ordinals.size()));
      }
    }
    return keyed;
  }

  void Create(SchemaObject object) {
    std::promise<Result<SchemaChange>> done;
    database_->ChangeSchema(
        [&](const SchemaRegistry& registry) {
          return registry.PrepareCreate(object, clock_.Now(), random_);
        },
        [&](Result<SchemaChange> change) { done.set_value(std::move(change)); });
    Need(done.get_future().get());
  }
  void CreateSchema() {
    GroupSchema group;
    group.catalog = Catalog::kMeasure;
    group.resources = ResourceOptions{kShards, IntervalRule{IntervalUnit::kDay, 1},
                                      IntervalRule{IntervalUnit::kDay, 1000}};
    SchemaObject object;
    object.key = {SchemaKind::kGroup, "", kGroup};
    object.payload = "group";
    object.view = group;
    Create(object);
    MeasureSchema measure;
    measure.families = {{"default", {{"instance", TagType::kString, kNoColumn}}}};
    measure.fields = {{"value", FieldType::kInt, 0, 1, kNoColumn}};
    measure.entity = {"instance"};
    object.key = {SchemaKind::kMeasure, kGroup, kMeasure};
    object.payload = "measure";
    object.view = measure;
    Create(object);
  }

  SystemClock clock_;
  SystemRandom random_;
  MemoryLedger ledger_{size_t{1} << 30};
  MetricRegistry metrics_;
  const UnixNanos base_ = clock_.Now();
  std::atomic<int64_t> version_{0};
  std::unique_ptr<ThreadExecutor> log_ = ThreadExecutor::Create("log", 1);
  std::unique_ptr<ThreadExecutor> introduce_ = ThreadExecutor::Create("introduce", 1);
  std::unique_ptr<ThreadExecutor> flush_ = ThreadExecutor::Create("flush", 1);
  std::unique_ptr<ThreadExecutor> merge_ = ThreadExecutor::Create("merge", 1);
  std::unique_ptr<ThreadExecutor> background_ = ThreadExecutor::Create("background", 1);
  std::unique_ptr<FileSystem> fs_;
  std::unique_ptr<FileSystem> log_fs_;
  std::unique_ptr<Database> database_;
};

struct Figures {
  std::vector<double> link, sync, list, flush, copy, ratio, durable_ratio;
};

// Longest time that a call of a writer took: the call itself, and until its answer.
struct Stalls {
  double call = 0;
  double answer = 0;
};

class Writer {
 public:
  explicit Writer(Engine& engine) : engine_(engine), thread_([this] { Run(); }) {}
  ~Writer() {
    stop_ = true;
    thread_.join();
  }
  Stalls Longest() { return {call_.exchange(0), answer_.exchange(0)}; }

 private:
  void Run() {
    while (!stop_) {
      std::vector<KeyedRows> rows = engine_.OneRow();
      std::promise<Result<>> done;
      const double begun = Millis();
      engine_.Submit(std::move(rows), [&](Result<> result) { done.set_value(std::move(result)); });
      call_ = std::max(call_.load(), Millis() - begun);
      Need(done.get_future().get());
      answer_ = std::max(answer_.load(), Millis() - begun);
    }
  }

  Engine& engine_;
  std::atomic<bool> stop_{false};
  std::atomic<double> call_{0};
  std::atomic<double> answer_{0};
  std::thread thread_;
};

void ReportLinks(Engine& engine, const std::string& folder, int pairs) {
  Figures figures;
  size_t files = 0;
  for (int pair = 0; pair < pairs; ++pair) {
    const double link = engine.Phase("link");
    const double sync = engine.Phase("sync");
    const double list = engine.Phase("list");
    const double flush = engine.Phase("flush");
    const SnapshotContents contents = engine.Take();
    figures.link.push_back(engine.Phase("link") - link);
    figures.sync.push_back(engine.Phase("sync") - sync);
    figures.list.push_back(engine.Phase("list") - list);
    figures.flush.push_back(engine.Phase("flush") - flush);
    files = 0;
    for (const CatalogSnapshot& catalog : contents.catalogs) files += catalog.files.size();
    const std::string copy = folder + "/copy-" + std::to_string(pair);
    std::filesystem::create_directories(copy);
    const double begun = Millis();
    const std::string command = "cp -al '" + folder + "/data/measure/data' '" + copy + "'";
    CHECK(std::system(command.c_str()) == 0);
    figures.copy.push_back(Millis() - begun);
    std::filesystem::remove_all(copy);
    figures.ratio.push_back(figures.link.back() / figures.copy.back());
    figures.durable_ratio.push_back((figures.link.back() + figures.sync.back()) /
                                    figures.copy.back());
  }
  std::printf("%zu files, %d pairs\n%-34s %8s  %8s  %8s\n", files, pairs, "milliseconds", "median",
              "min", "max");
  std::printf("%-34s %s\n", "links and directories", Spread(figures.link).c_str());
  std::printf("%-34s %s\n", "manifests and fsyncs", Spread(figures.sync).c_str());
  std::printf("%-34s %s\n", "contents list", Spread(figures.list).c_str());
  std::printf("%-34s %s\n", "flush and pins (nothing to flush)", Spread(figures.flush).c_str());
  std::printf("%-34s %s\n", "cp -al, nothing synced", Spread(figures.copy).c_str());
  std::printf("%-34s %s\n", "links / cp -al", Spread(figures.ratio).c_str());
  std::printf("%-34s %s\n", "links and fsyncs / cp -al", Spread(figures.durable_ratio).c_str());
}

void ReportStalls(Engine& engine, int rounds) {
  std::vector<double> flush, calls, answers, quiet_calls, quiet_answers;
  Writer writer(engine);
  for (int round = 0; round < rounds; ++round) {
    engine.Write(kDays, 1);
    static_cast<void>(writer.Longest());
    const double begun = Millis();
    const double flushed = engine.Phase("flush");
    static_cast<void>(engine.Take());
    flush.push_back(engine.Phase("flush") - flushed);
    const double took = Millis() - begun;
    const Stalls stalls = writer.Longest();
    // As long without a snapshot.
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(took));
    const Stalls quiet = writer.Longest();
    calls.push_back(stalls.call);
    answers.push_back(stalls.answer);
    quiet_calls.push_back(quiet.call);
    quiet_answers.push_back(quiet.answer);
  }
  std::printf("\nbeside a writer, %d snapshots with rows in every shard\n", rounds);
  std::printf("%-34s %s\n", "flush of 100 shards", Spread(flush).c_str());
  std::printf("%-34s %s\n", "longest write call, snapshot", Spread(calls).c_str());
  std::printf("%-34s %s\n", "longest write call, none", Spread(quiet_calls).c_str());
  std::printf("%-34s %s\n", "longest answer, snapshot", Spread(answers).c_str());
  std::printf("%-34s %s\n", "longest answer, none", Spread(quiet_answers).c_str());
}

}  // namespace
}  // namespace ficus

int main(int argc, char** argv) {
  const int pairs = argc > 2 ? std::atoi(argv[2]) : 9;
  if (argc < 2 || pairs < 1) {
    std::fprintf(stderr, "usage: snapshot_bench <folder> [pairs]\n");
    return 2;
  }
  const std::string folder = argv[1];
  ficus::Engine engine(folder);
  for (size_t part = 0; part < ficus::kPartsPerShard; ++part) {
    engine.Write(ficus::kDays, ficus::kRowsPerShard);
    engine.Flush();
  }
  ficus::ReportLinks(engine, folder, pairs);
  ficus::ReportStalls(engine, pairs);
  return 0;
}
