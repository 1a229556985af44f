#include "engine/wal/log.h"

#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "test/engine/wal/log_world.h"
#include "test/support/golden.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

using Batches = std::map<uint64_t, std::string>;

TEST_CASE("what was appended is replayed, in order, from any position", "[wal]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld first(*fs);
  first.OpenAndStart();
  REQUIRE(first.log().opening().created);
  for (int batch = 0; batch < 10; ++batch) first.Append("batch " + std::to_string(batch));
  first.Run();
  REQUIRE(first.acknowledged() == std::vector<uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  first.Close();

  LogWorld second(*fs);
  second.Open();
  const LogOpening& opening = second.log().opening();
  REQUIRE_FALSE(opening.created);
  REQUIRE_FALSE(opening.torn_tail);
  REQUIRE(opening.first == LogPosition(1));
  REQUIRE(opening.last == LogPosition(10));
  REQUIRE(opening.scn == Scn(first.scns().back()));
  REQUIRE(second.Replay() == first.sent());
  REQUIRE(second.Replay(9) == Batches{{9, "batch 8"}, {10, "batch 9"}});
  REQUIRE(second.Replay(11).empty());
}

TEST_CASE("random sizes, many files and many lives replay as appended", "[wal]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  auto fs = MemoryFileSystem::Create();
  SeededRandom random(seed);
  Batches expected;
  LogId id;
  for (int life = 0; life < 5; ++life) {
    LogOptions options = LogWorld::SmallOptions();
    options.file_bytes = 100'000;
    options.group_bytes_max = 60'000;
    LogWorld world(*fs, seed + static_cast<uint64_t>(life));
    world.Open(options);
    if (life == 0) id = world.log().id();
    REQUIRE(world.log().id() == id);
    REQUIRE(world.Replay() == expected);
    world.Start();
    for (int batch = 0; batch < 40; ++batch) {
      const uint64_t bytes = random.Below(4) == 0 ? random.Below(200'000) : random.Below(300);
      std::string payload(bytes, '\0');
      for (char& byte : payload) byte = static_cast<char>(random.Next());
      const uint64_t position = world.Append(payload);
      expected[position] = payload;
      if (random.Below(3) == 0) world.executor().RunOne();
    }
    if (life % 2 == 0) world.Run();
    world.Close();
    REQUIRE(world.acknowledged().size() == 40);
  }
  LogWorld last(*fs);
  last.Open();
  REQUIRE(last.Replay() == expected);
  REQUIRE(last.log().files().size() > 10);
}

TEST_CASE("an empty directory gives a new log only when that is wanted", "[wal]") {
  auto fs = MemoryFileSystem::Create();
  LogOptions options = LogWorld::SmallOptions();
  options.create_if_missing = false;
  LogWorld world(*fs);
  REQUIRE(world.TryOpen(options).error().code == ErrorCode::kNotFound);
  world.OpenAndStart();
  world.AppendAndRun("x");
  world.Close();
  world.Open(options);
  REQUIRE(world.Replay() == Batches{{1, "x"}});
}

TEST_CASE("one directory serves one log at a time", "[wal]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld first(*fs);
  first.OpenAndStart();
  LogWorld second(*fs);
  REQUIRE(second.TryOpen().error().code == ErrorCode::kUnavailable);
  first.Close();
  second.Open();
}

TEST_CASE("numbering goes on above every recorded position and label", "[wal]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld first(*fs);
  first.OpenAndStart();
  first.AppendAndRun("a");
  first.Close();

  LogWorld second(*fs);
  second.Open();
  second.Start(100, 5'000'000'000'000'000'000);
  REQUIRE(second.log().durable_position() == LogPosition(100));
  second.AppendAndRun("b");
  REQUIRE(second.acknowledged() == std::vector<uint64_t>{101});
  REQUIRE(second.scns() == std::vector<uint64_t>{5'000'000'000'000'000'001});
  second.Close();

  LogWorld third(*fs);
  third.Open();
  REQUIRE(third.log().opening().last == LogPosition(101));
  REQUIRE(third.log().opening().scn == Scn(5'000'000'000'000'000'001));
  REQUIRE(third.Replay() == Batches{{1, "a"}, {101, "b"}});
}

TEST_CASE("labels follow the wall clock but never go back", "[wal]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  world.AppendAndRun("a");
  world.Append("b");
  world.clock().StepWall(-500'000'000);
  world.Append("c");
  world.clock().StepWall(2'000'000'000);
  world.Append("d");
  world.Run();
  REQUIRE(world.scns() ==
          std::vector<uint64_t>{1'000'000'000, 1'000'000'001, 1'000'000'002, 2'500'000'000});
}

TEST_CASE("a batch too large is refused, one larger than a file gets a larger file", "[wal]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  REQUIRE(world.TryAppend(std::string(kBatchBytesMax + 1, 'x')).error().code ==
          ErrorCode::kInvalidArgument);
  world.AppendAndRun("small");
  world.AppendAndRun(std::string(300'000, 'x'));
  world.AppendAndRun("small");
  REQUIRE(world.acknowledged() == std::vector<uint64_t>{1, 2, 3});
  world.Close();
  world.Open();
  REQUIRE(world.Replay() == world.sent());
}

TEST_CASE("a closed log takes nothing and has called every callback", "[wal]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.Open();
  REQUIRE(world.TryAppend("early").error().code == ErrorCode::kUnavailable);
  world.Start();
  for (int batch = 0; batch < 5; ++batch) world.Append("batch");
  bool synced = false;
  world.log().SyncTo(LogPosition(5), [&] { synced = true; });
  world.log().Close();  // no job of the executor has run
  REQUIRE(world.acknowledged().size() == 5);
  REQUIRE(synced);
  REQUIRE(world.TryAppend("late").error().code == ErrorCode::kUnavailable);
  world.Run();  // what was posted before finds nothing to do
  REQUIRE(world.acknowledged().size() == 5);
  world.log().Close();
}

TEST_CASE("queued payloads are bounded", "[wal]") {
  auto fs = MemoryFileSystem::Create();
  LogOptions options = LogWorld::SmallOptions();
  options.queued_bytes_max = 1000;
  LogWorld world(*fs);
  world.OpenAndStart(options);
  world.Append(std::string(600, 'a'));
  world.Append(std::string(400, 'b'));
  REQUIRE(world.TryAppend("c").error().code == ErrorCode::kResourceExhausted);
  REQUIRE(world.log().last_position() == LogPosition(2));
  world.Run();
  REQUIRE(world.Append("c") == 3);
}

TEST_CASE("trimming removes whole files below the position, oldest first", "[wal]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  for (int batch = 0; batch < 10; ++batch) world.AppendAndRun(std::string(3000, 'x'));
  const auto before = world.log().files();
  REQUIRE(before.size() == 4);  // three sectors each
  REQUIRE(before[1].first == LogPosition(4));
  REQUIRE(before[1].last == LogPosition(6));

  world.log().Trim(LogPosition(6)).value();
  REQUIRE(world.log().files().size() == 3);
  world.log().Trim(LogPosition(7)).value();
  REQUIRE(world.log().files().size() == 2);
  world.log().Trim(LogPosition(1000)).value();
  REQUIRE(world.log().files().size() == 1);
  REQUIRE(LogFiles(*fs) == std::vector<std::string>{"0000000000000004.log"});
  world.Close();

  world.Open();
  REQUIRE(world.log().opening().first == LogPosition(10));
  REQUIRE(world.Replay().size() == 1);
  world.Start();
  world.log().Trim(LogPosition(11)).value();
  world.AppendAndRun("after");
  REQUIRE(world.acknowledged().back() == 11);
}

TEST_CASE("lives without a batch leave files that trimming removes", "[wal]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  for (int life = 0; life < 4; ++life) {
    world.OpenAndStart();
    world.Close();
  }
  world.OpenAndStart();
  REQUIRE(world.log().files().size() == 5);
  world.log().Trim(LogPosition(1)).value();
  REQUIRE(world.log().files().size() == 1);
  world.AppendAndRun("x");
  REQUIRE(world.acknowledged() == std::vector<uint64_t>{1});
}

TEST_CASE("the effects of beginning a new file come in the order that survives a crash",
          "[wal][effects]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  std::string effects;
  world.Open();
  fs->SetObserver(
      [&](uint64_t, std::string_view effect) { effects += std::string(effect) + '\n'; });
  world.Start();
  for (int batch = 0; batch < 4; ++batch) {
    effects += "-- batch " + std::to_string(batch + 1) + '\n';
    world.AppendAndRun(std::string(3000, 'x'));
  }
  effects += "-- close\n";
  world.Close();
  fs->SetObserver(nullptr);
  CheckGolden("wal/effects.txt", effects);
}

TEST_CASE("metrics count bytes, groups, syncs and files", "[wal]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  for (int batch = 0; batch < 3; ++batch) world.Append("12345");
  world.Run();
  std::map<std::string, double> values;
  for (const MetricFamily& family : world.metrics().Collect()) {
    const MetricSample& sample = family.samples.at(0);
    values[family.name] = sample.histogram != nullptr ? sample.histogram->sum() : sample.value;
    if (family.name != "ficus_wal_sync_seconds") continue;
    for (const uint64_t count : sample.histogram->counts()) {
      values["syncs"] += static_cast<double>(count);
    }
  }
  REQUIRE(values["ficus_wal_appended_bytes_total"] == 15);
  REQUIRE(values["ficus_wal_files"] == 1);
  REQUIRE(values["ficus_wal_group_batches"] == 3);
  REQUIRE(values["syncs"] == 1);
}

}  // namespace
}  // namespace ficus
