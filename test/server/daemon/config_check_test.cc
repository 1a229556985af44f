#include "server/daemon/config_check.h"

#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

using Lines = std::vector<std::string>;

Lines Mistakes(const std::string& text) {
  using Files = std::map<std::string, std::string>;
  ConfigSources sources;
  sources.file = "f.yaml";
  const Result<LoadedConfig> loaded =
      LoadConfig(sources, MemoryConfigFiles(Files{{"f.yaml", text}, {"./zone", "Mars/North"}}));
  CAPTURE(loaded ? "" : loaded.error().message);
  REQUIRE(loaded);
  Lines lines;
  for (const ConfigMistake& mistake : CheckMeanings(*loaded)) lines.push_back(mistake.ToString());
  return lines;
}

std::string Backup(const std::string& keys) {
  return "remotes: {d: {url: \"file:///b\"}}\nbackups: {n: {remote: d, " + keys + "}}\n";
}

TEST_CASE("good schedules, zones and URLs are no mistakes", "[config]") {
  REQUIRE(Mistakes("").empty());
  REQUIRE(Mistakes(Backup("schedule: \"30 1 * * *\", time_zone: Europe/Berlin")).empty());
  REQUIRE(Mistakes(Backup("schedule: \"@every 90m\"")).empty());
}

TEST_CASE("a bad schedule is told with its place and the column inside", "[config]") {
  REQUIRE(Mistakes(Backup("schedule: \"61 * * * *\"")) ==
          Lines{"f.yaml:2:36: backups.n.schedule: \"61 * * * *\": column 1: 61 is above 59, the "
                "last minute"});
  REQUIRE(Mistakes(Backup("schedule: \"@dayly\""))[0].find("did you mean @daily?") !=
          std::string::npos);
  REQUIRE(Mistakes(Backup("schedule: \"0 0 31 2 *\"")).size() == 1);
}

TEST_CASE("an unknown zone is told with the one that was meant", "[config]") {
  REQUIRE(Mistakes(Backup("schedule: \"@daily\", time_zone: Europe/Berlni")) ==
          Lines{"f.yaml:2:57: backups.n.time_zone: \"Europe/Berlni\" is not a time zone; did you "
                "mean Europe/Berlin?"});
  REQUIRE(Mistakes(Backup("schedule: \"@daily\", time_zone: {file: zone}"))[0].find("Mars") ==
          std::string::npos);
}

TEST_CASE("a URL that names no store is a mistake at its place", "[config]") {
  for (const std::string url : {"file://b", "ftp://b/c", "file:///a/../b"}) {
    const Lines lines = Mistakes("remotes: {d: {url: \"" + url + "\"}}\n");
    CAPTURE(url);
    REQUIRE(lines.size() == 1);
    REQUIRE(lines[0].substr(0, 28) == "f.yaml:1:20: remotes.d.url: ");
  }
}

TEST_CASE("a destination inside of the data is a mistake", "[config]") {
  const std::string text = "storage: {path: /data/}\nremotes: {d: {url: \"file:///data";
  REQUIRE(Mistakes(text + "/b\"}}\n") ==
          Lines{"f.yaml:2:20: remotes.d.url: \"file:///data/b\" lies in storage.path, which a "
                "restore replaces"});
  REQUIRE(Mistakes(text + "\"}}\n").size() == 1);
  REQUIRE(Mistakes(text + "base\"}}\n").empty());
}

}  // namespace
}  // namespace ficus
