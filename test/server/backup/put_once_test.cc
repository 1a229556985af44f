#include "server/backup/put_once.h"

#include <catch2/catch.hpp>

#include "server/remote/faulty_store.h"
#include "server/remote/memory_store.h"

namespace ficus {
namespace {

const std::string kText = "the whole record";

Result<> Put(ObjectStore& store) { return PutOnce(store, "r", kText, 100, IsCutShort(kText), {}); }

}  // namespace

TEST_CASE("a record is put once, and a second time it is there", "[backup][put_once]") {
  MemoryStore store;
  REQUIRE(Put(store).has_value());
  REQUIRE(Put(store).has_value());
  REQUIRE(store.Contents().at("r") == kText);
}

TEST_CASE("what somebody else has put stays", "[backup][put_once]") {
  MemoryStore store;
  REQUIRE(store.Put("r", TextSource("another record"), {}, {}).has_value());
  REQUIRE(Put(store).error().code == ErrorCode::kAlreadyExists);
  REQUIRE(store.Contents().at("r") == "another record");
}

TEST_CASE("a record whose answer is lost or that is cut short is put all the same",
          "[backup][put_once]") {
  const auto kind = GENERATE(FaultKind::kLostAnswer, FaultKind::kShortBody, FaultKind::kDuplicate);
  MemoryStore memory;
  FaultyStore store(memory);
  store.AddFault({.kind = kind, .op = StoreOp::kPut});
  REQUIRE(Put(store).has_value());
  REQUIRE(memory.Contents().at("r") == kText);
}

TEST_CASE("a store that is away gives its own error", "[backup][put_once]") {
  MemoryStore memory;
  FaultyStore store(memory);
  store.AddFault({.kind = FaultKind::kErrorBefore, .times = UINT64_MAX});
  REQUIRE(Put(store).error().code == ErrorCode::kUnavailable);
}

}  // namespace ficus
