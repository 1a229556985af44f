#include "engine/io/file_writer.h"

#include <catch2/catch.hpp>

#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"
#include "test/engine/io/crash_states.h"

namespace ficus {
namespace {

std::string Get(FileSystem& fs, std::string_view path) {
  const auto contents = ReadWholeFile(fs, path, 1 << 30, FileClass::kTool);
  return contents ? *contents : "none";
}

}  // namespace

TEST_CASE("a written file is absent or whole in every crash state", "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  const std::string contents(9000, 'n');
  const uint64_t expected_bytes = GENERATE(0U, 9000U, 20'000U);
  const int states = ForEachCrashPoint(
      *fs,
      [&] {
        auto writer = FileWriter::Create(*fs, random, "f", {.expected_bytes = expected_bytes});
        REQUIRE(writer.has_value());
        REQUIRE((*writer)->Append(contents));
        REQUIRE((*writer)->Publish());
      },
      [&](FileSystem& crashed) {
        const std::string found = Get(crashed, "f");
        REQUIRE((found == "none" || found == contents));
      });
  REQUIRE(states > 20);
  REQUIRE(fs->pending_count() == 0);
  REQUIRE(Get(*fs, "f") == contents);
}

TEST_CASE("a writer whose space cannot be reserved leaves nothing", "[io]") {
  const auto fs = MemoryFileSystem::Create({.total_bytes = 1000, .total_inodes = 10});
  SeededRandom random(1);
  const auto refused = FileWriter::Create(*fs, random, "f", {.expected_bytes = 1001});
  REQUIRE(refused.error().code == ErrorCode::kNoSpace);
  REQUIRE(fs->List("")->empty());
}

TEST_CASE("a writer that failed goes on failing the same way", "[io]") {
  const auto fs = MemoryFileSystem::Create({.total_bytes = 1000, .total_inodes = 10});
  SeededRandom random(1);
  {
    const auto writer = FileWriter::Create(*fs, random, "f", {});
    REQUIRE((*writer)->Append(std::string(2000, 'x')));
    const auto first = (*writer)->Publish();
    REQUIRE(first.error().code == ErrorCode::kNoSpace);
    REQUIRE((*writer)->Append("x").error() == first.error());
    REQUIRE((*writer)->Publish().error() == first.error());
  }
  REQUIRE(fs->List("")->empty());
}

TEST_CASE("a large file goes around the page cache, in whole chunks, and is trimmed", "[io]") {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  std::string log;
  fs->SetObserver([&log](uint64_t, std::string_view effect) {
    // The temporary name is random.
    const size_t at = effect.find(".tmp");
    if (at == std::string_view::npos) return;
    log.append(effect.substr(0, effect.find(' '))).append(effect.substr(at + 4)).append("\n");
  });
  const uint64_t expected_bytes = FileWriter::kDirectBytesMin;
  const auto writer = FileWriter::Create(*fs, random, "f", {.expected_bytes = expected_bytes});
  REQUIRE((*writer)->Append(std::string(FileWriter::kDirectBytesMin + 5000, 'x')));
  REQUIRE((*writer)->Publish());
  fs->SetObserver(nullptr);
  REQUIRE(log ==
          "create\nallocate 0+4194304\nwrite 0+1048576\nwrite 1048576+1048576\n"
          "write 2097152+1048576\nwrite 3145728+1048576\nwrite 4194304+8192\n"
          "truncate 4199304\nsync\nrename f\n");
}

}  // namespace ficus
