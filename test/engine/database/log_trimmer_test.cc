#include "engine/database/log_trimmer.h"

#include <algorithm>
#include <functional>
#include <memory>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "test/engine/database/group_world.h"

namespace ficus {
namespace {

constexpr UnixNanos kNow = 1'000'000'000;  // what the clock of a GroupWorld begins with

// As far as a log seems to be, and what it was asked to let go.
class ToldLog final : public Log {
 public:
  uint64_t told = 0;
  uint64_t durable = 0;
  std::vector<FileSummary> summaries;
  Result<> trim_result;
  std::function<void()> when_asked = [] {};  // after it has said how far it is

  const std::vector<uint64_t>& trims() const { return trims_; }

  LogPosition told_position() const override {
    const LogPosition answer(told);
    when_asked();
    return answer;
  }
  LogPosition durable_position() const override { return LogPosition(durable); }
  Result<> Trim(LogPosition position) override {
    trims_.push_back(position.value());
    return trim_result;
  }
  std::vector<FileSummary> files() const override { return summaries; }

  const LogOpening& opening() const override { return opening_; }
  Result<> Replay(LogPosition, const Visit&) override { return Ok(); }
  Result<> Start(LogPosition, Scn) override { return Ok(); }
  Result<> Append(std::string, Durability, Done) override {
    return Error{ErrorCode::kUnavailable, "takes nothing"};
  }
  LogPosition last_position() const override { return LogPosition(durable); }
  LogId id() const override { return opening_.id; }
  void SyncTo(LogPosition, std::function<void()> done) override { done(); }
  void Close() override {}

 private:
  LogOpening opening_;
  std::vector<uint64_t> trims_;
};

// Two groups, and a log of which the tests say how far it is.
struct Trimmer {
  std::unique_ptr<MemoryFileSystem> memory = MemoryFileSystem::Create();
  std::unique_ptr<MemoryFileSystem> log_memory = MemoryFileSystem::Create();
  GroupWorld world{*memory, *log_memory};
  LiveGroups groups{world.clock()};
  PositionPins pins;
  ToldLog log;
  LogTrimmer::Limits limits;
  std::shared_ptr<GroupStore> web = world.Create("web", 7);
  std::shared_ptr<GroupStore> mesh = world.Create("mesh", 8);

  Trimmer() {
    groups.Add(web);
    groups.Add(mesh);
    log.told = log.durable = 100;
  }
  ~Trimmer() { world.Die(); }

