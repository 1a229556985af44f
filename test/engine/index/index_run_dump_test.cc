#include "engine/index/index_run_dump.h"

#include <catch2/catch.hpp>

#include "engine/index/index_run.h"
#include "engine/io/memory_file_system.h"
#include "test/support/golden.h"

namespace ficus {

TEST_CASE("an index run is shown as its footer, sections and entries", "[index][golden]") {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  const std::string path = IndexRunFileName(FileNumber(42));
  REQUIRE(WriteIndexRun(*fs, random, "", FileNumber(42),
                        {{SubjectId(1), SeriesId(5), "service_cpm|checkout|"},
                         {SubjectId(1), SeriesId(9), std::string("a\\\x00\xff", 4)}},
                        FileClass::kFlush)
              .has_value());
  const auto text = DumpIndexRun(*fs, path, {});
  REQUIRE(text.has_value());
  CheckGolden("index/dump.txt", *text);
  REQUIRE(DumpIndexRun(*fs, path, {.items = 1})->find("1 more entries\n") != std::string::npos);

  REQUIRE(VerifyIndexRun(*fs, path)->find("good") != std::string::npos);
  REQUIRE(fs->FlipBits(path, 17, 1).has_value());
  const auto bad = VerifyIndexRun(*fs, path);
  REQUIRE(bad.error().message.find("bytes [16, ") != std::string::npos);
  REQUIRE(bad.error().message.find(path) != std::string::npos);
}

}  // namespace ficus
