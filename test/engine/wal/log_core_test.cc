// When a group is written and synced, and who is told: strict, relaxed, window, company; and what
// happens when the disk is full or broken.
#include "engine/wal/log_core.h"

#include <cerrno>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/base/stop.h"
#include "engine/io/faulty_file_system.h"
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

// Room for `bytes` more.
void LeaveRoom(MemoryFileSystem& fs, uint64_t bytes) {
  fs.SetLimits({});
  const SpaceStatus space = fs.Space().value();
  fs.SetLimits({.total_bytes = space.total_bytes - space.free_bytes + bytes});
}

TEST_CASE("a full disk refuses appends, and space that returns ends it", "[wal][space]") {
  const LogCapture quiet;
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  LeaveRoom(*fs, 8000);
  uint64_t accepted = 0;
  for (int batch = 0; batch < 10; ++batch) {
    const auto appended = world.TryAppend("batch");
    if (appended) ++accepted;
    if (!appended) REQUIRE(appended.error().code == ErrorCode::kNoSpace);
    world.Run();
  }
  // The current file still takes what fits.
  REQUIRE(accepted == 3);
  REQUIRE(world.acknowledged().size() == 3);
  REQUIRE(world.log().last_position() == LogPosition(3));
  REQUIRE(quiet.Count("wal.no_file") == 1);

  fs->SetLimits({});
  world.clock().Advance(kNanosPerSecond);
  REQUIRE(world.TryAppend("too early").error().code == ErrorCode::kNoSpace);
  world.Run();
  REQUIRE(quiet.Count("wal.file_again") == 1);
  world.AppendAndRun("again");
  REQUIRE(world.acknowledged().back() == 4);
  world.Close();
  world.Open();
  REQUIRE(world.Replay() == world.sent());
}

TEST_CASE("batches accepted before the disk was full wait for space", "[wal][space]") {
  const LogCapture quiet;
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  LeaveRoom(*fs, 0);
  for (int batch = 0; batch < 8; ++batch) world.Append(std::string(3500, 'x'));
  world.Run();
  REQUIRE(world.acknowledged().size() == 3);
  REQUIRE(world.TryAppend("refused").error().code == ErrorCode::kNoSpace);
  world.executor().Advance(10 * kNanosPerSecond);
  REQUIRE(world.acknowledged().size() == 3);
  fs->SetLimits({});
  world.executor().Advance(kNanosPerSecond);
  REQUIRE(world.acknowledged().size() == 8);
  world.AppendAndRun("again");
  REQUIRE(world.acknowledged().size() == 9);
}

TEST_CASE("closing on a full disk drops what was never acknowledged", "[wal][space]") {
  const LogCapture quiet;
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  LeaveRoom(*fs, 0);
  for (int batch = 0; batch < 5; ++batch) world.Append(std::string(3500, 'x'));
  world.Close();
  REQUIRE(quiet.Count("wal.batches_dropped") == 1);
  const uint64_t acknowledged = world.acknowledged().size();
  REQUIRE(acknowledged == 3);
  fs->SetLimits({});
  world.Open();
  REQUIRE(world.Replay().size() == acknowledged);
}

TEST_CASE("no space at any allocation loses nothing that was accepted", "[wal][space]") {
  for (uint64_t skip = 0; skip < 6; ++skip) {
    for (const uint64_t times : {uint64_t{1}, uint64_t{3}}) {
      CAPTURE(skip, times);
      const LogCapture quiet;
      auto fs = MemoryFileSystem::Create();
      auto faulty = FaultyFileSystem::Create(*fs);
      faulty->AddRule(
          {.op = IoOp::kAllocate, .skip = skip, .times = times, .error_number = ENOSPC});
      LogWorld world(*faulty);
      world.Open();
      while (!world.log().Start(LogPosition(0), Scn(0))) {
      }
      for (int batch = 0; batch < 20; ++batch) {
        const auto appended = world.TryAppend(std::string(2000, static_cast<char>('a' + batch)));
        if (!appended) REQUIRE(appended.error().code == ErrorCode::kNoSpace);
        world.executor().Advance(70 * kNanosPerMilli);
      }
      world.executor().RunUntil([&] { return world.acknowledged().size() == world.sent().size(); });
      REQUIRE(world.acknowledged().size() == world.sent().size());
      REQUIRE(faulty->faults() == times);
      world.Close();
      world.Open();
      REQUIRE(world.Replay() == world.sent());
      for (const auto& [name, bytes] : Contents(*fs)) {
        REQUIRE(name.find(".tmp") == std::string::npos);
      }
    }
  }
}

TEST_CASE("an existing log starts on a full disk and takes appends when there is room",
          "[wal][space]") {
  const LogCapture quiet;
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  world.OpenAndStart();
  world.AppendAndRun("old");
  world.Close();
  world.Open();
  LeaveRoom(*fs, 0);
  world.Start();
  REQUIRE(world.TryAppend("refused").error().code == ErrorCode::kNoSpace);
  bool durable = false;
  world.log().SyncTo(LogPosition(1), [&] { durable = true; });
  world.Run();
  REQUIRE(durable);
  fs->SetLimits({});
  world.executor().Advance(kNanosPerSecond);
  REQUIRE(world.TryAppend("tries again").error().code == ErrorCode::kNoSpace);
  world.Run();
  world.AppendAndRun("new");
  REQUIRE(world.acknowledged().back() == 2);
  world.Close();
}

