#include "engine/database/parked_log.h"

#include <catch2/catch.hpp>

#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

TEST_CASE("a parked batch is listed, read back and dropped by its name", "[database][parked]") {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  REQUIRE(ListParked(*fs)->empty());
  REQUIRE(ParkRecord(*fs, random, LogId(7), LogPosition(300), "late").has_value());
  REQUIRE(ParkRecord(*fs, random, LogId(7), LogPosition(20), "early").has_value());
  REQUIRE(ParkRecord(*fs, random, LogId(7), LogPosition(20), "other").has_value());
  const auto files = ListParked(*fs);
  REQUIRE(files->size() == 2);
  REQUIRE(*CountParked(*fs) == 2);
  REQUIRE(files->front().log == LogId(7));
  REQUIRE(files->front().position == LogPosition(20));
  REQUIRE(*ReadParked(*fs, files->front().name) == "early");
  REQUIRE(DropParked(*fs, files->front().name).has_value());
  REQUIRE(DropParked(*fs, files->front().name).error().code == ErrorCode::kNotFound);
  REQUIRE(*CountParked(*fs) == 1);
}

TEST_CASE("a parked batch with a flipped byte is damage", "[database][parked]") {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  REQUIRE(ParkRecord(*fs, random, LogId(7), LogPosition(20), "rows").has_value());
  const std::string name = ListParked(*fs)->front().name;
  std::string bytes = *ReadWholeFile(*fs, "parked/" + name, 100, FileClass::kTool);
  for (size_t at = 0; at < bytes.size(); ++at) {
    CAPTURE(at);
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    REQUIRE(PublishFile(*fs, random, "parked/" + name, flipped, FileClass::kTool).has_value());
    REQUIRE(ReadParked(*fs, name).error().code == ErrorCode::kCorruption);
  }
  REQUIRE(PublishFile(*fs, random, "parked/" + name, "abc", FileClass::kTool).has_value());
  REQUIRE(ReadParked(*fs, name).error().code == ErrorCode::kCorruption);
}

TEST_CASE("only names of parked batches can be dropped", "[database][parked]") {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  REQUIRE(ParkRecord(*fs, random, LogId(7), LogPosition(20), "rows").has_value());
  REQUIRE(PublishFile(*fs, random, "0000000000000001.log", "log", FileClass::kTool).has_value());
  for (const char* name :
       {"../0000000000000001.log", "", "x.parked", "0000000000000007-00000000000000zz.parked"}) {
    CAPTURE(name);
    REQUIRE(DropParked(*fs, name).error().code == ErrorCode::kInvalidArgument);
  }
  REQUIRE(fs->Status("0000000000000001.log").has_value());
}

}  // namespace
}  // namespace ficus
