#include "config/keys.h"

#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("every key prints what it takes", "[config]") {
  const Config defaults;
  std::set<std::string> paths;
  for (const ConfigKey& key : ConfigKeys()) {
    CAPTURE(key.path);
    REQUIRE(paths.insert(key.path).second);
    REQUIRE(key.takes != "");
    Config config;
    const Result<> set = key.set(config, key.show(defaults));
    REQUIRE(set);
    REQUIRE(config == defaults);
  }
}

Config WithNamedSections() {
  Config config;
  REQUIRE(AddNamedSection(config, "remotes", "disk"));
  REQUIRE(AddNamedSection(config, "backups", "nightly"));
  config.remotes["disk"].url = "file:///b";
  config.backups["nightly"].remote = "disk";
  config.backups["nightly"].schedule = "@daily";
  return config;
}

TEST_CASE("a remote takes as many uploads at once as the backups do", "[config]") {
  const Config before = WithNamedSections();
  bool found = false;
  for (const ConfigKey& key : ConfigKeysOf(before)) {
    if (key.path != "remotes.disk.upload.concurrency") continue;
    found = true;
    Config config = before;
    REQUIRE(key.set(config, "64"));
    REQUIRE_FALSE(key.set(config, "65"));
  }
  REQUIRE(found);
}

TEST_CASE("every key of a remote and of a backup prints what it takes", "[config]") {
  const Config before = WithNamedSections();
  const std::vector<ConfigKey> keys = ConfigKeysOf(before);
  REQUIRE(keys.size() == ConfigKeys().size() + 6 + 17);
  for (const ConfigKey& key : keys) {
    CAPTURE(key.path);
    Config config = before;
    REQUIRE(key.set(config, key.show(before)));
    REQUIRE(config == before);
    REQUIRE(FindConfigKey(key.path)->path == key.path);
    REQUIRE_FALSE(key.set(config, "\x01 no value, of any key"));
    REQUIRE(config == before);
  }
}

TEST_CASE("sections with names of the operator's choice are bounded", "[config]") {
  Config config;
  for (int i = 0; i < 256; ++i) {
    REQUIRE(AddNamedSection(config, "remotes", "r" + std::to_string(i)));
  }
  REQUIRE_FALSE(AddNamedSection(config, "remotes", "one-more"));
  REQUIRE(AddNamedSection(config, "remotes", "r0"));
  REQUIRE(AddNamedSection(config, "backups", "b"));
  for (const std::string name : {"", "-a", "a.b", "a b", "\xc3\xa4"}) {
    REQUIRE_FALSE(AddNamedSection(config, "backups", name));
  }
  REQUIRE_FALSE(AddNamedSection(config, "backups", std::string(64, 'x')));
  REQUIRE(IsConfigSection("remotes"));
  REQUIRE(IsConfigSection("remotes.any"));
  REQUIRE(IsConfigSection("remotes.any.retry"));
  REQUIRE_FALSE(IsConfigSection("remotes.any.url"));
  REQUIRE_FALSE(IsConfigSection("remotes.a b"));
  REQUIRE_FALSE(FindConfigKey("remotes.any"));
  REQUIRE_FALSE(FindConfigKey("remotes.any.schedule"));
}

TEST_CASE("a refused value leaves the configuration as it was", "[config]") {
  const std::string text = "\x01 no value of any key";
  for (const ConfigKey& key : ConfigKeys()) {
    CAPTURE(key.path);
    Config config;
    config.node.labels = {{"a", "b"}};
    const Config before = config;
    REQUIRE_FALSE(key.set(config, text));
    REQUIRE(config == before);
  }
}

TEST_CASE("no key is also a section", "[config]") {
  for (const ConfigKey& key : ConfigKeys()) {
    CAPTURE(key.path);
    REQUIRE_FALSE(IsConfigSection(key.path));
    REQUIRE(IsConfigSection(key.path.substr(0, key.path.rfind('.'))));
    REQUIRE(FindConfigKey(key.path)->path == key.path);
  }
  REQUIRE_FALSE(IsConfigSection(""));
  REQUIRE_FALSE(IsConfigSection("stor"));
  REQUIRE_FALSE(FindConfigKey(""));
  REQUIRE_FALSE(FindConfigKey("storage"));
  REQUIRE_FALSE(FindConfigKey("storage.path.x"));
}

TEST_CASE("names below a map belong to it", "[config]") {
  REQUIRE(FindConfigKey("node.labels.zone")->path == "node.labels");
  REQUIRE(FindConfigKey("node.labels.a.b")->path == "node.labels");
  REQUIRE_FALSE(FindConfigKey("node.labels."));
  REQUIRE_FALSE(FindConfigKey("node.labelsx"));
}

TEST_CASE("a label may be set again when there are as many as allowed", "[config]") {
  Config config;
  for (int i = 0; i < 64; ++i) REQUIRE(SetLabel(config, "l" + std::to_string(i), "x"));
  REQUIRE_FALSE(SetLabel(config, "one_more", "x"));
  REQUIRE(SetLabel(config, "l0", "y"));
  REQUIRE(config.node.labels.at("l0") == "y");
  REQUIRE_FALSE(SetLabel(config, "l0", std::string(257, 'x')));
  REQUIRE_FALSE(SetLabel(config, std::string(64, 'x'), ""));
  REQUIRE_FALSE(SetLabel(config, "", ""));
}

}  // namespace
}  // namespace ficus
