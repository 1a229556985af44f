#include "server/remote/retry_store.h"

#include <set>
#include <thread>

#include "server/remote/faulty_store.h"
#include "server/remote/memory_store.h"
#include "test/server/remote/store_verbs.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

// Remembers the pauses and moves the clock.
class RecordingSleeper final : public Sleeper {
 public:
  bool Sleep(int64_t nanos, const std::stop_token& stop) override {
    if (stop.stop_requested()) return false;
    pauses.push_back(nanos);
    return true;
  }
  std::vector<int64_t> pauses;
};

struct Retrying {
  explicit Retrying(RetryPolicy policy = {}, uint64_t seed = 1)
      : faulty(std::make_shared<FaultyStore>(memory, seed)),
        random(seed),
        store(faulty, policy, random, sleeper) {}

  MemoryStore memory;
  std::shared_ptr<FaultyStore> faulty;
  SeededRandom random;
  RecordingSleeper sleeper;
  RetryStore store;
};

Result<ObjectInfo> TryPut(ObjectStore& store, std::string_view key, std::string_view text,
                          const PutCondition& condition = {}) {
  return store.Put(key, TextSource(text), condition, {});
}

}  // namespace

TEST_CASE("what may pass is tried again, what is final is not", "[remote][retry]") {
  for (int i = 0; i < kErrorCodeCount; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    CAPTURE(ErrorCodeName(code));
    const bool may_pass = code == ErrorCode::kIo || code == ErrorCode::kUnavailable ||
                          code == ErrorCode::kDeadlineExceeded;
    Retrying r;
    Put(r.memory, "k", "x");
    r.faulty->AddFault({.op = StoreOp::kHead, .times = 2, .code = code});
    const auto head = r.store.Head("k", {});
    REQUIRE(head.has_value() == may_pass);
    REQUIRE(r.faulty->requests() == (may_pass ? 3 : 1));
    REQUIRE(r.sleeper.pauses.size() == (may_pass ? 2 : 0));
    if (!may_pass) REQUIRE(head.error().code == code);
  }
}

TEST_CASE("after the last attempt the error says how many there were", "[remote][retry]") {
  Retrying r({.attempts = 3});
  r.faulty->AddFault({.times = UINT64_MAX});
  const auto list = r.store.List({.prefix = "", .start_after = ""}, {});
  REQUIRE(CodeOf(list) == ErrorCode::kUnavailable);
  REQUIRE(TextOf(list).starts_with("after 3 attempts: "));
  REQUIRE(r.faulty->requests() == 3);
}

TEST_CASE("pauses are random parts of a bound that doubles", "[remote][retry]") {
  constexpr int64_t kFirst = 100;
  constexpr int64_t kMax = 1000;
  std::set<int64_t> different;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Retrying r({.attempts = 8, .pause_first_nanos = kFirst, .pause_max_nanos = kMax}, seed);
    r.faulty->AddFault({.times = UINT64_MAX});
    REQUIRE_FALSE(r.store.Head("k", {}).has_value());
    REQUIRE(r.sleeper.pauses.size() == 7);
    int64_t bound = kFirst;
    for (const int64_t pause : r.sleeper.pauses) {
      REQUIRE(pause >= 1);
      REQUIRE(pause <= bound);
      different.insert(pause);
      bound = std::min(bound * 2, kMax);
    }
  }
  REQUIRE(different.size() > 100);
  REQUIRE(*different.rbegin() > kMax / 2);
}

