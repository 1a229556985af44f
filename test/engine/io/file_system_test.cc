#include "engine/io/file_system.h"

#include <catch2/catch.hpp>

namespace ficus {

TEST_CASE("paths are taken apart and put together", "[io]") {
  REQUIRE(ParentPath("a/b/c") == "a/b");
  REQUIRE(ParentPath("c").empty());
  REQUIRE(BaseName("a/b/c") == "c");
  REQUIRE(BaseName("c") == "c");
  REQUIRE(JoinPath("a/b", "c") == "a/b/c");
  REQUIRE(JoinPath("", "c") == "c");
}

TEST_CASE("a path is names with slashes between them", "[io]") {
  for (const char* good : {"a", "a/b", "..a", "a..", "a/...", ".hidden", "a b", "\xc3\xa4"}) {
    CAPTURE(good);
    REQUIRE(CheckRelativePath(good));
  }
  REQUIRE(CheckRelativePath(std::string(kFileNameBytesMax, 'n')));
  std::string deep = "d";
  while (deep.size() + 2 <= kPathBytesMax) deep += "/d";
  REQUIRE(CheckRelativePath(deep));
  for (const std::string& bad :
       {std::string(), std::string("/"), std::string("/a"), std::string("a/"), std::string("a//b"),
        std::string("."), std::string(".."), std::string("a/./b"), std::string("a/../b"),
        std::string("a/.."), std::string("a\0b", 3), std::string(kFileNameBytesMax + 1, 'n'),
        deep + "/d"}) {
    CAPTURE(bad);
    REQUIRE(CheckRelativePath(bad).error().code == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("the message about a bad path shows its beginning only", "[io]") {
  const auto refused = CheckRelativePath("../" + std::string(100'000, 'x'));
  REQUIRE(refused.error().message.size() < 400);
}

}  // namespace ficus
