#include "engine/part/file_cache.h"

#include <catch2/catch.hpp>

#include "engine/io/faulty_file_system.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

struct Files {
  std::unique_ptr<MemoryFileSystem> memory = MemoryFileSystem::Create();
  std::unique_ptr<FaultyFileSystem> fs = FaultyFileSystem::Create(*memory);

  Files() {
    SeededRandom random(1);
    for (const char* name : {"a", "b", "c"}) {
      REQUIRE(PublishFile(*memory, random, name, name, FileClass::kTool).has_value());
    }
  }

  // Whether the cache had to open the file.
  bool Opens(FileCache& cache, const std::string& name, uint64_t owner) {
    const uint64_t before = fs->operations();
    REQUIRE(cache.Open(*fs, name, owner).has_value());
    return fs->operations() > before;
  }
};

}  // namespace

TEST_CASE("a file stays open until others were used after it", "[part]") {
  Files files;
  FileCache cache(2);
  REQUIRE(files.Opens(cache, "a", 1));
  REQUIRE(!files.Opens(cache, "a", 1));
  REQUIRE(files.Opens(cache, "b", 2));
  REQUIRE(!files.Opens(cache, "a", 1));
  REQUIRE(files.Opens(cache, "c", 3));
  REQUIRE(cache.size() == 2);
  REQUIRE(!files.Opens(cache, "a", 1));
  REQUIRE(files.Opens(cache, "b", 2));
}

TEST_CASE("an owner that goes away takes its file along", "[part]") {
  Files files;
  FileCache cache(8);
  REQUIRE(files.Opens(cache, "a", 1));
  REQUIRE(files.Opens(cache, "b", 2));
  cache.Drop(1);
  cache.Drop(7);
  REQUIRE(cache.size() == 1);
  REQUIRE(files.Opens(cache, "a", 1));
  cache.Clear();
  REQUIRE(cache.size() == 0);
  cache.SetCapacity(0);
  REQUIRE(files.Opens(cache, "a", 1));
  REQUIRE(cache.size() == 0);
}

TEST_CASE("a file in use survives leaving the cache", "[part]") {
  Files files;
  FileCache cache(1);
  const auto file = cache.Open(*files.fs, "a", 1);
  REQUIRE(file.has_value());
  REQUIRE(files.Opens(cache, "b", 2));
  std::string byte(1, ' ');
  REQUIRE((*file)->ReadAt(0, byte).has_value());
  REQUIRE(byte == "a");
}

TEST_CASE("a file that cannot be opened is not kept", "[part]") {
  Files files;
  FileCache cache(4);
  REQUIRE(cache.Open(*files.fs, "none", 1).error().code == ErrorCode::kNotFound);
  REQUIRE(cache.size() == 0);
  REQUIRE(FileCache::NewOwner() != FileCache::NewOwner());
}

}  // namespace ficus