TEST_CASE("a stop ends a pause at once", "[remote][retry]") {
  MemoryStore memory;
  const auto faulty = std::make_shared<FaultyStore>(memory);
  faulty->AddFault({.times = UINT64_MAX});
  SeededRandom random(1);
  SystemSleeper sleeper;
  RetryStore store(faulty,
                   {.pause_first_nanos = kNanosPerHour, .pause_max_nanos = 100 * kNanosPerHour},
                   random, sleeper);
  std::stop_source stop;
  const auto start = std::chrono::steady_clock::now();
  std::thread stopper([&] {
    while (faulty->requests() == 0) std::this_thread::yield();
    stop.request_stop();
  });
  REQUIRE(CodeOf(store.Head("k", stop.get_token())) == ErrorCode::kCancelled);
  stopper.join();
  REQUIRE(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
}

// ----- puts -----

TEST_CASE("a lost answer of a conditional put is no refusal", "[remote][retry]") {
  Retrying r;
  r.faulty->AddFault({.kind = FaultKind::kLostAnswer, .op = StoreOp::kPut});
  const auto put = TryPut(r.store, "lease", "run 1", IfAbsent());
  REQUIRE(put.has_value());
  REQUIRE(*put == *Head(r.memory, "lease"));

  r.faulty->AddFault({.kind = FaultKind::kLostAnswer, .op = StoreOp::kPut});
  REQUIRE(TryPut(r.store, "lease", "run 1, later", IfMatch(put->etag)).has_value());
  REQUIRE(Get(r.memory, "lease") == "run 1, later");
}

TEST_CASE("an error before a conditional put is no success", "[remote][retry]") {
  Retrying r;
  r.faulty->AddFault({.op = StoreOp::kPut, .times = 2});
  REQUIRE(TryPut(r.store, "lease", "run 1", IfAbsent()).has_value());
  REQUIRE(r.memory.requests(StoreOp::kPut) == 1);

  // The other one was quicker while the answer was out.
  Retrying late;
  late.faulty->SetObserver([&](uint64_t number, StoreOp, std::string_view) {
    if (number == 1) Put(late.memory, "lease", "run 2");
  });
  late.faulty->AddFault({.op = StoreOp::kPut});
  REQUIRE(CodeOf(TryPut(late.store, "lease", "run 1", IfAbsent())) == ErrorCode::kAlreadyExists);
  REQUIRE(Get(late.memory, "lease") == "run 2");
}

TEST_CASE("a conditional put whose every answer is lost is found by looking", "[remote][retry]") {
  Retrying r({.attempts = 3});
  r.faulty->AddFault({.kind = FaultKind::kLostAnswer, .op = StoreOp::kPut, .times = UINT64_MAX});
  REQUIRE(TryPut(r.store, "k", "mine", IfAbsent()).has_value());
  REQUIRE(Get(r.memory, "k") == "mine");
}

TEST_CASE("a conditional put is not claimed when nobody can look", "[remote][retry]") {
  Retrying r({.attempts = 3});
  r.faulty->AddFault({.kind = FaultKind::kLostAnswer, .op = StoreOp::kPut, .times = UINT64_MAX});
  r.faulty->AddFault({.op = StoreOp::kGet, .times = UINT64_MAX});
  r.faulty->AddFault({.op = StoreOp::kHead, .times = UINT64_MAX});
  REQUIRE(CodeOf(TryPut(r.store, "k", "mine", IfAbsent())) == ErrorCode::kUnavailable);
}

TEST_CASE("a put that kept half of the body is no success", "[remote][retry]") {
  const std::string text(100'000, 't');
  Retrying r;
  r.faulty->AddFault({.kind = FaultKind::kShortBody, .op = StoreOp::kPut});
  REQUIRE(TryPut(r.store, "k", text).has_value());
  REQUIRE((Get(r.memory, "k") == text));

  r.faulty->AddFault({.kind = FaultKind::kShortBody, .op = StoreOp::kPut});
  REQUIRE(CodeOf(TryPut(r.store, "new", text, IfAbsent())) == ErrorCode::kFailedPrecondition);

  Retrying always({.attempts = 3});
  always.faulty->AddFault(
      {.kind = FaultKind::kShortBody, .op = StoreOp::kPut, .times = UINT64_MAX});
  REQUIRE(CodeOf(TryPut(always.store, "k", text)) == ErrorCode::kIo);
}

TEST_CASE("a duplicated put settles on the same object", "[remote][retry]") {
  Retrying r;
  r.faulty->AddFault({.kind = FaultKind::kDuplicate, .op = StoreOp::kPut, .times = 3});
  const auto put = TryPut(r.store, "k", "x");
  REQUIRE(put.has_value());
  REQUIRE(*put == *Head(r.memory, "k"));
  REQUIRE(TryPut(r.store, "new", "x", IfAbsent()).has_value());
}

TEST_CASE("a conditional put that was replaced right afterwards was a success", "[remote][retry]") {
  Retrying r;
  const ObjectInfo first = Put(r.memory, "lease", "run 0");
  r.faulty->SetObserver([&](uint64_t, StoreOp op, std::string_view) {
    if (op == StoreOp::kHead) Put(r.memory, "lease", "run 2");
  });
  REQUIRE(TryPut(r.store, "lease", "run 1", IfMatch(first.etag)).has_value());
  REQUIRE(Get(r.memory, "lease") == "run 2");
  // One that has vanished is not claimed.
  const ObjectInfo second = *Head(r.memory, "lease");
  r.faulty->SetObserver([&](uint64_t, StoreOp op, std::string_view) {
    if (op == StoreOp::kHead) Delete(r.memory, {"lease"});
  });
  REQUIRE(CodeOf(TryPut(r.store, "lease", "run 3", IfMatch(second.etag))) ==
          ErrorCode::kFailedPrecondition);
}

TEST_CASE("a replacing put whose answer was lost before another replaced it is not called refused",
          "[remote][retry]") {
  Retrying r;
  const ObjectInfo first = Put(r.memory, "lease", "run 0");
  r.faulty->AddFault({.kind = FaultKind::kLostAnswer, .op = StoreOp::kPut});
  r.faulty->SetObserver([&](uint64_t, StoreOp op, std::string_view) {
    if (op == StoreOp::kGet) Put(r.memory, "lease", "run 2");
  });
  REQUIRE(CodeOf(TryPut(r.store, "lease", "run 1", IfMatch(first.etag))) ==
          ErrorCode::kUnavailable);
  // Another try cannot know more.
  REQUIRE(r.sleeper.pauses.size() == 1);
}

TEST_CASE("errors of the caller's source and sink are not tried again", "[remote][retry]") {
  class BadSource final : public ObjectSource {
   public:
    uint64_t size_bytes() const override { return 5; }
    Result<> ReadAt(uint64_t, std::span<char>) const override {
      return Error{ErrorCode::kIo, "bad disk"};
    }
  };
  Retrying r;
  for (const PutCondition& condition : {PutCondition{}, IfAbsent()}) {
    REQUIRE(TextOf(r.store.Put("k", BadSource(), condition, {})) == "bad disk");
  }
  Put(r.memory, "k", "x");
  const auto refuse = [](std::string_view) -> Result<> {
    return Error{ErrorCode::kIo, "bad disk"};
  };
  REQUIRE(TextOf(r.store.Get("k", std::nullopt, refuse, {})) == "bad disk");
  REQUIRE(r.sleeper.pauses.empty());
}

TEST_CASE("of racing conditional puts one wins although answers get lost", "[remote][retry]") {
  constexpr int kRacers = 24;
  for (uint64_t seed = TestSeed(1); seed < TestSeed(1) + 10; ++seed) {
    CAPTURE(seed);
    MemoryStore memory;
    const auto faulty = std::make_shared<FaultyStore>(memory, seed);
    faulty->AddRandomFaults(300, {FaultKind::kErrorBefore, FaultKind::kLostAnswer});
    SeededRandom random(seed);
    ManualClock clock(0);
    ClockSleeper sleeper(clock);
    RetryStore store(faulty, {.attempts = 100}, random, sleeper);
    std::atomic<int> winners{0};
    std::atomic<int> winner{-1};
    std::atomic<int> odd{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kRacers; ++i) {
      threads.emplace_back([&, i] {
        const auto put = TryPut(store, "k", "racer " + std::to_string(i), IfAbsent());
        if (put.has_value()) {
          ++winners;
          winner = i;
        } else if (put.error().code != ErrorCode::kAlreadyExists) {
          ++odd;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    REQUIRE(odd == 0);
    REQUIRE(winners == 1);
    REQUIRE(Get(memory, "k") == "racer " + std::to_string(winner));
  }
}

// ----- gets -----

TEST_CASE("a get that breaks off hands each byte out once", "[remote][retry]") {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i);
  Retrying r;
  Put(r.memory, "k", text);
  r.faulty->AddFault({.kind = FaultKind::kShortBody, .op = StoreOp::kGet, .times = 2});
  REQUIRE((Get(r.store, "k") == text));
  REQUIRE(r.faulty->faults() == 2);

  r.faulty->AddFault({.kind = FaultKind::kShortBody, .op = StoreOp::kGet});
  std::string part;
  const auto collect = [&](std::string_view bytes) {
    part += bytes;
    return Ok();
  };
  REQUIRE(r.store.Get("k", ByteRange{1000, 100'000}, collect, {}).has_value());
  REQUIRE((part == text.substr(1000, 100'000)));
}

TEST_CASE("a get never mixes two objects", "[remote][retry]") {
  Retrying r;
  Put(r.memory, "k", std::string(200'000, 'a'));
  r.faulty->AddFault({.kind = FaultKind::kShortBody, .op = StoreOp::kGet});
  bool replaced = false;
  const auto sink = [&](std::string_view) {
    if (!replaced) Put(r.memory, "k", std::string(200'000, 'b'));
    replaced = true;
    return Ok();
  };
  REQUIRE(CodeOf(r.store.Get("k", std::nullopt, sink, {})) == ErrorCode::kFailedPrecondition);

  // Also when the new one is shorter than what was handed out.
  Put(r.memory, "k", std::string(200'000, 'a'));
  r.faulty->AddFault({.kind = FaultKind::kShortBody, .op = StoreOp::kGet});
  replaced = false;
  const auto shrink = [&](std::string_view) {
    if (!replaced) Put(r.memory, "k", "b");
    replaced = true;
    return Ok();
  };
  REQUIRE_FALSE(r.store.Get("k", std::nullopt, shrink, {}).has_value());
}

TEST_CASE("copies, deletes and lists are tried again", "[remote][retry]") {
  Retrying r;
  Put(r.memory, "k", "x");
  r.faulty->AddFault({.op = StoreOp::kCopy});
  r.faulty->AddFault({.kind = FaultKind::kLostAnswer, .op = StoreOp::kCopy});
  REQUIRE(r.store.Copy("k", "copy", {}).has_value());
  r.faulty->AddFault({.op = StoreOp::kList});
  REQUIRE(Keys(r.store) == std::vector<std::string>{"copy", "k"});
  r.faulty->AddFault({.kind = FaultKind::kLostAnswer, .op = StoreOp::kDelete});
  Delete(r.store, {"k", "copy"});
  REQUIRE(r.memory.Contents().empty());
}

}  // namespace ficus
