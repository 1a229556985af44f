#include "server/remote/memory_store.h"

#include "test/server/remote/object_store_conformance.h"
#include "test/server/remote/store_verbs.h"

namespace ficus {

TEST_CASE("the memory store keeps the contract", "[remote]") {
  for (const StoreCase& conformance : StoreCases()) {
    DYNAMIC_SECTION(conformance.name) {
      MemoryStore store;
      conformance.run(store);
    }
  }
}

TEST_CASE("a memory store counts requests and bytes", "[remote]") {
  MemoryStore store;
  Put(store, "a", "12345");
  Put(store, "b", "67", IfAbsent());
  REQUIRE(store.Copy("a", "c", {}).has_value());
  REQUIRE(Get(store, "a") == "12345");
  REQUIRE_FALSE(Head(store, "none").has_value());
  REQUIRE(Keys(store).size() == 3);
  Delete(store, {"a", "b"});
  REQUIRE(store.requests(StoreOp::kPut) == 2);
  REQUIRE(store.requests(StoreOp::kGet) == 1);
  REQUIRE(store.requests(StoreOp::kHead) == 1);
  REQUIRE(store.requests(StoreOp::kCopy) == 1);
  REQUIRE(store.requests(StoreOp::kList) == 1);
  REQUIRE(store.requests(StoreOp::kDelete) == 1);
  REQUIRE(store.requests() == 7);
  REQUIRE(store.put_bytes() == 7);
  REQUIRE(store.got_bytes() == 5);
  store.ResetCounts();
  REQUIRE(store.requests() == 0);
  REQUIRE(store.put_bytes() == 0);
}

TEST_CASE("a memory store is damaged without noticing", "[remote]") {
  MemoryStore store;
  const ObjectInfo info = Put(store, "a", "abc");
  Put(store, "b", "xyz");
  REQUIRE(store.FlipBits("a", 2, 0x20).has_value());
  REQUIRE(Get(store, "a") == "abC");
  REQUIRE(Head(store, "a") == info);
  REQUIRE(store.Truncate("a", 1).has_value());
  REQUIRE(Get(store, "a") == "a");
  REQUIRE(store.Swap("a", "b").has_value());
  REQUIRE(Get(store, "a") == "xyz");
  REQUIRE(Get(store, "b") == "a");
  REQUIRE(CodeOf(store.FlipBits("b", 1, 1)) == ErrorCode::kInvalidArgument);
  REQUIRE(CodeOf(store.Truncate("b", 2)) == ErrorCode::kInvalidArgument);
  REQUIRE(CodeOf(store.Swap("a", "none")) == ErrorCode::kNotFound);
}

TEST_CASE("a clone of a memory store shares nothing with it", "[remote]") {
  MemoryStore store;
  const ObjectInfo info = Put(store, "a", "1");
  const auto clone = store.Clone();
  REQUIRE(Head(*clone, "a") == info);
  Put(*clone, "a", "2", IfMatch(info.etag));
  Put(store, "b", "3");
  REQUIRE(store.Contents() == std::map<std::string, std::string>{{"a", "1"}, {"b", "3"}});
  REQUIRE(clone->Contents() == std::map<std::string, std::string>{{"a", "2"}});
}

}  // namespace ficus
