// What a table does when it cannot tell the writers which series it knows.
#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/index/index_run.h"
#include "engine/io/faulty_file_system.h"
#include "engine/io/publish.h"
#include "test/engine/table/table_harness.h"

namespace ficus {
namespace {

// A table with one run, opened again on a disk that can be made to fail.
struct Scene {
  TableHarness harness;
  std::unique_ptr<FaultyFileSystem> faults;

  Scene() {
    REQUIRE(harness.Open().has_value());
    harness.Introduce(1, {{1, 100, 1}, {2, 100, 2}});
    REQUIRE(harness.Flush().has_value());
    harness.Kill();
    faults = FaultyFileSystem::Create(harness.fs());
    harness.UseWrapped(*faults);
  }
  ~Scene() { harness.Kill(); }

  void Open() { REQUIRE(harness.Open().has_value()); }
  std::string Run() {
    for (const std::string& name : harness.Files()) {
      if (name.ends_with(".idx")) return JoinPath("shard-0", name);
    }
    return {};
  }
  void FailReads(int error_number) {
    FaultRule rule;
    rule.op = IoOp::kRead;
    rule.path_contains = ".idx";
    rule.times = UINT64_MAX;
    rule.error_number = error_number;
    faults->AddRule(rule);
  }
  void DamageRun() {
    std::string bytes = ReadWholeFile(harness.fs(), Run(), 1 << 20, FileClass::kTool).value();
    bytes[20] = static_cast<char>(bytes[20] ^ 1);
    SeededRandom random(1);
    REQUIRE(PublishFile(harness.fs(), random, Run(), bytes, FileClass::kTool).has_value());
  }
};

}  // namespace

TEST_CASE("a run that cannot be read is not read again with each write", "[table][known]") {
  Scene scene;
  scene.Open();
  scene.FailReads(EIO);
  LogCapture log;
  REQUIRE(!scene.harness.table().KnownSeries().has_value());
  const uint64_t operations = scene.faults->operations();
  for (int write = 0; write < 100; ++write) {
    const auto known = scene.harness.table().KnownSeries();
    REQUIRE(!known.has_value());
    REQUIRE(known.error().message.find(".idx") != std::string::npos);
  }
  REQUIRE(scene.faults->operations() == operations);
  REQUIRE(log.Count("table.known_series") == 1);

  // Tried again after a while, which grows.
  scene.harness.clock().Advance(kNanosPerSecond);
  REQUIRE(!scene.harness.table().KnownSeries().has_value());
  REQUIRE(scene.faults->operations() > operations);
  scene.faults->ClearRules();
  scene.harness.clock().Advance(kNanosPerSecond);
  REQUIRE(!scene.harness.table().KnownSeries().has_value());
  scene.harness.clock().Advance(kNanosPerSecond);
  REQUIRE(scene.harness.table().KnownSeries().has_value());
  REQUIRE(log.Count("table.known_series") == 1);
  REQUIRE(scene.harness.Current()->damaged.empty());
}

TEST_CASE("a damaged run that writers meet is set aside", "[table][known][damage]") {
  Scene scene;
  scene.DamageRun();
  scene.Open();
  LogCapture log;
  const auto known = scene.harness.table().KnownSeries();
  REQUIRE(!known.has_value());
  REQUIRE(known.error().code == ErrorCode::kCorruption);
  scene.harness.executor().RunUntilIdle();
  REQUIRE(scene.harness.Current()->runs.empty());
  REQUIRE(scene.harness.Current()->damaged.size() == 1);
  // Its series are told again.
  scene.harness.clock().Advance(kNanosPerSecond);
  const auto without = scene.harness.table().KnownSeries();
  REQUIRE(without.has_value());
  REQUIRE((*without)->size() == 0);
}

}  // namespace ficus
