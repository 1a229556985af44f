#include "engine/io/publish.h"

#include <catch2/catch.hpp>

#include "engine/io/memory_file_system.h"
#include "test/engine/io/crash_states.h"

namespace ficus {
namespace {

std::string Get(FileSystem& fs, std::string_view path) {
  const auto contents = ReadWholeFile(fs, path, 1 << 30, FileClass::kTool);
  return contents ? *contents : "none";
}

}  // namespace

TEST_CASE("temporary names are recognised and nothing else is", "[io]") {
  SeededRandom random(7);
  const std::string name = TemporaryName("a/0001.part", random);
  REQUIRE(name.starts_with("a/0001.part."));
  REQUIRE(IsTemporaryName(name));
  REQUIRE(IsTemporaryName(BaseName(name)));
  REQUIRE(TemporaryName("a/0001.part", random) != name);
  for (const char* other :
       {"", ".tmp", "a.tmp", "0001.part", ".0123456789abcdef.tmp", "a.0123456789abcdeg.tmp",
        "a-0123456789abcdef.tmp", "a.0123456789abcdef.tmp2", "a.0123456789ABCDEF.tmp"}) {
    CAPTURE(other);
    REQUIRE(!IsTemporaryName(other));
  }
}

TEST_CASE("a published file is the old or the new one in every crash state", "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  const std::string old_contents(5000, 'o');
  const std::string new_contents(9000, 'n');
  REQUIRE(PublishFile(*fs, random, "f", old_contents, FileClass::kManifest));
  int seen_old = 0;
  int seen_new = 0;
  const int states = ForEachCrashPoint(
      *fs, [&] { REQUIRE(PublishFile(*fs, random, "f", new_contents, FileClass::kManifest)); },
      [&](FileSystem& crashed) {
        const std::string found = Get(crashed, "f");
        REQUIRE((found == old_contents || found == new_contents));
        ++(found == old_contents ? seen_old : seen_new);
      });
  REQUIRE(states > 50);
  REQUIRE(seen_old > 0);
  REQUIRE(seen_new > 0);
  REQUIRE(fs->pending_count() == 0);
}

TEST_CASE("directories are durable once they are created", "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  REQUIRE(fs->CreateDirectory("a"));  // by someone who did not sync it yet
  REQUIRE(CreateDirectories(*fs, "a/b/c"));
  ForEachCrash(*fs, [](FileSystem& crashed) { REQUIRE(crashed.Status("a/b/c")); });
}

TEST_CASE("a file that cannot be published leaves the old one and no temporary", "[io]") {
  const auto fs = MemoryFileSystem::Create({.total_bytes = 1000, .total_inodes = 10});
  SeededRandom random(1);
  REQUIRE(PublishFile(*fs, random, "f", "old", FileClass::kManifest));
  const auto refused = PublishFile(*fs, random, "f", std::string(1000, 'x'), FileClass::kManifest);
  REQUIRE(refused.error().code == ErrorCode::kNoSpace);
  REQUIRE(refused.error().message.starts_with("publish f: write f."));
  REQUIRE(Get(*fs, "f") == "old");
  REQUIRE(fs->List("")->size() == 1);
}

}  // namespace ficus
