#include "config/keys.h"

#include <set>
#include <string>

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
    REQUIRE(FindConfigKey(key.path) == &key);
  }
  REQUIRE_FALSE(IsConfigSection(""));
  REQUIRE_FALSE(IsConfigSection("stor"));
  REQUIRE(FindConfigKey("") == nullptr);
  REQUIRE(FindConfigKey("storage") == nullptr);
  REQUIRE(FindConfigKey("storage.path.x") == nullptr);
}

TEST_CASE("names below a map belong to it", "[config]") {
  REQUIRE(FindConfigKey("node.labels.zone") == FindConfigKey("node.labels"));
  REQUIRE(FindConfigKey("node.labels.a.b") == FindConfigKey("node.labels"));
  REQUIRE(FindConfigKey("node.labels.") == nullptr);
  REQUIRE(FindConfigKey("node.labelsx") == nullptr);
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
