#include "server/ctl/inspect.h"

#include <fstream>
#include <limits>
#include <string>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "engine/io/disk_file_system.h"
#include "engine/table/manifest.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();

TEST_CASE("a manifest is shown and verified by its path", "[ctl]") {
  const TempDirectory directory;
  DiskOptions options;
  options.engine = IoEngine::kThreads;
  const auto fs = OpenDiskFileSystem(directory.path(), options);
  REQUIRE(fs.has_value());
  SeededRandom random(1);
  Manifest manifest;
  manifest.epoch = Epoch(5);
  manifest.group = GroupId(7);
  manifest.log = LogId(9);
  manifest.next_file = FileNumber(3);
  REQUIRE(WriteManifest(**fs, random, "", manifest).has_value());
  const std::string path = directory.File(ManifestFileName(Epoch(5)));
  const auto shown = Inspect(Inspected::kManifest, Inspection::kShow, path, kAll);
  REQUIRE(shown.has_value());
  REQUIRE(shown->find("group 0000000000000007") != std::string::npos);
  REQUIRE(Inspect(Inspected::kManifest, Inspection::kVerify, path, kAll).has_value());
}

TEST_CASE("a file that is none of ours is an error, and so is one that is not there", "[ctl]") {
  const TempDirectory directory;
  const std::string path = directory.File("0000000000000001.part");
  std::ofstream(path) << "not a part at all";
  for (const Inspected what : {Inspected::kPart, Inspected::kIndex, Inspected::kManifest}) {
    const auto verified = Inspect(what, Inspection::kVerify, path, kAll);
    REQUIRE(verified.error().code == ErrorCode::kCorruption);
    const auto missing = Inspect(what, Inspection::kShow, directory.File("nothing"), kAll);
    REQUIRE(missing.error().code == ErrorCode::kNotFound);
  }
  REQUIRE(Inspect(Inspected::kLog, Inspection::kShow, directory.path(), kAll).error().code ==
          ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ficus
