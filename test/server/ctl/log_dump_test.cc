#include "server/ctl/log_dump.h"

#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "engine/base/metrics.h"
#include "engine/io/memory_file_system.h"
#include "engine/runtime/executor.h"
#include "engine/table/routed_rows.h"
#include "engine/wal/log.h"

namespace ficus {
namespace {

// A log with one batch of rows and one that retires a group.
std::unique_ptr<MemoryFileSystem> MakeLog() {
  auto fs = MemoryFileSystem::Create();
  ManualClock clock(1'000 * kNanosPerSecond);
  SeededRandom random(1);
  MetricRegistry metrics;
  const auto executor = DeterministicExecutor::Create(1, clock);
  LogOptions options;
  options.create_if_missing = true;
  options.file_bytes = 1 << 20;
  auto log = Log::Open({*fs, clock, random, *executor, metrics}, options);
  REQUIRE(log.has_value());
  REQUIRE((*log)->Start({}, {}).has_value());
  LogRecord rows;
  rows.rows.emplace_back();
  rows.rows[0].group = GroupId(7);
  rows.rows[0].rows.subject = SubjectId(8);
  rows.rows[0].rows.series = {SeriesId(1)};
  rows.rows[0].rows.timestamps = {5};
  rows.rows[0].rows.versions = {1};
  LogRecord retired;
  retired.retired_groups = {{Catalog::kMeasure, GroupId(7)}};
  int done = 0;
  for (const LogRecord& record : {rows, retired}) {
    REQUIRE((*log)
                ->Append(EncodeLogRecord(record), Durability::kStrict,
                         [&](LogPosition, Scn) { ++done; })
                .has_value());
  }
  REQUIRE(executor->RunUntil([&] { return done == 2; }));
  (*log)->Close();
  return fs;
}

TEST_CASE("the log is shown batch by batch", "[ctl]") {
  const auto fs = MakeLog();
  const Result<std::string> text = DumpLog(*fs);
  REQUIRE(text.has_value());
  REQUIRE(text->find("batch 1 ") != std::string::npos);
  REQUIRE(text->find("rows 1  catalog measure  group 0000000000000007") != std::string::npos);
  REQUIRE(text->find("retired group 0000000000000007") != std::string::npos);
  const Result<std::string> verified = VerifyLog(*fs);
  REQUIRE(verified.has_value());
  REQUIRE(verified->find("2 batches checked") != std::string::npos);
}

TEST_CASE("damage in the log is named with its file", "[ctl]") {
  const auto fs = MakeLog();
  std::string name;
  for (const DirectoryEntry& entry : *fs->List("")) {
    if (entry.name.ends_with(".log") && name.empty()) name = entry.name;
  }
  REQUIRE(fs->FlipBits(name, 4096 + 50, 1).has_value());
  const Result<std::string> verified = VerifyLog(*fs);
  REQUIRE(verified.error().code == ErrorCode::kCorruption);
  REQUIRE(verified.error().message.find(name) != std::string::npos);
}

}  // namespace
}  // namespace ficus
