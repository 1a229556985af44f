#include "config/yaml_tree.h"

#include <string>

#include <catch2/catch.hpp>
#include <fmt/core.h>

namespace ficus {
namespace {

// The tree on one line: {a@1:1: x@1:4, b@2:1: [1@2:5]}
std::string Print(const YamlNode& node) {
  const std::string at = fmt::format("@{}:{}", node.position.line, node.position.column);
  std::string text;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "~";
    case YamlNode::Kind::kScalar:
      return node.text + at;
    case YamlNode::Kind::kSequence:
      for (const YamlNode& item : node.items) text += (text.empty() ? "" : ", ") + Print(item);
      return "[" + text + "]";
    case YamlNode::Kind::kMapping:
      for (const YamlEntry& entry : node.entries) {
        text += fmt::format("{}{}@{}:{}: {}", text.empty() ? "" : ", ", entry.key,
                            entry.position.line, entry.position.column, Print(entry.value));
      }
      return "{" + text + "}";
  }
  return {};
}

std::string OnlyMistake(const std::string& text) {
  const YamlDocument document = ParseYaml(text);
  REQUIRE(document.mistakes.size() == 1);
  const YamlMistake& mistake = document.mistakes.front();
  return fmt::format("{}:{}: {}", mistake.position.line, mistake.position.column, mistake.text);
}

TEST_CASE("a tree remembers where everything stood", "[config][yaml]") {
  const YamlDocument document =
      ParseYaml("a: x\nb:\n  - 1\n  - {c: \"d e\"}\n# comment\ne:\nf: ~\n");
  REQUIRE(document.mistakes.empty());
  REQUIRE(Print(document.root) ==
          "{a@1:1: x@1:4, b@2:1: [1@3:5, {c@4:6: d e@4:9}], e@6:1: ~, f@7:1: ~}");
}

TEST_CASE("keys that appear twice are kept", "[config][yaml]") {
  REQUIRE(Print(ParseYaml("a: 1\na: 2\n").root) == "{a@1:1: 1@1:4, a@2:1: 2@2:4}");
}

TEST_CASE("scalars stay text", "[config][yaml]") {
  REQUIRE(Print(ParseYaml("{a: yes, b: 012, c: 1e3, d: \"null\", e: 0.0.0.0:80, f: :80}").root) ==
          "{a@1:2: yes@1:5, b@1:10: 012@1:13, c@1:18: 1e3@1:21, d@1:26: null@1:29, "
          "e@1:37: 0.0.0.0:80@1:40, f@1:52: :80@1:55}");
}

TEST_CASE("an empty text is null", "[config][yaml]") {
  const std::string text = GENERATE("", "\n\n", "# nothing\n", "---\n");
  const YamlDocument document = ParseYaml(text);
  REQUIRE(document.mistakes.empty());
  REQUIRE(document.root.kind == YamlNode::Kind::kNull);
}

TEST_CASE("windows line ends and a byte order mark do no harm", "[config][yaml]") {
  REQUIRE(Print(ParseYaml("\xef\xbb\xbf"
                          "a: 1\r\nb: 2\r\n")
                    .root) == "{a@1:1: 1@1:4, b@2:1: 2@2:4}");
}

TEST_CASE("what is not supported is named with its place", "[config][yaml]") {
  const auto [text, mistake] = GENERATE(table<std::string, std::string>({
      {"a: &x 1\n", "1:4: anchors are not supported"},
      {"a: 1\nb: *x\n", "2:4: not valid YAML: the referenced anchor is not defined"},
      {"a: !!int 1\n", "1:4: tags are not supported: write the value without it"},
      {"a: !secret x\n", "1:4: tags are not supported: write the value without it"},
      {"a: !!map {b: 1}\n", "1:4: tags are not supported: write the value without it"},
      {"a: 1\n---\nb: 1\n", "2:1: a second document begins here"},
      {"? {x: y}\n: 1\n", "1:3: a key must be a word"},
      {"? [x]\n: 1\n", "1:3: a key must be a word"},
      {"~: 1\n", "1:1: a key must be a word"},
      {"a: [1\nb: 2", "2:2: not valid YAML: end of sequence flow not found"},
      {"a: b: c", "1:5: not valid YAML: illegal map value"},
      {"a:\n\tb: 1\n", "2:3: not valid YAML: illegal map value"},
      {"a: \"b", "1:6: not valid YAML: illegal EOF in scalar"},
      {"%YAML 3.0\n---\na: 1\n", "1:1: not valid YAML: YAML major version too large"},
  }));
  CAPTURE(text);
  REQUIRE(OnlyMistake(text) == mistake);
}

TEST_CASE("an anchored bomb does not go off", "[config][yaml]") {
  std::string text = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    text += fmt::format("a{0}: &a{0} [*a{1}, *a{1}]\n", i, i - 1);
  }
  REQUIRE(OnlyMistake(text) == "1:5: anchors are not supported");
}

TEST_CASE("depth, size and number of values are bounded", "[config][yaml]") {
  const std::string deepest(kYamlDepthMax, '[');
  REQUIRE(ParseYaml(deepest + std::string(kYamlDepthMax, ']')).mistakes.empty());
  const auto depth = GENERATE(as<size_t>(), kYamlDepthMax + 1, 10'000, 500'000);
  REQUIRE(OnlyMistake(std::string(depth, '[') + std::string(depth, ']')) ==
          "1:33: nested deeper than 32");
  std::string steps;
  for (size_t i = 0; i < 100; ++i) steps += std::string(i, ' ') + "a:\n";
  REQUIRE(OnlyMistake(steps) == "33:33: nested deeper than 32");

  REQUIRE(OnlyMistake(std::string(kYamlBytesMax + 1, ' ')) == "1:1: is larger than 1048576 bytes");
  REQUIRE(ParseYaml("a: " + std::string(kYamlBytesMax - 3, 'x')).mistakes.empty());

  std::string many = "[";
  for (size_t i = 0; i < kYamlNodesMax; ++i) many += "1,";
  REQUIRE(OnlyMistake(many + "]") == "1:40000: more than 20000 values");
}

}  // namespace
}  // namespace ficus