TEST_CASE("a new log is not begun on a full disk", "[wal][space]") {
  const LogCapture quiet;
  auto fs = MemoryFileSystem::Create({.total_bytes = 1000});
  LogWorld world(*fs);
  world.Open();
  REQUIRE(world.log().Start(LogPosition(0), Scn(0)).error().code == ErrorCode::kNoSpace);
  fs->SetLimits({});
  world.Start();
  world.AppendAndRun("x");
  REQUIRE(world.acknowledged().size() == 1);
}

TEST_CASE("a next file that no descriptor is left for is tried again", "[wal][space]") {
  const LogCapture quiet;
  auto fs = MemoryFileSystem::Create();
  auto faulty = FaultyFileSystem::Create(*fs);
  LogWorld world(*faulty);
  world.OpenAndStart();
  SECTION("when it is created") {
    faulty->AddRule(
        {.op = IoOp::kOpen, .path_contains = ".tmp", .times = 3, .error_number = EMFILE});
  }
  SECTION("when it has its name already") {
    faulty->AddRule({.op = IoOp::kOpen,
                     .path_contains = "0000000000000002.log",
                     .skip = 1,
                     .times = 3,
                     .error_number = EMFILE});
  }
  for (int batch = 0; batch < 5; ++batch) world.Append(std::string(3500, 'x'));
  world.executor().Advance(10 * kNanosPerMilli);
  REQUIRE(world.acknowledged().size() == 3);
  REQUIRE(world.TryAppend("later").error().code == ErrorCode::kResourceExhausted);
  world.executor().Advance(2 * kNanosPerSecond);
  REQUIRE(world.acknowledged().size() == 5);
  REQUIRE(faulty->faults() == 3);
  world.Close();
  world.Open();
  REQUIRE(world.Replay() == world.sent());
}

TEST_CASE("a failed write or sync stops the process and acknowledges nothing", "[wal][fault]") {
  struct Fault {
    IoOp op;
    std::string path;
    int error_number;
  };
  const auto fault = GENERATE(Fault{IoOp::kSync, "0000000000000001.log", EIO},
                              Fault{IoOp::kSync, "0000000000000001.log", ENOSPC},
                              Fault{IoOp::kWrite, "0000000000000001.log", EIO},
                              Fault{IoOp::kWrite, "0000000000000001.log", ENOSPC},
                              Fault{IoOp::kSync, "0000000000000002.log", EIO},
                              Fault{IoOp::kSyncDirectory, "", EIO}, Fault{IoOp::kRename, "", EIO});
  CAPTURE(IoOpName(fault.op), fault.path, fault.error_number);
  const LogCapture quiet;
  auto fs = MemoryFileSystem::Create();
  auto faulty = FaultyFileSystem::Create(*fs);
  StopHandler handler([](std::string_view reason) { throw ProcessStopped{std::string(reason)}; });
  LogWorld world(*faulty);
  world.OpenAndStart();
  world.AppendAndRun("before");
  faulty->AddRule({.op = fault.op,
                   .path_contains = fault.path,
                   .times = UINT64_MAX,
                   .error_number = fault.error_number});
  const uint64_t acknowledged = world.acknowledged().size();
  for (int batch = 0; batch < 4; ++batch) world.Append(std::string(3500, 'x'));
  bool durable = false;
  world.log().SyncTo(LogPosition(5), [&] { durable = true; });
  bool stopped = false;
  for (int life = 0; life < 100 && !stopped; ++life) {
    try {
      world.Run();
      break;
    } catch (const ProcessStopped&) {
      stopped = true;
    }
  }
  REQUIRE(stopped);
  const uint64_t sure = world.acknowledged().size();
  // Only what an earlier, clean sync covers: the first file takes two batches more.
  REQUIRE(sure == (fault.path == "0000000000000001.log" ? acknowledged : acknowledged + 2));
  REQUIRE_FALSE(durable);
  // Nothing goes on after the stop.
  world.Run();
  REQUIRE(world.acknowledged().size() == sure);
  world.Die();

  SeededRandom random(3);
  for (int state = 0; state < 50; ++state) {
    auto crashed = fs->Crash(random, MemoryFileSystem::NameOrder::kWeak);
    LogWorld after(*crashed);
    after.Open();
    const auto found = after.Replay();
    for (const uint64_t position : world.acknowledged()) {
      REQUIRE(found.at(position) == world.sent().at(position));
    }
  }
}

TEST_CASE("what recovery found is durable before the log starts", "[wal]") {
  auto fs = MemoryFileSystem::Create();
  LogWorld first(*fs);
  first.OpenAndStart();
  for (int batch = 0; batch < 3; ++batch) first.AppendAndRun("batch");
  first.Die();

  LogWorld second(*fs);
  second.Open();
  REQUIRE(second.log().opening().last == LogPosition(3));
  bool durable = false;
  second.log().SyncTo(LogPosition(3), [&] { durable = true; });
  second.Run();
  REQUIRE(durable);
}

TEST_CASE("a batch that is durable but of which nobody was told is told from one that was",
          "[wal]") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    auto fs = MemoryFileSystem::Create();
    LogWorld world(*fs, seed);
    world.OpenAndStart();
    for (int batch = 0; batch < 20; ++batch) {
      world.Append("batch", Durability::kStrict);
      for (;;) {
        const LogPosition told = world.log().told_position();
        REQUIRE(told.value() <= world.acknowledged().size());
        REQUIRE(told <= world.log().durable_position());
        if (!world.executor().RunOne()) break;
      }
    }
    REQUIRE(world.log().told_position() == LogPosition(20));
    world.Close();
  }
}

}  // namespace
}  // namespace ficus
