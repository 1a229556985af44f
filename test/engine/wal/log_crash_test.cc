// Power cuts: at every effect of a script, in every legal state of what was pending.
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/wal/log.h"
#include "test/engine/wal/log_world.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

using Tear = MemoryFileSystem::Tear;
using NameOrder = MemoryFileSystem::NameOrder;

constexpr Tear kTears[] = {Tear::kWritten, Tear::kOld, Tear::kZeros, Tear::kGarbage,
                           Tear::kSizeOnly};

// What a crash must leave.
struct Promise {
  uint64_t durable = 0;                  // every batch up to here
  uint64_t trimmed = 0;                  // except those below
  std::map<uint64_t, std::string> sent;  // and none that is not here
  bool created = false;                  // the log itself was there already
};

// Subsets of `count` pending effects: all of them when they are few, else the telling ones.
std::vector<std::vector<bool>> Subsets(size_t count, size_t exhaustive_max, RandomSource& random) {
  std::vector<std::vector<bool>> subsets;
  if (count <= exhaustive_max) {
    for (uint64_t bits = 0; bits < uint64_t{1} << count; ++bits) {
      std::vector<bool> keep(count);
      for (size_t effect = 0; effect < count; ++effect) keep[effect] = (bits >> effect & 1) != 0;
      subsets.push_back(keep);
    }
    return subsets;
  }
  subsets.emplace_back(count, false);
  subsets.emplace_back(count, true);
  for (size_t effect = 0; effect < count; ++effect) {
    std::vector<bool> alone(count, false);
    alone[effect] = true;
    std::vector<bool> missing(count, true);
    missing[effect] = false;
    subsets.push_back(alone);
    subsets.push_back(missing);
  }
  for (int draw = 0; draw < 20; ++draw) {
    std::vector<bool> keep(count);
    for (size_t effect = 0; effect < count; ++effect) keep[effect] = (random.Next() & 1) != 0;
    subsets.push_back(keep);
  }
  return subsets;
}

using Visit = std::function<void(std::unique_ptr<MemoryFileSystem>)>;

// Calls `visit` with every state in which a crash now may leave `fs`.
void ForEachCrash(const MemoryFileSystem& fs, size_t exhaustive_max, const Visit& visit) {
  SeededRandom random(TestSeed(1));
  std::set<std::map<std::string, std::string>> seen;
  for (const std::vector<bool>& keep : Subsets(fs.pending_count(), exhaustive_max, random)) {
    for (const Tear tear : kTears) {
      for (const NameOrder order : {NameOrder::kStrong, NameOrder::kWeak}) {
        auto crashed = fs.CrashKeeping(keep, tear, order);
        if (crashed == nullptr) continue;
        if (seen.insert(Contents(*crashed)).second) visit(std::move(crashed));
      }
    }
  }
}

// Opens what a crash left, without an operator, and checks the promise.
std::map<uint64_t, std::string> CheckOpens(MemoryFileSystem& fs, const Promise& promise,
                                           uint64_t seed = 7) {
  LogWorld world(fs, seed);
  LogOptions options = LogWorld::SmallOptions();
  options.create_if_missing = !promise.created;
  world.Open(options);
  const auto found = world.Replay();
  uint64_t expected = found.empty() ? 0 : found.begin()->first;
  for (const auto& [position, payload] : found) {
    REQUIRE(position == expected++);
    REQUIRE(promise.sent.at(position) == payload);
  }
  for (uint64_t position = std::max<uint64_t>(promise.trimmed, 1); position <= promise.durable;
       ++position) {
    CAPTURE(position);
    REQUIRE(found.count(position) == 1);
  }
  REQUIRE(fs.pending_count() == 0);
  return found;
}

