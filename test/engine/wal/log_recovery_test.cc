#include "engine/wal/log_recovery.h"

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "test/engine/wal/log_world.h"

namespace ficus {
namespace {

// One file with nine batches and one with a tenth, short one; nothing says that it is durable.
void WriteLog(MemoryFileSystem& fs) {
  LogWorld world(fs);
  LogOptions options = LogWorld::SmallOptions();
  options.file_bytes = 40 << 10;
  world.OpenAndStart(options);
  for (int batch = 0; batch < 9; ++batch) world.AppendAndRun("batch");
  world.AppendAndRun("last");
}

TEST_CASE("a torn tail is copied, cut and reported once", "[wal][recovery]") {
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  const std::string name = LogFiles(*fs).back();
  fs->FlipBits(name, 4096 + 3, 0xff).value();
  const std::string tail = Contents(*fs)[name].substr(4096, 44);

  LogCapture capture;
  LogWorld world(*fs);
  world.Open();
  REQUIRE(world.log().opening().torn_tail);
  REQUIRE(world.log().opening().last == LogPosition(9));
  REQUIRE(capture.Count("wal.torn_tail") == 1);
  REQUIRE(Contents(*fs)[name + ".broken"] == tail);
  REQUIRE(Contents(*fs)[name].size() == 4096);
  world.Start();
  world.AppendAndRun("new");
  REQUIRE(world.acknowledged() == std::vector<uint64_t>{10});
  world.Close();

  world.Open();
  REQUIRE_FALSE(world.log().opening().torn_tail);
  REQUIRE(world.Replay().at(10) == "new");
}

TEST_CASE("an opening that is stopped while it reads leaves the log as it was", "[wal][recovery]") {
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  fs->FlipBits(LogFiles(*fs).back(), 4096 + 3, 0xff).value();
  const auto before = Contents(*fs);
  std::stop_source stop;
  stop.request_stop();
  LogOptions options = LogWorld::SmallOptions();
  options.stop = stop.get_token();
  LogWorld world(*fs);
  REQUIRE(world.TryOpen(options).error().code == ErrorCode::kCancelled);
  REQUIRE(Contents(*fs) == before);

  const LogCapture capture;
  world.Open();
  REQUIRE(world.Replay().size() == 9);
}

TEST_CASE("a full disk does not keep a log with a torn tail from opening", "[wal][recovery]") {
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  fs->FlipBits(LogFiles(*fs).back(), 4096 + 3, 0xff).value();
  fs->SetLimits({.total_bytes = 0});
  LogCapture capture;
  LogWorld world(*fs);
  world.Open();
  REQUIRE(world.log().opening().torn_tail);
  REQUIRE(capture.Count("wal.copy_refused") == 1);
}

TEST_CASE("opening removes what a dead process left half made", "[wal][recovery]") {
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  fs->Open("0000000000000005.log.0123456789abcdef.tmp", {.mode = OpenMode::kCreate}).value();
  LogWorld world(*fs);
  world.Open();
  REQUIRE(Contents(*fs).count("0000000000000005.log.0123456789abcdef.tmp") == 0);
  REQUIRE(fs->pending_count() == 0);  // everything recovery relies on is durable
}

// Four files of three batches; `damage` is done to it, and the operator accepts the loss.
class AcceptedLoss {
 public:
  AcceptedLoss() {
    LogWorld world(*fs_);
    world.OpenAndStart();
    for (int batch = 0; batch < 12; ++batch) {
      world.AppendAndRun(std::string(3000, static_cast<char>('a' + batch)));
    }
    world.Close();
    sent_ = world.sent();
  }

  MemoryFileSystem& fs() { return *fs_; }

  // Refused first; accepted then, with the first `kept` batches.
  void Check(uint64_t kept, const std::vector<std::string>& lost) {
    const auto before = Contents(*fs_);
    LogWorld refused(*fs_, 5);
    REQUIRE(refused.TryOpen().error().code == ErrorCode::kCorruption);
    REQUIRE(Contents(*fs_) == before);
    fs_->SetObserver([&](uint64_t, std::string_view) { CheckCrashes(kept); });
    const auto opening = CheckAccepted(*fs_, kept, 6);
    fs_->SetObserver(nullptr);
    REQUIRE(opening.damaged);
    REQUIRE(opening.highest == LogPosition(12));
    std::vector<std::string> found;
    for (const auto& [name, bytes] : Contents(*fs_)) {
      if (name.find(".lost") != std::string::npos) found.push_back(name);
    }
    REQUIRE(found == lost);
    // From here on it is a log like any other.
    LogWorld world(*fs_, 9);
    world.Open();
    world.Start(opening.highest.value());
    world.AppendAndRun("after");
    REQUIRE(world.acknowledged() == std::vector<uint64_t>{13});
  }

