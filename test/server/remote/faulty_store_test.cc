#include "server/remote/faulty_store.h"

#include <thread>

#include "server/remote/memory_store.h"
#include "test/server/remote/store_verbs.h"

namespace ficus {
namespace {

Result<ObjectInfo> TryPut(ObjectStore& store, std::string_view key, std::string_view text,
                          const PutCondition& condition = {}) {
  return store.Put(key, TextSource(text), condition, {});
}

}  // namespace

TEST_CASE("an error before does nothing, a lost answer does it", "[remote]") {
  MemoryStore memory;
  FaultyStore store(memory);
  store.AddFault({.kind = FaultKind::kErrorBefore, .op = StoreOp::kPut});
  store.AddFault(
      {.kind = FaultKind::kLostAnswer, .op = StoreOp::kPut, .code = ErrorCode::kDeadlineExceeded});
  REQUIRE(CodeOf(TryPut(store, "k", "1")) == ErrorCode::kUnavailable);
  REQUIRE_FALSE(Get(memory, "k").has_value());
  REQUIRE(CodeOf(TryPut(store, "k", "2")) == ErrorCode::kDeadlineExceeded);
  REQUIRE(Get(memory, "k") == "2");
  Put(store, "k", "3");
  REQUIRE(store.faults() == 2);
  REQUIRE(store.requests() == 3);
}

TEST_CASE("faults are chosen by operation, key and number", "[remote]") {
  MemoryStore memory;
  FaultyStore store(memory);
  std::vector<std::string> seen;
  store.SetObserver([&](uint64_t number, StoreOp op, std::string_view key) {
    seen.push_back(std::to_string(number) + " " + std::string(StoreOpName(op)) + " " +
                   std::string(key));
  });
  store.AddFault({.op = StoreOp::kPut, .key_contains = "lease", .skip = 1, .times = 2});
  Put(store, "lease", "1");
  Put(store, "other", "1");
  REQUIRE_FALSE(TryPut(store, "lease", "2").has_value());
  REQUIRE(Head(store, "lease").has_value());
  REQUIRE_FALSE(TryPut(store, "lease", "3").has_value());
  Put(store, "lease", "4");
  REQUIRE(seen == std::vector<std::string>{"0 put lease", "1 put other", "2 put lease",
                                           "3 head lease", "4 put lease", "5 put lease"});
  // From some request on everything fails: the process died there.
  store.AddFault({.skip = 1, .times = UINT64_MAX});
  REQUIRE(Head(store, "lease").has_value());
  for (int i = 0; i < 5; ++i) REQUIRE_FALSE(store.Head("lease", {}).has_value());
  store.ClearFaults();
  REQUIRE(Head(store, "lease").has_value());
}

TEST_CASE("bodies come short or with a flipped bit", "[remote]") {
  MemoryStore memory;
  FaultyStore store(memory);
  const std::string text(1000, 't');
  store.AddFault({.kind = FaultKind::kShortBody});
  REQUIRE(Put(store, "k", text).size_bytes == 1000);
  REQUIRE(Get(memory, "k") == std::string(500, 't'));

  store.AddFault({.kind = FaultKind::kFlippedBit});
  Put(store, "k", text);
  REQUIRE(Get(memory, "k") != text);
  REQUIRE(Get(memory, "k")->size() == 1000);

  Put(memory, "k", text);
  store.AddFault({.kind = FaultKind::kFlippedBit});
  REQUIRE(Get(store, "k") != text);
  store.AddFault({.kind = FaultKind::kShortBody});
  REQUIRE(CodeOf(GetText(store, "k", 1000, {})) == ErrorCode::kIo);
  REQUIRE(Get(store, "k") == text);
}

TEST_CASE("a stalled request waits for the stop", "[remote]") {
  MemoryStore memory;
  FaultyStore store(memory);
  store.AddFault({.kind = FaultKind::kStall});
  std::stop_source stop;
  std::thread stopper([&] {
    while (store.faults() == 0) std::this_thread::yield();
    stop.request_stop();
  });
  REQUIRE(CodeOf(store.Put("k", TextSource("x"), {}, stop.get_token())) == ErrorCode::kCancelled);
  stopper.join();
  REQUIRE(memory.requests() == 0);
}

TEST_CASE("a duplicate is done twice and answered once", "[remote]") {
  MemoryStore memory;
  FaultyStore store(memory);
  store.AddFault({.kind = FaultKind::kDuplicate, .times = UINT64_MAX});
  Put(store, "k", "x", IfAbsent());
  REQUIRE(memory.requests(StoreOp::kPut) == 2);
  REQUIRE(Get(store, "k") == "x");
  Delete(store, {"k"});
  REQUIRE(memory.Contents().empty());
}

TEST_CASE("the same seed gives the same faults", "[remote]") {
  const auto play = [](uint64_t seed) {
    MemoryStore memory;
    FaultyStore store(memory, seed);
    store.AddRandomFaults(300, {FaultKind::kErrorBefore, FaultKind::kLostAnswer,
                                FaultKind::kFlippedBit, FaultKind::kShortBody});
    std::string outcome;
    for (int i = 0; i < 200; ++i) {
      const auto put = TryPut(store, "k", "some text " + std::to_string(i));
      outcome += put.has_value() ? "y" : "n";
    }
    return outcome + *Get(memory, "k");
  };
  REQUIRE(play(5) == play(5));
  REQUIRE(play(5) != play(6));
}

}  // namespace ficus
