#include "engine/io/publish.h"

#include <catch2/catch.hpp>

#include "engine/io/file_writer.h"
#include "engine/io/memory_file_system.h"

namespace ficus {
namespace {

using Tear = MemoryFileSystem::Tear;
using NameOrder = MemoryFileSystem::NameOrder;

std::string Get(FileSystem& fs, std::string_view path) {
  const auto contents = ReadWholeFile(fs, path, 1 << 30, FileClass::kTool);
  return contents ? *contents : "none";
}

// Calls `look` with every state that a crash can leave now.
template <typename Look>
int ForEachCrash(const MemoryFileSystem& fs, Look look) {
  int states = 0;
  const size_t count = fs.pending_count();
  REQUIRE(count <= 10);
  for (const NameOrder order : {NameOrder::kStrong, NameOrder::kWeak}) {
    for (const Tear tear :
         {Tear::kWritten, Tear::kOld, Tear::kZeros, Tear::kGarbage, Tear::kSizeOnly}) {
      for (unsigned subset = 0; subset < 1U << count; ++subset) {
        std::vector<bool> keep(count);
        for (size_t i = 0; i < count; ++i) keep[i] = (subset >> i & 1U) != 0;
        const auto crashed = fs.CrashKeeping(keep, tear, order);
        if (crashed == nullptr) continue;
        ++states;
        look(*crashed);
      }
    }
  }
  return states;
}

// Runs `publish` on `fs` and looks at every crash state before each of its effects and after the
// last.
template <typename Publish, typename Look>
int ForEachCrashPoint(MemoryFileSystem& fs, Publish publish, Look look) {
  int states = 0;
  fs.SetObserver([&](uint64_t, std::string_view) { states += ForEachCrash(fs, look); });
  publish();
  fs.SetObserver(nullptr);
  return states;
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

}  // namespace ficus
