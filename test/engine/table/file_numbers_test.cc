#include "engine/table/file_numbers.h"

#include <catch2/catch.hpp>

#include "engine/index/index_run.h"
#include "engine/part/part.h"

namespace ficus {
namespace {

TEST_CASE("a number is given once, whatever the kind of the file", "[table]") {
  FileNumbers numbers(FileNumber(7));
  REQUIRE(numbers.TakePart() == FileNumber(7));
  REQUIRE(numbers.TakeIndexRun() == FileNumber(8));
  REQUIRE(numbers.TakePart() == FileNumber(9));
  REQUIRE(numbers.Get().next == FileNumber(10));
}

TEST_CASE("a file is unnamed from its number on until that is settled", "[table]") {
  FileNumbers numbers(FileNumber(1));
  REQUIRE(numbers.Get().unnamed.empty());
  const std::string part = PartFileName(numbers.TakePart());
  const std::string run = IndexRunFileName(numbers.TakeIndexRun());
  REQUIRE(numbers.Get().unnamed == std::set<std::string>{part, run});
  numbers.Settle(part);
  numbers.Settle(part);
  REQUIRE(numbers.Get().unnamed == std::set<std::string>{run});
  numbers.Settle(run);
  REQUIRE(numbers.Get().unnamed.empty());
  REQUIRE(numbers.Get().next == FileNumber(3));
}

}  // namespace
}  // namespace ficus
