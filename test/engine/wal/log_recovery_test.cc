#include "engine/wal/log_recovery.h"

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

}  // namespace
}  // namespace ficus
