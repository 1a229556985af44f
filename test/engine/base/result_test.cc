#include "engine/base/result.h"

#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "test/engine/base/death.h"

namespace ficus {
namespace {

Error Missing() { return {ErrorCode::kNotFound, "part 2a"}; }

Result<int> Half(int number) {
  if (number % 2 != 0) return Error{ErrorCode::kInvalidArgument, "odd"};
  return number / 2;
}

Result<int> Quarter(int number) {
  ASSIGN_OR_RETURN(const int half, Half(number));
  ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

Result<> CheckEven(int number) {
  RETURN_IF_ERROR(Half(number));
  return Ok();
}

TEST_CASE("a result holds its value", "[result]") {
  Result<std::string> result = std::string("abc");
  REQUIRE(result.has_value());
  REQUIRE(result);
  REQUIRE(*result == "abc");
  REQUIRE(result->size() == 3);
  result.value() += "d";
  REQUIRE(std::as_const(result).value() == "abcd");
}

TEST_CASE("a result holds its error", "[result]") {
  const Result<std::string> result = Missing();
  REQUIRE_FALSE(result.has_value());
  REQUIRE_FALSE(result);
  REQUIRE(result.error() == Missing());
}

TEST_CASE("a result without value is a success or an error", "[result]") {
  REQUIRE(Ok().has_value());
  Ok().value();
  const Result<> failed = Missing();
  REQUIRE_FALSE(failed);
  REQUIRE(failed.error().code == ErrorCode::kNotFound);
}

TEST_CASE("a result moves what cannot be copied", "[result]") {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  std::unique_ptr<int> taken = std::move(result).value();
  REQUIRE(*taken == 7);
}

TEST_CASE("a result takes what converts to its value", "[result]") {
  struct Base {
    virtual ~Base() = default;
  };
  struct Derived : Base {};
  const Result<std::unique_ptr<Base>> pointer = std::make_unique<Derived>();
  REQUIRE(pointer.has_value());
  const Result<std::string> text = "literal";
  REQUIRE(*text == "literal");
}

TEST_CASE("errors travel up through the macros", "[result]") {
  REQUIRE(*Quarter(12) == 3);
  REQUIRE(Quarter(6).error().message == "odd");
  REQUIRE(Quarter(7).error().message == "odd");
  REQUIRE(CheckEven(2));
  REQUIRE(CheckEven(3).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("the macros move the error out instead of copying it", "[result]") {
  const std::string text(1000, 'x');
  const char* before = nullptr;
  const auto fail = [&]() -> Result<> {
    Error error{ErrorCode::kIo, text};
    before = error.message.data();
    return Result<>(std::move(error));
  };
  const auto pass = [&]() -> Result<int> {
    RETURN_IF_ERROR(fail());
    return 1;
  };
  const Result<int> result = pass();
  REQUIRE(result.error().message.data() == before);
}

TEST_CASE("the value of an error stops the process and names the error", "[result][check]") {
  const Death death = RunInChild([] {
    const Result<int> result = Missing();
    static_cast<void>(result.value());
  });
  REQUIRE(death.aborted);
  REQUIRE_THAT(death.standard_error, Catch::Contains("not found: part 2a"));
}

TEST_CASE("the error of a value stops the process", "[result][check]") {
  REQUIRE(RunInChild([] { static_cast<void>(Result<int>(3).error()); }).aborted);
  REQUIRE(RunInChild([] { static_cast<void>(Ok().error()); }).aborted);
}

}  // namespace
}  // namespace ficus
