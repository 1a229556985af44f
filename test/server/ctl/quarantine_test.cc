#include "server/ctl/quarantine.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

struct Node {
  std::unique_ptr<MemoryFileSystem> fs = MemoryFileSystem::Create();
  SeededRandom random{1};

  void Put(const std::string& path) {
    REQUIRE(CreateDirectories(*fs, ParentPath(path)).has_value());
    REQUIRE(PublishFile(*fs, random, path, "x", FileClass::kTool).has_value());
  }
};

TEST_CASE("the quarantine lists what was set aside and nothing else", "[ctl]") {
  Node node;
  const std::string shard = "measure/data/g/seg-20261120/shard-0";
  node.Put(shard + "/0000000000000001.part");
  node.Put(shard + "/quarantine/0000000000000002.part");
  node.Put("property/data/_schema/shard-0/quarantine/0000000000000003.idx");
  REQUIRE(
      *ListQuarantine(*node.fs) ==
      std::vector<std::string>{shard + "/quarantine/0000000000000002.part",
                               "property/data/_schema/shard-0/quarantine/0000000000000003.idx"});
}

TEST_CASE("only a quarantined file can be dropped", "[ctl]") {
  Node node;
  node.Put("s/0000000000000001.part");
  node.Put("s/quarantine/0000000000000002.part");
  REQUIRE(DropQuarantined(*node.fs, "s/0000000000000001.part").error().code ==
          ErrorCode::kNotFound);
  REQUIRE(DropQuarantined(*node.fs, "s/quarantine/0000000000000002.part").has_value());
  REQUIRE(ListQuarantine(*node.fs)->empty());
  REQUIRE(node.fs->Status("s/0000000000000001.part").has_value());
}

}  // namespace
}  // namespace ficus