  // The log needs nothing below what this returns.
  uint64_t Trim() {
    const size_t before = log.trims().size();
    LogTrimmer(world.clock(), groups, pins, limits).Trim(log);
    REQUIRE(log.trims().size() == before + 1);
    return log.trims().back();
  }
  void FlushOldest() {
    LogTrimmer(world.clock(), groups, pins, limits).FlushOldest(log);
    world.executor().RunUntilIdle();
  }
  // Files of 100 bytes; this is where each begins.
  void SetFiles(const std::vector<uint64_t>& first) {
    log.summaries.clear();
    for (size_t i = 0; i < first.size(); ++i) {
      const uint64_t last = i + 1 < first.size() ? first[i + 1] - 1 : first[i] + 9;
      log.summaries.push_back(
          {i + 1, LogPosition(first[i]), LogPosition(last), 100, kNow + static_cast<UnixNanos>(i)});
    }
  }
};

TEST_CASE("a log that nobody needs goes up to what is durable and told", "[database][trimmer]") {
  Trimmer node;
  REQUIRE(node.Trim() == 101);
  node.log.durable = 70;
  REQUIRE(node.Trim() == 71);
  node.log.told = 60;
  REQUIRE(node.Trim() == 61);
}

TEST_CASE("the log is kept from the oldest batch on that a table has not flushed",
          "[database][trimmer]") {
  Trimmer node;
  node.world.Write(*node.web, 40, {{2, kDay, 10}});
  node.world.Write(*node.mesh, 30, {{2, kDay, 10}});
  node.world.Write(*node.web, 50, {{3, kDay, 10}});
  REQUIRE(node.Trim() == 30);
  node.world.Flush(*node.mesh);
  REQUIRE(node.Trim() == 40);
  node.world.Flush(*node.web);
  REQUIRE(node.Trim() == 101);
}

TEST_CASE("the log is kept from the oldest pin on", "[database][trimmer]") {
  Trimmer node;
  PositionPins::Pin early = node.pins.Take(LogPosition(20));
  const PositionPins::Pin late = node.pins.Take(LogPosition(90));
  node.world.Write(*node.web, 40, {{2, kDay, 10}});
  REQUIRE(node.Trim() == 20);
  early.reset();
  REQUIRE(node.Trim() == 40);
  node.world.Flush(*node.web);
  REQUIRE(node.Trim() == 90);
}

TEST_CASE("a batch that is told while the log is trimmed is kept", "[database][trimmer]") {
  Trimmer node;
  PositionPins::Pin pin;
  node.log.when_asked = [&] {
    pin = node.pins.Take(LogPosition(101));
    node.log.told = node.log.durable = 101;
  };
  REQUIRE(node.Trim() == 101);
}

TEST_CASE("a batch that reaches its table while the log is trimmed is kept",
          "[database][trimmer]") {
  Trimmer node;
  PositionPins::Pin pin = node.pins.Take(LogPosition(80));
  node.log.when_asked = [&] {
    node.world.Write(*node.web, 80, {{2, kDay, 10}});
    pin.reset();
  };
  REQUIRE(node.Trim() == 80);
}

TEST_CASE("a group that no longer exists keeps nothing of the log but its pin",
          "[database][trimmer]") {
  Trimmer node;
  node.world.Write(*node.web, 40, {{2, kDay, 10}});
  node.groups.Retire(GroupId(7), node.pins.Take(LogPosition(60)));
  REQUIRE(node.Trim() == 60);
  node.web.reset();
  node.groups.DeleteDrained();
  REQUIRE(node.Trim() == 101);
}

TEST_CASE("a log that cannot be trimmed is said and tried again", "[database][trimmer]") {
  Trimmer node;
  LogCapture lines;
  node.log.trim_result = Error{ErrorCode::kIo, "no"};
  REQUIRE(node.Trim() == 101);
  REQUIRE(lines.Count("log.trim") == 1);
  node.log.trim_result = Ok();
  REQUIRE(node.Trim() == 101);
  REQUIRE(lines.Count("log.trim") == 1);
}

TEST_CASE("a real log loses the files below the oldest rows that are not flushed, and no others",
          "[database][trimmer]") {
  Trimmer node;
  LogWorld& log = node.world.log();
  log.Start();
  while (log.log().files().size() < 4) log.AppendAndRun(std::string(5000, 'x'));
  const std::vector<Log::FileSummary> files = log.log().files();
  const LogPosition kept = files[2].first;
  node.world.Write(*node.web, kept.value(), {{2, kDay, 10}});
  LogTrimmer trimmer(node.world.clock(), node.groups, node.pins, node.limits);
  trimmer.Trim(log.log());
  REQUIRE(log.log().files().front().first == kept);
  node.world.Flush(*node.web);
  trimmer.Trim(log.log());
  REQUIRE(log.log().files().size() == 1);
}

TEST_CASE("beyond its bytes a log has the older half of its rows flushed, and only those",
          "[database][trimmer]") {
  Trimmer node;
  node.SetFiles({10, 20, 30, 40});
  node.world.Write(*node.web, 15, {{2, kDay, 10}});
  node.world.Write(*node.web, 30, {{3, kDay, 10}});
  node.world.Write(*node.mesh, 29, {{2, kDay, 10}});
  node.limits.bytes_max = 400;
  node.FlushOldest();
  REQUIRE(node.web->OldestUnflushed() == LogPosition(15));
  REQUIRE(node.mesh->OldestUnflushed() == LogPosition(29));
  node.limits.bytes_max = 399;
  node.FlushOldest();
  REQUIRE(node.web->OldestUnflushed() == LogPosition(30));
  REQUIRE_FALSE(node.mesh->OldestUnflushed().has_value());
}

TEST_CASE("a log whose oldest file is too old has the older half of its rows flushed",
          "[database][trimmer]") {
  Trimmer node;
  node.SetFiles({10, 20});
  node.world.Write(*node.web, 19, {{2, kDay, 10}});
  node.world.Write(*node.mesh, 20, {{2, kDay, 10}});
  // Before the tables flush by themselves.
  node.limits.age_nanos = kNanosPerSecond;
  node.world.clock().Advance(node.limits.age_nanos);
  node.FlushOldest();
  REQUIRE(node.web->OldestUnflushed() == LogPosition(19));
  node.world.clock().Advance(1);
  node.FlushOldest();
  REQUIRE_FALSE(node.web->OldestUnflushed().has_value());
  REQUIRE(node.mesh->OldestUnflushed() == LogPosition(20));
}

TEST_CASE("a log of one file has nothing flushed, however long and old it is",
          "[database][trimmer]") {
  Trimmer node;
  node.SetFiles({10});
  node.limits.bytes_max = 1;
  node.limits.age_nanos = -1;
  node.world.Write(*node.web, 9, {{2, kDay, 10}});
  node.FlushOldest();
  REQUIRE(node.web->OldestUnflushed() == LogPosition(9));
}

}  // namespace
}  // namespace ficus