void CheckGoesOn(MemoryFileSystem& fs, const Promise& promise,
                 std::map<uint64_t, std::string> found) {
  LogWorld world(fs, 8);
  world.Open();
  REQUIRE_FALSE(world.log().opening().torn_tail);  // the first opening has cut it
  REQUIRE(world.Replay() == found);
  world.Start(promise.durable);
  world.AppendAndRun("after the crash");
  const uint64_t position = world.acknowledged().at(0);
  REQUIRE(position > promise.durable);
  world.Die();
  found[position] = "after the crash";
  LogWorld again(fs, 9);
  again.Open();
  REQUIRE(again.Replay() == found);
}

// Runs `script` on a world whose every effect is a crash point.
class CrashRun {
 public:
  explicit CrashRun(LogOptions options) : options_(options) {}

  using Script = std::function<void(LogWorld&, Promise&)>;
  void Run(const Script& script) {
    auto fs = MemoryFileSystem::Create();
    LogWorld world(*fs);
    Promise promise;
    fs->SetObserver([&](uint64_t, std::string_view effect) {
      CAPTURE(std::string(effect));
      Observe(world, promise, *fs);
    });
    world.Open(options_);
    world.Start();
    promise.created = true;
    started_ = true;
    script(world, promise);
    Observe(world, promise, *fs);
    fs->SetObserver(nullptr);
  }
  int states() const { return states_; }

 private:
  void Observe(LogWorld& world, Promise& promise, MemoryFileSystem& fs) {
    if (started_) {
      promise.sent = world.sent();
      promise.durable = world.log().durable_position().value();
      if (options_.durability == Durability::kStrict && !world.acknowledged().empty()) {
        REQUIRE(world.acknowledged().back() <= promise.durable);
      }
    }
    ForEachCrash(fs, 8, [&](std::unique_ptr<MemoryFileSystem> crashed) {
      ++states_;
      const auto found = CheckOpens(*crashed, promise);
      if (states_ % 5 == 0) CheckGoesOn(*crashed, promise, found);
    });
  }

  const LogOptions options_;
  const LogCapture quiet_;
  bool started_ = false;
  int states_ = 0;
};

LogOptions Tiny(Durability durability = Durability::kStrict) {
  LogOptions options = LogWorld::SmallOptions();
  options.file_bytes = 12 << 10;  // two groups
  options.durability = durability;
  return options;
}

TEST_CASE("every acknowledged batch survives a power cut at any effect", "[wal][crash]") {
  CrashRun run(Tiny());
  run.Run([](LogWorld& world, Promise&) {
    for (int batch = 0; batch < 5; ++batch) world.AppendAndRun("batch " + std::to_string(batch));
  });
  REQUIRE(run.states() > 1000);
}

TEST_CASE("groups of several batches and sectors survive as far as they were acknowledged",
          "[wal][crash]") {
  CrashRun run(Tiny());
  run.Run([](LogWorld& world, Promise&) {
    for (int group = 0; group < 3; ++group) {
      world.Append("one");
      world.Append(std::string(1200, 'b'));
      world.Append("three");
      world.executor().RunUntil([&] { return world.acknowledged().size() == world.sent().size(); });
    }
  });
}

