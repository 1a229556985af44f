// The engine beside RocksDB with the same points: writing them until everything is flushed and
// merged, reading all of them, and reading one series of them.
//
//     storage_bench [--series N] [--rows N] [--rounds N] [--json F]
//
// Points look like SkyWalking's: one integer for a series and a minute, its version the time. Both
// stores run in turns, A B A B. CPU is that of the whole process, user and system, while a store
// works; the points are made before. Sums and counts of what is read are compared with the closed
// form that the points were made by.
//
// RocksDB: key = series and time, big-endian; value = version and field; batches of 1,000, log
// synced for each (as the engine's), Bloom filter, blocks of 16 KiB, zstd, level style for 512 MB,
// compacted at the end.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <utility>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "bench/yardstick/programs.h"
#include "engine/base/check.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/base/random.h"
#include "engine/database/database.h"
#include "engine/io/disk_file_system.h"
#include "engine/model/entity.h"
#include "engine/runtime/executor.h"

namespace {

using namespace ficus;

constexpr size_t kBatch = 1000;
constexpr int64_t kMinute = 60 * kNanosPerSecond;
constexpr const char* kGroup = "g";
constexpr const char* kMeasure = "service_cpm";

struct Size {
  size_t series = 4000;
  size_t rows = 500;  // of each series
  size_t points() const { return series * rows; }
};

struct Point {
  uint32_t series;
  UnixNanos time;
  int64_t value;
};

// Around a level of its own for each series, never the same twice in a row.
int64_t ValueOf(size_t series, size_t row) {
  return static_cast<int64_t>(200 + series % 97 * 11 + (row * 7919 + series * 104'729) % 61);
}

int64_t SumOf(const Size& size) {
  int64_t sum = 0;
  for (size_t s = 0; s < size.series; ++s) {
    for (size_t r = 0; r < size.rows; ++r) sum += ValueOf(s, r);
  }
  return sum;
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double WallMicros() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

template <typename T>
T Need(Result<T> result) {
  CHECK(result.has_value()) << result.error().ToString();
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

uint64_t BytesBelow(const std::string& folder) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

// What one store did in one round.
struct Figures {
  double write_cpu = 0;  // seconds, all points
  double bytes_per_point = 0;
  double scan_cpu = 0;       // seconds, all points, cached
  double series_micros = 0;  // wall, median, one series
};

// --- The engine

struct SumSink final : MeasureRowSink {
  int64_t sum = 0;
  size_t rows = 0;
  Result<> Accept(MeasureRowBatch batch) override {
    rows += batch.rows.size();
    for (const MeasureRow& row : batch.rows) sum += std::get<int64_t>(row.fields.at(0));
    return Ok();
  }
};

class Engine {
 public:
  Engine(const std::string& folder, Durability durability, UnixNanos base)
      : folder_(folder), base_(base) {
    std::filesystem::create_directories(folder + "/data/wal");
    fs_ = Need(OpenDiskFileSystem(folder + "/data", {}));
    log_fs_ = Need(OpenDiskFileSystem(folder + "/data/wal", {}));
    DatabaseOptions options;
    options.log.durability = durability;
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
    for (auto* executor : {&background_, &merge_, &flush_, &introduce_, &log_})
      (*executor)->Close();
  }

  KeyedRows Keyed(const std::vector<Point>& points) const {
    const auto schema = database_->Schema();
    const SchemaObject* const measure = schema->Find(SchemaKind::kMeasure, kGroup, kMeasure);
    KeyedRows keyed;
    keyed.group = schema->FindGroup(kGroup)->group_id;
    keyed.schema_revision = measure->mod_revision;
    keyed.rows.subject = measure->subject_id;
    keyed.rows.columns.emplace_back(measure->measure().fields[0].column, ColumnType::kInt64);
    for (const Point& point : points) {
      const std::vector<TagValue> entity = {"service-instance-" + std::to_string(point.series)};
      const std::string key = Need(EncodeSeriesKey(kMeasure, entity));
      keyed.rows.series.push_back(SeriesIdOf(key));
      keyed.rows.timestamps.push_back(point.time);
      keyed.rows.versions.push_back(point.time);
      keyed.rows.columns[0].AppendWord(static_cast<uint64_t>(point.value));
      keyed.series_checks.push_back(SeriesCheckOf(key));
      keyed.shard_hashes.push_back(point.series);
      keyed.keys += key;
      keyed.key_ends.push_back(static_cast<uint32_t>(keyed.keys.size()));
      keyed.ordinals.push_back(static_cast<uint32_t>(keyed.ordinals.size()));
    }
    return keyed;
  }

  void Write(KeyedRows rows) {
    std::vector<KeyedRows> batch;
    batch.push_back(std::move(rows));
    std::promise<Result<>> done;
    database_->Write(std::move(batch),
                     [&](Result<> result, const std::vector<RefusedRow>& refused) {
                       CHECK(refused.empty()) << refused.size() << " rows are refused";
                       done.set_value(std::move(result));
                     });
    Need(done.get_future().get());
  }

  void Settle() {
    Await([this](auto done) { database_->FlushAll(std::move(done)); });
    Await([this](auto done) { database_->MergeAll(std::move(done)); });
  }

  // Files of rows and series; without the log, which holds nothing that they do not.
  uint64_t Bytes() const { return BytesBelow(folder_ + "/data/measure"); }

  MeasureQuery Question() const {
    MeasureQuery query;
    query.groups = {kGroup};
    query.name = kMeasure;
    query.begin = base_;
    query.end = base_ + 400 * kNanosPerDay;
    query.fields = {"value"};
    return query;
  }
  SumSink Ask(MeasureQuery query) {
    const auto plan = Need(PlanMeasureQuery(std::move(query), database_->Schema(), clock_.Now()));
    SumSink sink;
    Need(RunMeasureQuery(plan, {*database_, clock_, ledger_}, {}, sink, nullptr));
    return sink;
  }
  SumSink SumAll() {
    MeasureQuery query = Question();
    query.aggregation = Aggregation{AggregationFunction::kSum, "value"};
    return Ask(std::move(query));
  }
  SumSink OneSeries(size_t series, size_t rows) {
    MeasureQuery query = Question();
    query.limit = static_cast<uint32_t>(rows);
    query.criteria = std::make_unique<Criteria>();
    query.criteria->condition = Condition{"entity_id", ConditionOp::kEq,
                                          TagValue("service-instance-" + std::to_string(series))};
    return Ask(std::move(query));
  }

 private:
  void Await(const std::function<void(std::function<void(Result<>)>)>& start) {
    std::promise<Result<>> done;
    start([&](Result<> result) { done.set_value(std::move(result)); });
    Need(done.get_future().get());
  }

  void Create(SchemaObject object) {
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

  void CreateSchema() {
    GroupSchema group;
    group.catalog = Catalog::kMeasure;
    group.resources = ResourceOptions{1, IntervalRule{IntervalUnit::kDay, 1},
                                      IntervalRule{IntervalUnit::kDay, 30}};
    SchemaObject group_object;
    group_object.key = {SchemaKind::kGroup, "", kGroup};
    group_object.payload = "group";
    group_object.view = group;
    Create(std::move(group_object));
    MeasureSchema measure;
    measure.families = {{"default", {{"entity_id", TagType::kString, kNoColumn}}}};
    measure.fields = {{"value", FieldType::kInt, 0, 1, kNoColumn}};
    measure.entity = {"entity_id"};
    SchemaObject measure_object;
    measure_object.key = {SchemaKind::kMeasure, kGroup, kMeasure};
    measure_object.payload = "measure";
    measure_object.view = measure;
    Create(std::move(measure_object));
  }

  const std::string folder_;
  const UnixNanos base_;
  SystemClock clock_;
  SystemRandom random_;
  MemoryLedger ledger_{size_t{4} << 30};
  MetricRegistry metrics_;
  std::unique_ptr<ThreadExecutor> log_ = ThreadExecutor::Create("log", 1);
  std::unique_ptr<ThreadExecutor> introduce_ = ThreadExecutor::Create("introduce", 1);
  std::unique_ptr<ThreadExecutor> flush_ = ThreadExecutor::Create("flush", 1);
  std::unique_ptr<ThreadExecutor> merge_ = ThreadExecutor::Create("merge", 1);
  std::unique_ptr<ThreadExecutor> background_ = ThreadExecutor::Create("background", 1);
  std::unique_ptr<FileSystem> fs_;
  std::unique_ptr<FileSystem> log_fs_;
  std::unique_ptr<Database> database_;
};

// Minute after minute, each series once, as agents report.
std::vector<std::vector<Point>> BatchesOf(const Size& size, UnixNanos base) {
  std::vector<std::vector<Point>> batches;
  for (size_t row = 0; row < size.rows; ++row) {
    for (size_t first = 0; first < size.series; first += kBatch) {
      std::vector<Point>& batch = batches.emplace_back();
      for (size_t s = first; s < std::min(first + kBatch, size.series); ++s) {
        batch.push_back({static_cast<uint32_t>(s), base + static_cast<int64_t>(row) * kMinute,
                         ValueOf(s, row)});
      }
    }
  }
  return batches;
}

template <typename Ask>
double MedianMicros(const Size& size, const Ask& ask) {
  std::vector<double> micros;
  for (size_t i = 0; i < 300; ++i) {
    const size_t series = i * 7919 % size.series;
    const double begin = WallMicros();
    ask(series);
    micros.push_back(WallMicros() - begin);
  }
  std::sort(micros.begin(), micros.end());
  return micros[micros.size() / 2];
}

Figures RunEngine(const Size& size, const std::string& folder, UnixNanos base) {
  Engine engine(folder, Durability::kStrict, base);
  std::vector<KeyedRows> batches;
  for (const auto& batch : BatchesOf(size, base)) batches.push_back(engine.Keyed(batch));
  Figures figures;
  double begin = CpuSeconds();
  for (KeyedRows& batch : batches) engine.Write(std::move(batch));
  engine.Settle();
  figures.write_cpu = CpuSeconds() - begin;
  figures.bytes_per_point =
      static_cast<double>(engine.Bytes()) / static_cast<double>(size.points());
  CHECK(engine.SumAll().sum == SumOf(size)) << "the engine's sum is wrong";
  begin = CpuSeconds();
  constexpr int kScans = 5;
  for (int i = 0; i < kScans; ++i) engine.SumAll();
  figures.scan_cpu = (CpuSeconds() - begin) / kScans;
  figures.series_micros = MedianMicros(size, [&](size_t series) {
    const SumSink answer = engine.OneSeries(series, size.rows);
    CHECK(answer.rows == size.rows) << answer.rows << " rows of one series";
  });
  return figures;
}

// --- RocksDB

std::string KeyOf(uint64_t series, UnixNanos time) {
  std::string key(12, '\0');
  for (int i = 0; i < 4; ++i) key[i] = static_cast<char>(series >> (24 - 8 * i));
  for (int i = 0; i < 8; ++i) {
    key[4 + i] = static_cast<char>(static_cast<uint64_t>(time) >> (56 - 8 * i));
  }
  return key;
}
std::string ValueOf(const Point& point) {
  std::string value(16, '\0');
  std::memcpy(value.data(), &point.time, 8);
  std::memcpy(value.data() + 8, &point.value, 8);
  return value;
}
int64_t FieldOf(const rocksdb::Slice& value) {
  int64_t field = 0;
  std::memcpy(&field, value.data() + 8, 8);
  return field;
}

void Need(const rocksdb::Status& status) { CHECK(status.ok()) << status.ToString(); }

std::unique_ptr<rocksdb::DB> OpenRocks(const std::string& folder) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kZSTD;
  options.OptimizeLevelStyleCompaction(512 << 20);
  // That call sets other compressions for each level.
  options.compression_per_level.clear();
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_size = 16 << 10;
  table.block_cache = rocksdb::NewLRUCache(1 << 30);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::DB* opened = nullptr;
  Need(rocksdb::DB::Open(options, folder, &opened));
  return std::unique_ptr<rocksdb::DB>(opened);
}

Figures RunRocks(const Size& size, const std::string& folder, UnixNanos base) {
  const std::unique_ptr<rocksdb::DB> db = OpenRocks(folder);
  std::vector<std::vector<std::pair<std::string, std::string>>> batches;
  for (const auto& batch : BatchesOf(size, base)) {
    auto& pairs = batches.emplace_back();
    for (const Point& point : batch) {
      pairs.emplace_back(KeyOf(point.series, point.time), ValueOf(point));
    }
  }
  Figures figures;
  double begin = CpuSeconds();
  rocksdb::WriteOptions strict;
  strict.sync = true;
  for (const auto& pairs : batches) {
    rocksdb::WriteBatch batch;
    for (const auto& [key, value] : pairs) Need(batch.Put(key, value));
    Need(db->Write(strict, &batch));
  }
  Need(db->Flush({}));
  Need(db->CompactRange({}, nullptr, nullptr));
  figures.write_cpu = CpuSeconds() - begin;
  uint64_t bytes = 0;
  db->GetIntProperty("rocksdb.total-sst-files-size", &bytes);
  figures.bytes_per_point = static_cast<double>(bytes) / static_cast<double>(size.points());
  const auto sum_all = [&] {
    int64_t sum = 0;
    const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator({}));
    for (at->SeekToFirst(); at->Valid(); at->Next()) sum += FieldOf(at->value());
    return sum;
  };
  CHECK(sum_all() == SumOf(size)) << "RocksDB's sum is wrong";
  begin = CpuSeconds();
  sum_all();
  figures.scan_cpu = CpuSeconds() - begin;
  figures.series_micros = MedianMicros(size, [&](size_t series) {
    size_t rows = 0;
    const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator({}));
    const std::string end = KeyOf(series + 1, 0);
    for (at->Seek(KeyOf(series, 0)); at->Valid() && at->key().compare(end) < 0; at->Next()) ++rows;
    CHECK(rows == size.rows) << rows << " rows of one series";
  });
  return figures;
}

// --- The table

struct Row {
  const char* name;
  double (*of)(const Figures&, const Size&);
  bool more_is_better;
};
constexpr Row kRows[] = {
    {"write: CPU-s per million points",
     [](const Figures& f, const Size& s) {
       return f.write_cpu / static_cast<double>(s.points()) * 1e6;
     },
     false},
    {"write: million points per CPU-s",
     [](const Figures& f, const Size& s) {
       return static_cast<double>(s.points()) / f.write_cpu * 1e-6;
     },
     true},
    {"bytes per point, merged", [](const Figures& f, const Size&) { return f.bytes_per_point; },
     false},
    {"sum of all: Gvalues per CPU-s",
     [](const Figures& f, const Size& s) {
       return static_cast<double>(s.points()) / f.scan_cpu * 1e-9;
     },
     true},
    {"one series: microseconds", [](const Figures& f, const Size&) { return f.series_micros; },
     false},
};

double MedianOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  Size size;
  int rounds = 5;
  std::string json;
  bench::ParseOptions(
      argc, argv,
      {{"--series", [&](const std::string& value) { size.series = std::stoull(value); }},
       {"--rows", [&](const std::string& value) { size.rows = std::stoull(value); }},
       {"--rounds", [&](const std::string& value) { rounds = std::stoi(value); }},
       {"--json", [&](const std::string& value) { json = value; }}});
  char pattern[] = "/var/tmp/ficus-bench-XXXXXX";
  CHECK(::mkdtemp(pattern) != nullptr) << "mkdtemp failed";
  const std::string folder = pattern;
  // A whole day, and not one that expires while this runs.
  const UnixNanos base = (SystemClock().Now() / kNanosPerDay - 1) * kNanosPerDay;
  std::vector<Figures> engine;
  std::vector<Figures> rocks;
  for (int round = 0; round < rounds; ++round) {
    engine.push_back(RunEngine(size, folder + "/engine", base));
    rocks.push_back(RunRocks(size, folder + "/rocks", base));
    std::filesystem::remove_all(folder + "/engine");
    std::filesystem::remove_all(folder + "/rocks");
  }
  std::filesystem::remove_all(folder);
  std::printf("%zu series x %zu rows, %d rounds: median (min, max)\n", size.series, size.rows,
              rounds);
  std::printf("%-34s %24s %24s %8s\n", "", "engine", "RocksDB", "better");
  std::string lines;
  for (const Row& row : kRows) {
    std::vector<double> a;
    std::vector<double> b;
    std::vector<double> better;
    for (int round = 0; round < rounds; ++round) {
      a.push_back(row.of(engine[round], size));
      b.push_back(row.of(rocks[round], size));
      better.push_back(row.more_is_better ? a.back() / b.back() : b.back() / a.back());
    }
    const auto [amin, amax] = std::minmax_element(a.begin(), a.end());
    const auto [bmin, bmax] = std::minmax_element(b.begin(), b.end());
    std::printf("%-34s %8.3f (%6.3f, %6.3f) %8.3f (%6.3f, %6.3f) %7.1fx\n", row.name, MedianOf(a),
                *amin, *amax, MedianOf(b), *bmin, *bmax, MedianOf(better));
    lines += std::string(lines.empty() ? "" : ", ") + "{\"figure\": \"" + row.name +
             "\", \"engine\": " + std::to_string(MedianOf(a)) +
             ", \"rocksdb\": " + std::to_string(MedianOf(b)) +
             ", \"better\": " + std::to_string(MedianOf(better)) + "}";
  }
  if (!json.empty()) {
    std::ofstream(json) << "{\"workload\": \"storage\", \"series\": " << size.series
                        << ", \"rows\": " << size.rows << ", \"figures\": [" << lines << "]}\n";
  }
  return 0;
}
