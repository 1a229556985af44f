#include "config/config_files.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "test/support/temp_directory.h"

namespace ficus {
namespace {

void Write(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST_CASE("files on disk and in memory behave alike", "[config]") {
  const TempDirectory directory;
  const std::string& root = directory.path();
  const std::map<std::string, std::string> content = {
      {root + "/b.yaml", "bb"}, {root + "/conf.d/z", ""}, {root + "/conf.d/a", "x\n"}};
  for (const auto& [path, bytes] : content) Write(path, bytes);
  std::unique_ptr<ConfigFiles> files;
  if (GENERATE(true, false)) {
    files = std::make_unique<DiskConfigFiles>();
  } else {
    files = std::make_unique<MemoryConfigFiles>(content);
  }

  REQUIRE(*files->Read(root + "/b.yaml", 2) == "bb");
  REQUIRE(*files->Read(root + "/conf.d/z", 0) == "");
  const Result<std::string> large = files->Read(root + "/b.yaml", 1);
  REQUIRE_FALSE(large);
  REQUIRE(large.error() == Error{ErrorCode::kResourceExhausted, "is larger than 1 bytes"});
  const Result<std::string> missing = files->Read(root + "/missing", 10);
  REQUIRE_FALSE(missing);
  REQUIRE(missing.error() == Error{ErrorCode::kNotFound, "No such file or directory"});

  REQUIRE(*files->List(root + "/conf.d") == std::vector<std::string>{"a", "z"});
  const Result<std::vector<std::string>> no_folder = files->List(root + "/missing.d");
  REQUIRE_FALSE(no_folder);
  REQUIRE(no_folder.error().code == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ficus
