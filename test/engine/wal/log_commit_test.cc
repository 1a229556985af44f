// When a group is written and synced, and who is told: strict, relaxed, window, company.
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/wal/log.h"
#include "test/engine/wal/log_world.h"

namespace ficus {
namespace {

LogOptions Relaxed() {
  LogOptions options = LogWorld::SmallOptions();
  options.durability = Durability::kRelaxed;
  return options;
}

// Counts the syncs of log files from now on.
class SyncCount {
 public:
  explicit SyncCount(MemoryFileSystem& fs) : fs_(fs) {
    fs.SetObserver([this](uint64_t, std::string_view effect) {
      if (effect.starts_with("sync ") && effect.ends_with(".log")) ++count_;
    });
  }
  ~SyncCount() { fs_.SetObserver(nullptr); }
  int operator()() const { return count_; }

 private:
  MemoryFileSystem& fs_;
  int count_ = 0;
};

TEST_CASE("batches that come together share one sync", "[wal][commit]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  SyncCount syncs(*fs);
  for (int batch = 0; batch < 20; ++batch) world.Append("x");
  world.Run();
  REQUIRE(world.acknowledged().size() == 20);
  REQUIRE(syncs() == 1);
}

TEST_CASE("an idle log commits at once, a lone writer never waits for company", "[wal][commit]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  const int64_t begin = world.clock().Monotonic();
  for (uint64_t batch = 1; batch <= 10; ++batch) {
    world.AppendAndRun("x");
    REQUIRE(world.acknowledged().size() == batch);
  }
  REQUIRE(world.clock().Monotonic() == begin);
}

TEST_CASE("a group waits for those of the last group, at most the window", "[wal][commit]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  for (int batch = 0; batch < 3; ++batch) world.Append("x");
  world.Run();
  REQUIRE(world.acknowledged().size() == 3);

  SECTION("until all have come back") {
    world.AppendAndRun("x");
    world.AppendAndRun("x");
    REQUIRE(world.acknowledged().size() == 3);
    world.AppendAndRun("x");
    REQUIRE(world.acknowledged().size() == 6);
  }
  SECTION("until the window has passed since the last group") {
    world.executor().Advance(2 * kNanosPerMilli);
    world.AppendAndRun("x");
    world.executor().Advance(3 * kNanosPerMilli - 1);
    REQUIRE(world.acknowledged().size() == 3);
    world.executor().Advance(1);
    REQUIRE(world.acknowledged().size() == 4);
    world.AppendAndRun("x");  // the last group had one batch
    REQUIRE(world.acknowledged().size() == 5);
  }
  SECTION("not when the log was idle before it") {
    world.executor().Advance(5 * kNanosPerMilli);
    world.AppendAndRun("x");
    REQUIRE(world.acknowledged().size() == 4);
  }
  SECTION("not when somebody needs it durable now") {
    world.Append("x");
    bool durable = false;
    world.log().SyncTo(LogPosition(4), [&] { durable = true; });
    world.Run();
    REQUIRE(durable);
    REQUIRE(world.acknowledged().size() == 4);
  }
  SECTION("not when enough bytes have come") {
    world.AppendAndRun(std::string(4 << 20, 'x'));
    REQUIRE(world.acknowledged().size() == 4);
  }
}

TEST_CASE("a group ends at its bound and the next follows", "[wal][commit]") {
  auto fs = MemoryFileSystem::Create();
  LogOptions options = LogWorld::SmallOptions();
  options.group_bytes_max = 8000;
  options.file_bytes = 1 << 20;
  LogWorld world(*fs);
  world.OpenAndStart(options);
  SyncCount syncs(*fs);
  for (int batch = 0; batch < 9; ++batch) world.Append(std::string(2500, 'x'));
  world.Run();
  REQUIRE(world.executor().RunUntil([&] { return world.acknowledged().size() == 9; }));
  REQUIRE(syncs() == 3);
}

TEST_CASE("strict means synced before acknowledged", "[wal][commit]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  world.Append("x");
  REQUIRE(world.log().last_position() == LogPosition(1));
  REQUIRE(world.log().durable_position() == LogPosition(0));
  world.Run();
  REQUIRE(world.log().durable_position() == LogPosition(1));
  REQUIRE(fs->pending_count() == 0);
}

TEST_CASE("relaxed acknowledges after the write and syncs within the interval", "[wal][commit]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart(Relaxed());
  SyncCount syncs(*fs);
  world.AppendAndRun("x");
  REQUIRE(world.acknowledged().size() == 1);
  REQUIRE(syncs() == 0);
  REQUIRE(world.log().durable_position() == LogPosition(0));
  world.executor().Advance(kNanosPerSecond - 1);
  REQUIRE(syncs() == 0);
  world.executor().Advance(1);
  REQUIRE(syncs() == 1);
  REQUIRE(world.log().durable_position() == LogPosition(1));
  world.executor().Advance(10 * kNanosPerSecond);
  REQUIRE(syncs() == 1);  // an idle log does nothing

  world.AppendAndRun("y");
  world.executor().Advance(kNanosPerSecond);
  REQUIRE(syncs() == 2);
}

TEST_CASE("a strict batch in a relaxed log waits for its sync, and so does what is before it",
          "[wal][commit]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart(Relaxed());
  SyncCount syncs(*fs);
  world.AppendAndRun("relaxed");
  world.Append("strict", Durability::kStrict);
  world.Run();
  REQUIRE(world.acknowledged() == std::vector<uint64_t>{1, 2});
  REQUIRE(syncs() == 1);
  REQUIRE(world.log().durable_position() == LogPosition(2));
}

TEST_CASE("a sync of something durable answers on the executor", "[wal][commit]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart(Relaxed());
  world.AppendAndRun("x");
  std::vector<int> answers;
  world.log().SyncTo(LogPosition(1), [&] { answers.push_back(1); });
  REQUIRE(answers.empty());
  world.Run();
  REQUIRE(answers == std::vector<int>{1});
  world.log().SyncTo(LogPosition(1), [&] { answers.push_back(2); });
  REQUIRE(answers.size() == 1);
  world.Run();
  REQUIRE(answers == std::vector<int>{1, 2});
}

TEST_CASE("callbacks come in position order whatever the seed", "[wal][commit]") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    auto fs = MemoryFileSystem::Create();
    LogWorld world(*fs, seed);
    world.OpenAndStart(seed % 2 == 0 ? Relaxed() : LogWorld::SmallOptions());
    SeededRandom random(seed);
    for (int batch = 0; batch < 30; ++batch) {
      world.Append(std::string(random.Below(5000), 'x'),
                   random.Below(5) == 0 ? Durability::kStrict : Durability::kRelaxed);
      for (uint64_t job = random.Below(4); job > 0; --job) world.executor().RunOne();
    }
    world.executor().RunUntil([&] { return world.acknowledged().size() == 30; });
    std::vector<uint64_t> expected;
    for (uint64_t position = 1; position <= 30; ++position) expected.push_back(position);
    REQUIRE(world.acknowledged() == expected);
  }
}

TEST_CASE("a callback may append", "[wal][commit]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  int chained = 0;
  std::function<void(LogPosition, Scn)> again = [&](LogPosition, Scn) {
    if (++chained < 5) world.log().Append("again", Durability::kStrict, again).value();
  };
  world.log().Append("first", Durability::kStrict, again).value();
  world.Run();
  REQUIRE(chained == 5);
}

}  // namespace
}  // namespace ficus
