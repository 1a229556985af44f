#include "engine/base/suggestion.h"

#include <string>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("the distance counts letters put in, taken out, replaced and swapped", "[config]") {
  const auto [a, b, distance] = GENERATE(table<std::string, std::string, size_t>({
      {"", "", 0},
      {"path", "path", 0},
      {"path", "pth", 1},
      {"pth", "path", 1},
      {"path", "bath", 1},
      {"path", "paht", 1},
      {"", "path", 4},
      {"path", "", 4},
      {"kitten", "sitting", 3},
      {"ca", "abc", 3},
      {"storage", "network", 6},
  }));
  CAPTURE(a, b);
  REQUIRE(EditDistance(a, b) == distance);
}

TEST_CASE("very long words cost nothing and are like no other", "[config]") {
  const std::string word(100'000, 'x');
  REQUIRE(EditDistance(word, word) == 0);
  REQUIRE(EditDistance(word, "x") > 64);
  REQUIRE(NearestWord(word, {"x"}) == "");
}

TEST_CASE("the nearest word is suggested, and none that is far", "[config]") {
  REQUIRE(NearestWord("intervall", {"bytes", "interval"}) == "interval");
  REQUIRE(NearestWord("strct", {"strict", "relaxed"}) == "strict");
  REQUIRE(NearestWord("zzz", {"strict", "relaxed"}) == "");
  REQUIRE(NearestWord("x", {"y"}) == "");
  REQUIRE(NearestWord("", {"a"}) == "");
}

TEST_CASE("a path is looked for beside, then elsewhere, then anywhere near", "[config]") {
  const std::vector<std::string> paths = {"storage",          "storage.path", "storage.wal",
                                          "storage.wal.path", "http",         "http.listen"};
  REQUIRE(NearestPath("storage.pth", paths) == "storage.path");
  REQUIRE(NearestPath("storage.wal.pth", paths) == "storage.wal.path");
  REQUIRE(NearestPath("wal", paths) == "storage.wal");
  REQUIRE(NearestPath("htpt", paths) == "http");
  REQUIRE(NearestPath("htpt.listen", paths) == "http.listen");
  REQUIRE(NearestPath("storage-wal.pathh", paths) == "storage.wal.path");
  REQUIRE(NearestPath("frobnicate", paths) == "");
}

}  // namespace
}  // namespace ficus