 private:
  LogOpening CheckAccepted(FileSystem& fs, uint64_t kept, uint64_t seed) {
    LogOptions options = LogWorld::SmallOptions();
    options.create_if_missing = false;
    options.accept_damage = true;
    LogWorld world(fs, seed);
    world.Open(options);
    const auto found = world.Replay();
    REQUIRE(found.size() == kept);
    for (const auto& [position, payload] : found) REQUIRE(sent_.at(position) == payload);
    return world.log().opening();
  }

  void CheckCrashes(uint64_t kept) {
    SeededRandom random(2);
    for (int state = 0; state < 10; ++state) {
      CheckAccepted(*fs_->Crash(random, MemoryFileSystem::NameOrder::kWeak), kept,
                    100 + random.Next());
    }
  }

  const LogCapture quiet_;
  std::unique_ptr<MemoryFileSystem> fs_ = MemoryFileSystem::Create();
  std::map<uint64_t, std::string> sent_;
};

TEST_CASE("an accepted loss keeps what lies in front of the damage and sets the rest aside",
          "[wal][recovery]") {
  AcceptedLoss loss;
  SECTION("a flipped bit in the middle") {
    loss.fs().FlipBits("0000000000000002.log", 2 * 4096 + 100, 1).value();
    loss.Check(4, {"0000000000000002.log.lost.000000000000000c",
                   "0000000000000003.log.lost.000000000000000c",
                   "0000000000000004.log.lost.000000000000000c"});
  }
  SECTION("a flipped bit in a header") {
    loss.fs().FlipBits("0000000000000003.log", 10, 1).value();
    loss.Check(6, {"0000000000000003.log.lost.000000000000000c",
                   "0000000000000004.log.lost.000000000000000c"});
  }
  SECTION("a missing file") {
    loss.fs().Remove("0000000000000002.log").value();
    loss.fs().SyncDirectory("").value();
    loss.Check(3, {"0000000000000003.log.lost.000000000000000c",
                   "0000000000000004.log.lost.000000000000000c"});
  }
}

TEST_CASE("positions that were lost are not given again, nor their files replaced",
          "[wal][recovery]") {
  const LogCapture quiet;
  auto fs = MemoryFileSystem::Create();
  LogOptions options = LogWorld::SmallOptions();
  options.accept_damage = true;
  for (uint64_t life = 0; life < 2; ++life) {
    LogWorld world(*fs, life + 1);
    world.OpenAndStart(options);
    for (int batch = 0; batch < 4; ++batch) world.AppendAndRun(std::string(3000, 'x'));
    REQUIRE(world.acknowledged().front() == 4 * life + 1);
    world.Close();
    fs->FlipBits(LogFileName(life + 1), 4096 + 50, 1).value();
    world.Open(options);
    REQUIRE(world.log().opening().damaged);
    REQUIRE(world.Replay().empty());
    world.Close();
  }
  const auto contents = Contents(*fs);
  REQUIRE(contents.count("0000000000000001.log.lost.0000000000000004") == 1);
  REQUIRE(contents.count("0000000000000002.log.lost.0000000000000004") == 1);
  REQUIRE(contents.count("0000000000000002.log.lost.0000000000000008") == 1);
  REQUIRE(contents.count("0000000000000003.log.lost.0000000000000008") == 1);
}

TEST_CASE("a log of which nothing is left is not found", "[wal][recovery]") {
  const LogCapture quiet;
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  fs->FlipBits("0000000000000001.log", 0, 1).value();
  LogOptions options = LogWorld::SmallOptions();
  options.create_if_missing = false;
  options.accept_damage = true;
  LogWorld world(*fs);
  REQUIRE(world.TryOpen(options).error().code == ErrorCode::kNotFound);
  options.create_if_missing = true;
  world.Open(options);
  REQUIRE(world.log().opening().created);
}

}  // namespace
}  // namespace ficus