TEST_CASE("a batch over several blocks is there whole or not at all", "[wal][crash]") {
  CrashRun run(Tiny());
  run.Run([](LogWorld& world, Promise&) {
    world.AppendAndRun("first");
    world.AppendAndRun(std::string(40'000, 'x'));
    world.AppendAndRun("last");
  });
}

TEST_CASE("a relaxed log loses at most its unsynced end", "[wal][crash]") {
  CrashRun run(Tiny(Durability::kRelaxed));
  run.Run([](LogWorld& world, Promise&) {
    world.AppendAndRun("a");
    world.AppendAndRun("b");
    world.AppendAndRun("c");  // in the second file
    world.executor().Advance(kNanosPerSecond);
    world.AppendAndRun("d");
    world.Append("strict", Durability::kStrict);
    world.Run();
    world.AppendAndRun("e");
  });
}

TEST_CASE("unsynced groups of several batches may be lost in any order", "[wal][crash]") {
  LogOptions options = Tiny(Durability::kRelaxed);
  options.file_bytes = 20 << 10;
  CrashRun run(options);
  run.Run([](LogWorld& world, Promise&) {
    for (int group = 0; group < 3; ++group) {
      world.Append(std::string(500, 'a'));
      world.Append(std::string(500, 'b'));
      world.executor().RunUntil([&] { return world.acknowledged().size() == world.sent().size(); });
    }
  });
}

TEST_CASE("trimming survives a power cut at any effect", "[wal][crash]") {
  CrashRun run(Tiny());
  run.Run([](LogWorld& world, Promise& promise) {
    for (int batch = 0; batch < 7; ++batch) world.AppendAndRun("batch");
    promise.trimmed = 6;
    world.log().Trim(LogPosition(6)).value();
    world.AppendAndRun("after");
  });
}

TEST_CASE("closing survives a power cut at any effect", "[wal][crash]") {
  CrashRun run(Tiny(Durability::kRelaxed));
  run.Run([](LogWorld& world, Promise&) {
    world.AppendAndRun("a");
    world.Append("b");
    world.log().Close();
  });
}

TEST_CASE("a power cut during recovery changes nothing", "[wal][crash]") {
  const LogCapture quiet;
  auto fs = MemoryFileSystem::Create();
  LogWorld world(*fs);
  Promise promise;
  promise.created = true;
  world.OpenAndStart(Tiny());
  for (int batch = 0; batch < 3; ++batch) world.AppendAndRun("batch " + std::to_string(batch));
  promise.durable = 3;
  world.Append(std::string(3000, 'x'));  // torn
  fs->SetObserver([&](uint64_t, std::string_view effect) {
    if (!effect.starts_with("sync 0000000000000002.log")) return;
    promise.sent = world.sent();
    // Each state after the first crash, then each effect of the recovery, then each state after it.
    ForEachCrash(*fs, 6, [&](std::unique_ptr<MemoryFileSystem> crashed) {
      MemoryFileSystem& first = *crashed;
      first.SetObserver([&](uint64_t, std::string_view) {
        ForEachCrash(first, 3, [&](std::unique_ptr<MemoryFileSystem> second) {
          CheckOpens(*second, promise, 17);
        });
      });
      const auto found = CheckOpens(first, promise);
      first.SetObserver(nullptr);
      CheckGoesOn(first, promise, found);
    });
  });
  world.Run();
  REQUIRE(world.acknowledged().size() == 4);
}

TEST_CASE("many random lives with power cuts lose nothing that was acknowledged", "[wal][crash]") {
  const uint64_t seed = TestSeed(1);
  const int rounds = TestRounds(40);
  CAPTURE(seed);
  const LogCapture quiet;
  SeededRandom random(seed);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    auto fs = MemoryFileSystem::Create();
    std::map<uint64_t, std::string> possible;
    std::map<uint64_t, std::string> found;
    uint64_t durable = 0;
    for (int life = 0; life < 6; ++life) {
      LogWorld world(*fs, random.Next());
      world.Open(Tiny(random.Below(2) == 0 ? Durability::kStrict : Durability::kRelaxed));
      found = world.Replay();
      for (const auto& [position, payload] : found) REQUIRE(possible.at(position) == payload);
      for (uint64_t position = 1; position <= durable; ++position) {
        REQUIRE(found.count(position) == possible.count(position));
      }
      possible = found;
      world.Start();
      uint64_t steps = random.Below(60);
      while (steps-- > 0) {
        if (random.Below(3) == 0) {
          world.Append(std::string(random.Below(6000), static_cast<char>('a' + life)));
        } else if (random.Below(8) == 0) {
          world.executor().Advance(static_cast<int64_t>(random.Below(2'000'000'000)));
        } else {
          world.executor().RunOne();
        }
      }
      for (const auto& [position, payload] : world.sent()) possible[position] = payload;
      durable = world.log().durable_position().value();
      world.Die();
      fs = fs->Crash(random, random.Below(2) == 0 ? NameOrder::kStrong : NameOrder::kWeak);
    }
  }
}

}  // namespace
}  // namespace ficus
