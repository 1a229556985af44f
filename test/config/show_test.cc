#include "config/show.h"

#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "test/support/golden.h"

namespace ficus {
namespace {

using Files = std::map<std::string, std::string>;

LoadedConfig Load(const std::string& text) {
  ConfigSources sources;
  sources.file = "ficus.yaml";
  sources.environment = {{"TOKEN", "hunter2"}, {"FICUS_IO__QUEUE_DEPTH", "64"}};
  sources.flags = {{"--set", "api.version", "0.9"}};
  const Result<LoadedConfig> loaded =
      LoadConfig(sources, MemoryConfigFiles(Files{{"ficus.yaml", text}}));
  CAPTURE(loaded ? "" : loaded.error().message);
  REQUIRE(loaded);
  return *loaded;
}

const char* const kText = R"(
node:
  name: {env: TOKEN}
  labels: {zone: "a \"b\" \\c", secret: {env: TOKEN}}
storage: {flush: {interval: 1m30s}}
memory: {limit: 2GiB}
grpc: {listen: "[::1]:0"}
remotes: {true: {url: "file:///b", upload: {rate_limit: 3MB/s}}}
backups: {nightly: {remote: "true", schedule: "@daily", groups: ['a"b', c*], verify: off}}
)";

TEST_CASE("every value is shown with its origin, secrets as stars", "[config]") {
  const std::string shown = ShowConfig(Load(kText), ShowOrigin::kYes);
  CheckGolden("config/show.yaml", shown);
  REQUIRE_THAT(shown, !Catch::Contains("hunter2"));
}

TEST_CASE("what is shown loads to the same configuration", "[config]") {
  const LoadedConfig loaded = Load(
      "node: {labels: {zone: 'a \"b\" \\c', x.y/z: \"\"}}\nstorage: {merge: {max_part: 3MB}}\n");
  const LoadedConfig again = Load(ShowConfig(loaded, ShowOrigin::kNo));
  REQUIRE(again.config == loaded.config);
  REQUIRE(Load(ShowConfig(loaded, ShowOrigin::kYes)).config == loaded.config);
}

}  // namespace
}  // namespace ficus
