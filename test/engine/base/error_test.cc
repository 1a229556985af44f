#include "engine/base/error.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "test/engine/base/death.h"

namespace ficus {
namespace {

Error Missing() { return {ErrorCode::kNotFound, "part 2a"}; }

TEST_CASE("context is put in front of the message", "[error]") {
  const Error error = Missing().With("read footer").With("open shard-0");
  REQUIRE(error.code == ErrorCode::kNotFound);
  REQUIRE(error.message == "open shard-0: read footer: part 2a");
  REQUIRE(error.ToString() == "not found: open shard-0: read footer: part 2a");
  const Error original = Missing();
  REQUIRE(original.With("x").message == "x: part 2a");
  REQUIRE(original == Missing());
}

TEST_CASE("every error code has a name of its own", "[error]") {
  std::vector<std::string_view> names;
  for (int i = 0; i < kErrorCodeCount; ++i)
    names.push_back(ErrorCodeName(static_cast<ErrorCode>(i)));
  std::sort(names.begin(), names.end());
  REQUIRE(std::adjacent_find(names.begin(), names.end()) == names.end());
  REQUIRE(names.front() != "");
  REQUIRE(RunInChild([] { ErrorCodeName(static_cast<ErrorCode>(kErrorCodeCount)); }).aborted);
}

}  // namespace
}  // namespace ficus
