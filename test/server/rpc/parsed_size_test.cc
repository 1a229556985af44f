#include "server/rpc/parsed_size.h"

#include <random>

#include <catch2/catch.hpp>

#include "banyandb/database/v1/rpc.pb.h"
#include "banyandb/measure/v1/query.pb.h"

namespace ficus {
namespace {

namespace measure = banyandb::measure::v1;
using banyandb::model::v1::Criteria;

constexpr size_t kMany = size_t{1} << 40;

template <typename Message>
size_t Parsed(const std::string& bytes) {
  Message message;
  REQUIRE(message.ParseFromString(bytes));
  return message.SpaceUsedLong();
}

template <typename Message>
Result<size_t> Told(const std::string& bytes, size_t bytes_max = kMany) {
  return ParsedSize(Message::descriptor()).Of(bytes, bytes_max);
}

// At least what the message uses, and not out of proportion.
template <typename Message>
void RequireFits(const std::string& bytes) {
  const Result<size_t> told = Told<Message>(bytes);
  REQUIRE(told.has_value());
  const size_t parsed = Parsed<Message>(bytes);
  REQUIRE(*told >= parsed);
  REQUIRE(*told <= 3 * parsed + 1000);
}

std::string Repeat(const std::string& text, size_t count) {
  std::string repeated;
  for (size_t i = 0; i < count; ++i) repeated += text;
  return repeated;
}

TEST_CASE("what a message takes is told before it is parsed", "[rpc][limits]") {
  measure::QueryRequest request;
  RequireFits<measure::QueryRequest>(request.SerializeAsString());
  request.add_groups("a group whose name does not fit into a short string");
  request.set_name("m");
  request.mutable_time_range()->mutable_begin()->set_seconds(1);
  Criteria* criteria = request.mutable_criteria();
  for (int i = 0; i < 20; ++i) {
    auto& both = *criteria->mutable_le();
    both.mutable_left()->mutable_condition()->set_name("tag");
    for (int j = 0; j < 10; ++j) {
      both.mutable_left()->mutable_condition()->mutable_value()->mutable_str_array()->add_value(
          "a value that is as long as values are");
    }
    criteria = both.mutable_right();
  }
  RequireFits<measure::QueryRequest>(request.SerializeAsString());
}

TEST_CASE("small bytes that become large objects are told apart", "[rpc][limits]") {
  // 100,000 empty messages inside of one: two bytes each.
  RequireFits<measure::QueryRequest>([] {
    measure::QueryRequest request;
    for (int i = 0; i < 100'000; ++i) request.mutable_tag_projection()->add_tag_families();
    return request.SerializeAsString();
  }());
  // Empty strings, a list of numbers, fields that nobody knows.
  RequireFits<measure::QueryRequest>(Repeat(std::string("\x0a\x00", 2), 100'000));
  RequireFits<measure::QueryRequest>([] {
    measure::QueryRequest request;
    auto& values =
        *request.mutable_criteria()->mutable_condition()->mutable_value()->mutable_int_array();
    for (int i = 0; i < 100'000; ++i) values.add_value(1);
    return request.SerializeAsString();
  }());
  const std::string unknown = Repeat(std::string("\xf8\x7f\x01", 3), 100'000);
  REQUIRE(*Told<measure::QueryRequest>(unknown) >= Parsed<measure::QueryRequest>(unknown));
}

TEST_CASE("a value in another form than its field's counts as one that nobody knows",
          "[rpc][limits]") {
  // Of a QueryRequest: a number with a length, a text and a message without one; of a condition: an
  // enumeration with a length.
  const std::string of_limit = std::string("\x5a\x00", 2);
  const std::string of_name = std::string("\x10\x01", 2);
  const std::string of_time = std::string("\x18\x01", 2);
  for (const std::string& value : {of_limit, of_name, of_time}) {
    const std::string bytes = Repeat(value, 100'000);
    CAPTURE(bytes.substr(0, 2));
    REQUIRE(*Told<measure::QueryRequest>(bytes) >= Parsed<measure::QueryRequest>(bytes));
  }
  // Messages with one such value each.
  const std::string bytes = Repeat(std::string("\x1a\x02\x08\x01", 4), 100'000);
  REQUIRE(*Told<measure::QueryRequest>(bytes) >= Parsed<measure::QueryRequest>(bytes));
}

TEST_CASE("more than is allowed is refused without a walk to its end", "[rpc][limits]") {
  std::string bytes = Repeat(std::string("\x0a\x00", 2), 100'000);
  bytes += "\xff";  // no message any more, but that is behind the bound
  const Result<size_t> told = Told<measure::QueryRequest>(bytes, 1 << 20);
  REQUIRE(told.error().code == ErrorCode::kResourceExhausted);
  REQUIRE(told.error().message.find("1 MiB") != std::string::npos);
}

TEST_CASE("bytes that are no message are refused", "[rpc][limits]") {
  for (const std::string& bytes :
       {std::string("\xff"), std::string("\x0a"), std::string("\x0a\x05x"), std::string("\x08"),
        std::string("\x00\x00", 2), std::string("\x0b"), std::string("\x09xxxxxxx"),
        std::string("\x0dxxx"), std::string(11, '\xff')}) {
    CAPTURE(bytes);
    REQUIRE(Told<measure::QueryRequest>(bytes).error().code == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("nesting has the depth that protobuf reads", "[rpc][limits]") {
  const auto nested = [](int depth) {
    Criteria criteria;
    Criteria* inner = &criteria;
    for (int i = 0; i < depth; ++i) inner = inner->mutable_le()->mutable_right();
    return criteria.SerializeAsString();
  };
  Criteria criteria;
  REQUIRE(criteria.ParseFromString(nested(49)));
  REQUIRE(Told<Criteria>(nested(49)).has_value());
  REQUIRE_FALSE(criteria.ParseFromString(nested(51)));
  REQUIRE_FALSE(Told<Criteria>(nested(51)).has_value());
}

TEST_CASE("any bytes are told or refused", "[rpc][limits]") {
  std::mt19937 random(17);
  measure::QueryRequest request;
  request.add_groups("g");
  request.mutable_criteria()->mutable_le()->mutable_left()->mutable_condition()->set_name("x");
  const std::string good = request.SerializeAsString();
  const ParsedSize size(measure::QueryRequest::descriptor());
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (int flips = 0; flips < 3; ++flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    measure::QueryRequest parsed;
    const Result<size_t> told = size.Of(bytes, kMany);
    if (told.has_value() && parsed.ParseFromString(bytes)) {
      REQUIRE(*told >= parsed.SpaceUsedLong());
    }
  }
}

}  // namespace
}  // namespace ficus
