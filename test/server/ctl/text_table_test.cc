#include "server/ctl/text_table.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("columns line up by characters, and nothing is empty", "[ctl]") {
  TextTable table({"A", "NAME", "C"});
  table.Add({"1", "größe", ""});
  table.Add({"22", "x", "end"});
  REQUIRE(table.Text() ==
          "A   NAME   C\n"
          "1   größe  -\n"
          "22  x      end\n");
}

}  // namespace
}  // namespace ficus
