#include "engine/part/file_window.h"

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "engine/io/faulty_file_system.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"

namespace ficus {

TEST_CASE("a window reads ahead, never beyond its end, and again when asked for other bytes",
          "[part]") {
  const auto memory = MemoryFileSystem::Create();
  const auto fs = FaultyFileSystem::Create(*memory);
  SeededRandom random(1);
  REQUIRE(PublishFile(*memory, random, "f", "0123456789abcdef", FileClass::kTool).has_value());
  const auto file = fs->Open("f", {});
  REQUIRE(file.has_value());
  FileWindow window(**file, 12, 8);
  const uint64_t before = fs->operations();
  REQUIRE(*window.Read(2, 3) == "234");
  REQUIRE(*window.Read(5, 5) == "56789");
  REQUIRE(*window.Read(10, 0) == "");
  REQUIRE(fs->operations() == before + 1);
  REQUIRE(*window.Read(9, 3) == "9ab");
  REQUIRE(*window.Read(0, 10) == "0123456789");
  REQUIRE(window.bytes_read() == 8 + 3 + 10);

  FaultRule rule;
  rule.op = IoOp::kRead;
  fs->AddRule(rule);
  REQUIRE(window.Read(10, 2).error().code == ErrorCode::kIo);
  REQUIRE(*window.Read(10, 2) == "ab");
}

}  // namespace ficus
