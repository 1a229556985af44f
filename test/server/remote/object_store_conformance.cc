#include "test/server/remote/object_store_conformance.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "engine/base/random.h"
#include "test/server/remote/store_verbs.h"

namespace ficus {
namespace {

using Texts = std::vector<std::string>;

std::string RandomText(uint64_t seed, size_t size) {
  SeededRandom random(seed);
  std::string text;
  while (text.size() < size) {
    const uint64_t word = random.Next();
    text.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  text.resize(size);
  return text;
}

Result<ObjectInfo> TryPut(ObjectStore& store, std::string_view key, std::string_view text,
                          const PutCondition& condition = {}) {
  return store.Put(key, TextSource(text), condition, {});
}

Result<std::string> GetRange(ObjectStore& store, std::string_view key, ByteRange range) {
  std::string text;
  const auto collect = [&](std::string_view bytes) {
    text += bytes;
    return Ok();
  };
  RETURN_IF_ERROR(store.Get(key, range, collect, {}));
  return text;
}

ListPage List(ObjectStore& store, const ListRequest& request) {
  const auto page = store.List(request, {});
  INFO((page.has_value() ? "" : page.error().ToString()));
  REQUIRE(page.has_value());
  return *page;
}

Texts KeysOf(const ListPage& page) {
  Texts keys;
  for (const ObjectInfo& object : page.objects) keys.push_back(object.key);
  return keys;
}

// ----- put, get, head -----

void PutThenGet(ObjectStore& store) {
  for (const size_t size : {0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20}) {
    CAPTURE(size);
    const std::string text = RandomText(size, size);
    const ObjectInfo put = Put(store, "a/b/c", text);
    REQUIRE(put.key == "a/b/c");
    REQUIRE(put.size_bytes == size);
    REQUIRE(!put.etag.empty());
    REQUIRE((Get(store, "a/b/c") == text));
    REQUIRE(Head(store, "a/b/c") == put);
    std::string got;
    const auto info = store.Get("a/b/c", std::nullopt,
                                [&](std::string_view bytes) {
                                  got += bytes;
                                  return Ok();
                                },
                                {});
    REQUIRE(info.has_value());
    REQUIRE(*info == put);
  }
}

void MissingObjects(ObjectStore& store) {
  Put(store, "a/b", "x");
  for (const char* key : {"c", "a/c", "a", "a/b/c", "a/b/c/d"}) {
    CAPTURE(key);
    REQUIRE(CodeOf(store.Head(key, {})) == ErrorCode::kNotFound);
    REQUIRE(CodeOf(GetText(store, key, 10, {})) == ErrorCode::kNotFound);
    REQUIRE(CodeOf(store.Copy(key, "to", {})) == ErrorCode::kNotFound);
    REQUIRE_FALSE(Head(store, "to").has_value());
  }
  REQUIRE(Keys(store) == Texts{"a/b"});
}

void Ranges(ObjectStore& store) {
  const std::string text = RandomText(1, 3 << 20);
  Put(store, "k", text);
  const uint64_t size = text.size();
  for (const ByteRange range : {ByteRange{0, 1}, ByteRange{0, size}, ByteRange{size - 1, 1},
                                ByteRange{1000, 2 << 20}, ByteRange{5, 0}, ByteRange{size, 0}}) {
    CAPTURE(range.offset, range.length);
    const auto got = GetRange(store, "k", range);
    REQUIRE(got.has_value());
    REQUIRE((*got == text.substr(range.offset, range.length)));
  }
  for (const ByteRange range : {ByteRange{size, 1}, ByteRange{0, size + 1}, ByteRange{size + 1, 0},
                                ByteRange{UINT64_MAX, 2}, ByteRange{2, UINT64_MAX}}) {
    CAPTURE(range.offset, range.length);
    REQUIRE(CodeOf(GetRange(store, "k", range)) == ErrorCode::kInvalidArgument);
  }
  REQUIRE(CodeOf(GetRange(store, "none", {0, 1})) == ErrorCode::kNotFound);
}

void SinkEndsTheGet(ObjectStore& store) {
  Put(store, "k", std::string(3 << 20, 'x'));
  int calls = 0;
  const auto refuse = [&](std::string_view) -> Result<> {
    ++calls;
    return Error{ErrorCode::kNoSpace, "no more"};
  };
  const auto got = store.Get("k", std::nullopt, refuse, {});
  REQUIRE(CodeOf(got) == ErrorCode::kNoSpace);
  REQUIRE(calls == 1);
  REQUIRE(CodeOf(GetText(store, "k", 1000, {})) == ErrorCode::kResourceExhausted);
}

class FailingSource final : public ObjectSource {
 public:
  uint64_t size_bytes() const override { return 4 << 20; }
  Result<> ReadAt(uint64_t offset, std::span<char> out) const override {
    if (offset + out.size() > (2U << 20U)) return Error{ErrorCode::kCorruption, "damaged"};
    std::fill(out.begin(), out.end(), 'y');
    return Ok();
  }
};

void SourceEndsThePut(ObjectStore& store) {
  Put(store, "k", "old");
  REQUIRE(CodeOf(store.Put("k", FailingSource(), {}, {})) == ErrorCode::kCorruption);
  REQUIRE(CodeOf(store.Put("new/k", FailingSource(), {}, {})) == ErrorCode::kCorruption);
  REQUIRE(Get(store, "k") == "old");
  REQUIRE(Keys(store) == Texts{"k"});
  REQUIRE(List(store, {.prefix = "", .start_after = "", .one_level = true}).prefixes.empty());
}

void EtagsDiffer(ObjectStore& store) {
  std::set<std::string> etags;
  for (int i = 0; i < 40; ++i) {
    const std::string text = std::to_string(100 + i);
    const ObjectInfo info = Put(store, "k", text);
    REQUIRE(etags.insert(info.etag).second);
    REQUIRE(Head(store, "k") == info);
    REQUIRE(List(store, {.prefix = "k", .start_after = ""}).objects ==
            std::vector<ObjectInfo>{info});
    if (i % 3 == 0) Delete(store, {"k"});
  }
}

// ----- conditions -----

void PutIfAbsent(ObjectStore& store) {
  Put(store, "a/k", "first", IfAbsent());
  REQUIRE(CodeOf(TryPut(store, "a/k", "second", IfAbsent())) == ErrorCode::kAlreadyExists);
  REQUIRE(Get(store, "a/k") == "first");
  Delete(store, {"a/k"});
  Put(store, "a/k", "third", IfAbsent());
  REQUIRE(Get(store, "a/k") == "third");
  REQUIRE(Keys(store) == Texts{"a/k"});
}

bool MayBeUnknown(ErrorCode code, Answers answers) {
  return answers == Answers::kMayGetLost && code == ErrorCode::kUnavailable;
}

// Of a put over an etag that is not the object's; asked again while nobody knows.
ErrorCode CodeOfStale(ObjectStore& store, Answers answers, const std::string& key,
                      const std::string& etag) {
  ErrorCode code = ErrorCode::kUnavailable;
  for (int i = 0; i == 0 || (i < 20 && MayBeUnknown(code, answers)); ++i) {
    code = CodeOf(TryPut(store, key, "3", IfMatch(etag)));
  }
  return code;
}

void PutIfMatch(ObjectStore& store, Answers answers) {
  const ObjectInfo first = Put(store, "a/k", "1");
  const ObjectInfo second = Put(store, "a/k", "2", IfMatch(first.etag));
  REQUIRE(CodeOfStale(store, answers, "a/k", first.etag) == ErrorCode::kFailedPrecondition);
  REQUIRE(CodeOfStale(store, answers, "a/k", "x") == ErrorCode::kFailedPrecondition);
  REQUIRE(CodeOfStale(store, answers, "a/k", "") == ErrorCode::kFailedPrecondition);
  REQUIRE(Get(store, "a/k") == "2");
  REQUIRE(Head(store, "a/k")->etag == second.etag);
  Delete(store, {"a/k"});
  REQUIRE(CodeOfStale(store, answers, "a/k", second.etag) == ErrorCode::kFailedPrecondition);
  REQUIRE(CodeOfStale(store, answers, "none", second.etag) == ErrorCode::kFailedPrecondition);
  REQUIRE(CodeOfStale(store, answers, "none", "") == ErrorCode::kFailedPrecondition);
  REQUIRE(Keys(store).empty());
}

constexpr int kRacers = 24;

void RaceIfAbsent(ObjectStore& store) {
  for (int round = 0; round < 5; ++round) {
    const std::string key = "race/" + std::to_string(round);
    std::atomic<int> ready{0};
    std::atomic<int> winners{0};
    std::atomic<int> winner{-1};
    std::atomic<int> odd{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kRacers; ++i) {
      threads.emplace_back([&, i] {
        const std::string text = "racer " + std::to_string(i);
        ++ready;
        while (ready < kRacers) std::this_thread::yield();
        const auto put = TryPut(store, key, text, IfAbsent());
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
    REQUIRE(Get(store, key) == "racer " + std::to_string(winner));
  }
}

// A counter that each racer raises with a compare and swap loses no step.
void RaceIfMatch(ObjectStore& store, Answers answers) {
  constexpr int kSteps = 4;
  Put(store, "count", "0:");
  std::atomic<int> odd{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kRacers; ++i) {
    threads.emplace_back([&, i] {
      for (int step = 0; step < kSteps;) {
        const auto head = store.Head("count", {});
        const auto text = GetText(store, "count", 1000, {});
        // It changed while it was read.
        if (!text && text.error().code == ErrorCode::kFailedPrecondition) continue;
        if (!head || !text) {
          ++odd;
          return;
        }
        // Stale when the object changed between the two; then the put must be refused. All steps
        // are in it: a racer whose answer was lost finds out whether its own was made.
        const std::string own = " " + std::to_string(i) + "." + std::to_string(step) + ";";
        if (text->find(own) != std::string::npos) {
          ++step;
          continue;
        }
        const std::string next = std::to_string(std::stoi(*text) + 1) +
                                 text->substr(text->find_first_not_of("0123456789")) + own;
        const auto put = TryPut(store, "count", next, IfMatch(head->etag));
        if (put.has_value()) {
          ++step;
        } else if (put.error().code != ErrorCode::kFailedPrecondition &&
                   !MayBeUnknown(put.error().code, answers)) {
          ++odd;
          return;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(odd == 0);
  REQUIRE(std::stoi(*Get(store, "count")) == kRacers * kSteps);
}

// Whoever reads sees one of the texts, whole.
void ReadersSeeWholeObjects(ObjectStore& store) {
  constexpr int kRounds = 30;
  const auto text_of = [](int i) {
    return std::string(100'000 + static_cast<size_t>(i) * 1000, static_cast<char>('a' + i % 26));
  };
  Put(store, "k", text_of(0));
  std::atomic<bool> done{false};
  std::atomic<int> odd{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      while (!done) {
        std::string text;
        const auto info = store.Get("k", std::nullopt,
                                    [&](std::string_view bytes) {
                                      text += bytes;
                                      return Ok();
                                    },
                                    {});
        const bool whole = info.has_value() && info->size_bytes == text.size() &&
                           text.find_first_not_of(text[0]) == std::string::npos &&
                           text_of(static_cast<int>((text.size() - 100'000) / 1000)) == text;
        // Of an object that changed while it was read a store may say so.
        const bool changed =
            !info.has_value() && info.error().code == ErrorCode::kFailedPrecondition;
        if (!whole && !changed) ++odd;
      }
    });
  }
  for (int i = 1; i < kRounds; ++i) Put(store, "k", text_of(i));
  done = true;
  for (std::thread& reader : readers) reader.join();
  REQUIRE(odd == 0);
  REQUIRE(Get(store, "k") == text_of(kRounds - 1));
}

// Folders come and go under racing puts and deletes; no put is lost.
void PutsRaceDeletes(ObjectStore& store) {
  constexpr int kThreads = 6;
  constexpr int kRounds = 15;
  std::mutex mutex;
  Texts odd;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string key = "x/y/z/" + std::to_string(t);
      const auto expect = [&](bool fine, const std::string& what) {
        const std::lock_guard lock(mutex);
        if (!fine) odd.push_back(what);
      };
      for (int i = 0; i < kRounds; ++i) {
        const std::string text = std::to_string(i);
        const auto put = TryPut(store, key, text);
        expect(put.has_value(), put.has_value() ? "" : put.error().ToString());
        const auto got = GetText(store, key, 100, {});
        expect(got.has_value() && *got == text, got.has_value() ? *got : got.error().ToString());
        const auto deleted = store.Delete(Texts{key}, {});
        expect(deleted.has_value(), deleted.has_value() ? "" : deleted.error().ToString());
        expect(!store.Head(key, {}).has_value(), key + " is there after its delete");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(odd == Texts{});
  REQUIRE(Keys(store).empty());
}

// ----- copy and delete -----

void CopyObjects(ObjectStore& store) {
  const std::string text = RandomText(3, 2 << 20);
  Put(store, "from", text);
  const auto copied = store.Copy("from", "to/deep/er", {});
  REQUIRE(copied.has_value());
  REQUIRE(copied->key == "to/deep/er");
  REQUIRE(copied->size_bytes == text.size());
  REQUIRE(Head(store, "to/deep/er") == *copied);
  REQUIRE((Get(store, "to/deep/er") == text));
  REQUIRE((Get(store, "from") == text));

  Put(store, "other", "other");
  REQUIRE(store.Copy("other", "to/deep/er", {}).has_value());
  REQUIRE(Get(store, "to/deep/er") == "other");
  REQUIRE(store.Copy("other", "other", {}).has_value());
  REQUIRE(Get(store, "other") == "other");
}

void CopiesAreIndependent(ObjectStore& store) {
  Put(store, "from", "one");
  REQUIRE(store.Copy("from", "to", {}).has_value());
  Put(store, "from", "two");
  REQUIRE(Get(store, "to") == "one");
  Delete(store, {"from"});
  REQUIRE(Get(store, "to") == "one");
}

void DeleteObjects(ObjectStore& store) {
  Put(store, "a/b/1", "1");
  Put(store, "a/b/2", "2");
  Put(store, "a/3", "3");
  Delete(store, {"a/b/1", "a/b/1", "none", "a/none/x", "a/b", "a/b/1/x"});
  REQUIRE(Keys(store) == Texts{"a/3", "a/b/2"});
  Delete(store, {"a/b/2"});
  REQUIRE(List(store, {.prefix = "a/", .start_after = "", .one_level = true}).prefixes.empty());
  // What was a folder may be a key, and the other way round.
  Put(store, "a/b", "now a key");
  Delete(store, {"a/3", "a/b"});
  Put(store, "a", "too");
  Delete(store, {});
  REQUIRE(Keys(store) == Texts{"a"});
}

void KeysBelowKeys(ObjectStore& store) {
  Put(store, "a/b", "x");
  for (const char* key : {"a", "a/b/c", "a/b/c/d"}) {
    CAPTURE(key);
    REQUIRE(CodeOf(TryPut(store, key, "y")) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(TryPut(store, key, "y", IfAbsent())) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(TryPut(store, key, "y", IfMatch("z"))) == ErrorCode::kFailedPrecondition);
    REQUIRE(CodeOf(store.Copy("a/b", key, {})) == ErrorCode::kInvalidArgument);
  }
  REQUIRE(Keys(store) == Texts{"a/b"});
  REQUIRE(Get(store, "a/b") == "x");
}

// ----- lists -----

// Sorted as bytes, not as folders: '-' and '.' come before '/', digits after it.
const Texts kListed = {"a",   "b-/1", "b.x",     "b/1",    "b/2/x",     "b/2/y",
                       "b/3", "b0",   "c/d/e/f", "c/d/e0", "\xc3\xa4/1"};

void FillForLists(ObjectStore& store) {
  for (auto key = kListed.rbegin(); key != kListed.rend(); ++key) Put(store, *key, *key);
}

void ListsAreOrdered(ObjectStore& store) {
  REQUIRE(List(store, {.prefix = "", .start_after = ""}).objects.empty());
  REQUIRE_FALSE(List(store, {.prefix = "", .start_after = ""}).next.has_value());
  FillForLists(store);
  const ListPage page = List(store, {.prefix = "", .start_after = ""});
  REQUIRE(KeysOf(page) == kListed);
  REQUIRE(page.prefixes.empty());
  REQUIRE_FALSE(page.next.has_value());
  for (const ObjectInfo& object : page.objects) REQUIRE(Head(store, object.key) == object);
}

void ListsByPrefix(ObjectStore& store) {
  FillForLists(store);
  const Texts prefixes = {"",      "a",  "b",   "b/",   "b/2", "b/2/", "b/2/x", "b/2/x/",  "b-",
                          "c/d/e", "c/", "zzz", "../x", "/",   "b//",  "a/",    "\xc3\xa4"};
  for (const std::string& prefix : prefixes) {
    CAPTURE(prefix);
    Texts expected;
    for (const std::string& key : kListed) {
      if (key.starts_with(prefix)) expected.push_back(key);
    }
    REQUIRE(KeysOf(List(store, {.prefix = prefix, .start_after = ""})) == expected);
  }
}

void ListsOneLevel(ObjectStore& store) {
  FillForLists(store);
  const auto look = [&](std::string prefix) {
    return List(store, {.prefix = std::move(prefix), .start_after = "", .one_level = true});
  };
  REQUIRE(KeysOf(look("")) == Texts{"a", "b.x", "b0"});
  REQUIRE(look("").prefixes == Texts{"b-/", "b/", "c/", "\xc3\xa4/"});
  REQUIRE(KeysOf(look("b")) == Texts{"b.x", "b0"});
  REQUIRE(look("b").prefixes == Texts{"b-/", "b/"});
  REQUIRE(KeysOf(look("b/")) == Texts{"b/1", "b/3"});
  REQUIRE(look("b/").prefixes == Texts{"b/2/"});
  REQUIRE(look("c/d").prefixes == Texts{"c/d/"});
  REQUIRE(KeysOf(look("c/d/")) == Texts{"c/d/e0"});
  REQUIRE(look("c/d/").prefixes == Texts{"c/d/e/"});
}

// The items of a request, keys and prefixes in one order, taken `limit` at a time.
Texts AllPages(ObjectStore& store, ListRequest request) {
  Texts items;
  while (true) {
    const ListPage page = List(store, request);
    Texts some = KeysOf(page);
    some.insert(some.end(), page.prefixes.begin(), page.prefixes.end());
    std::sort(some.begin(), some.end());
    REQUIRE(some.size() <= request.limit);
    items.insert(items.end(), some.begin(), some.end());
    if (!page.next.has_value()) return items;
    REQUIRE(some.size() == request.limit);
    request.start_after = *page.next;
  }
}

Texts ExpectedItems(const ListRequest& request) {
  std::set<std::string> items;
  for (const std::string& key : kListed) {
    if (!key.starts_with(request.prefix)) continue;
    const size_t slash =
        request.one_level ? key.find('/', request.prefix.size()) : std::string::npos;
    const std::string item = slash == std::string::npos ? key : key.substr(0, slash + 1);
    if (item > request.start_after) items.insert(item);
  }
  return {items.begin(), items.end()};
}

void ListsInPages(ObjectStore& store) {
  FillForLists(store);
  Texts starts = {"", "b", "b/", "b/2", "b/2/", "b/2/xx", "b/9", "b/~", "zzz", "c/d/e/"};
  starts.insert(starts.end(), kListed.begin(), kListed.end());
  for (const bool one_level : {false, true}) {
    for (const char* prefix : {"", "b", "b/", "c/d/"}) {
      for (const std::string& start : starts) {
        for (const size_t limit : {1, 2, 3, 100}) {
          CAPTURE(one_level, prefix, start, limit);
          const ListRequest request{prefix, start, one_level, limit};
          REQUIRE(AllPages(store, request) == ExpectedItems(request));
        }
      }
    }
  }
}

void ListRefusals(ObjectStore& store) {
  const auto code = [&](const ListRequest& request) { return CodeOf(store.List(request, {})); };
  REQUIRE(code({"", "", false, 0}) == ErrorCode::kInvalidArgument);
  REQUIRE(code({std::string(kKeyBytesMax + 1, 'x'), "", false, 1}) == ErrorCode::kInvalidArgument);
  REQUIRE(code({std::string("a\0b", 3), "", false, 1}) == ErrorCode::kInvalidArgument);
  REQUIRE(code({"", "\xff", false, 1}) == ErrorCode::kInvalidArgument);
}

void ListsCutTheLimit(ObjectStore& store) {
  constexpr size_t kThreads = 16;  // so that a disk can sync for many at once
  std::atomic<size_t> next{0};
  std::atomic<int> odd{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (size_t i = next++; i < kListLimitMax + 1; i = next++) {
        const std::string key = "many/" + std::to_string(10'000 + i);
        if (!TryPut(store, key, "x").has_value()) ++odd;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(odd == 0);
  const ListPage page = List(store, {.prefix = "", .start_after = "", .limit = 10 * kListLimitMax});
  REQUIRE(page.objects.size() == kListLimitMax);
  REQUIRE(page.next == page.objects.back().key);
  REQUIRE(Keys(store).size() == kListLimitMax + 1);
  int visited = 0;
  const auto visit = [&](const ObjectInfo&) { return ++visited < 10; };
  REQUIRE(ListAll(store, {.prefix = "", .start_after = ""}, visit, {}).has_value());
  REQUIRE(visited == 10);
}

// ----- keys -----

void RefusesHostileKeys(ObjectStore& store) {
  Put(store, "good", "x");
  for (const std::string& key : HostileKeys()) {
    CAPTURE(key);
    constexpr ErrorCode kRefused = ErrorCode::kInvalidArgument;
    REQUIRE(CodeOf(TryPut(store, key, "y")) == kRefused);
    REQUIRE(CodeOf(TryPut(store, key, "y", IfAbsent())) == kRefused);
    REQUIRE(CodeOf(store.Head(key, {})) == kRefused);
    REQUIRE(CodeOf(GetText(store, key, 10, {})) == kRefused);
    REQUIRE(CodeOf(store.Copy(key, "to", {})) == kRefused);
    REQUIRE(CodeOf(store.Copy("good", key, {})) == kRefused);
    // Before anything is deleted.
    const Texts keys{"good", key};
    REQUIRE(CodeOf(store.Delete(keys, {})) == kRefused);
  }
  REQUIRE(Keys(store) == Texts{"good"});
}

void TakesOddKeys(ObjectStore& store) {
  Texts odd = {" ",
               "a b",
               "back\\slash",
               "*?[x]",
               "%2e%2e",
               "...",
               "-",
               "~",
               "a'\"$`;|&",
               "C:",
               "x.tmp",
               ".hidden",
               "a/.ficus-tmp/b",
               ".ficus-tmpx",
               "\xc3\xa4",
               "\xf0\x9f\x8c\xb3"};
  odd.push_back(std::string(kKeyPieceBytesMax, 'p'));
  std::string longest = std::string(kKeyPieceBytesMax, 'q');
  while (longest.size() + 1 + kKeyPieceBytesMax <= kKeyBytesMax) {
    longest += "/" + std::string(kKeyPieceBytesMax, 'q');
  }
  longest += "/" + std::string(kKeyBytesMax - longest.size() - 1, 'q');
  REQUIRE(longest.size() == kKeyBytesMax);
  odd.push_back(longest);
  for (const std::string& key : odd) Put(store, key, key);
  std::sort(odd.begin(), odd.end());
  REQUIRE(Keys(store) == odd);
  for (const std::string& key : odd) REQUIRE(Get(store, key) == key);
  Delete(store, odd);
  REQUIRE(Keys(store).empty());
}

// ----- stop -----

void StopsBefore(ObjectStore& store) {
  Put(store, "k", "old");
  std::stop_source source;
  source.request_stop();
  const std::stop_token stop = source.get_token();
  constexpr ErrorCode kStopped = ErrorCode::kCancelled;
  REQUIRE(CodeOf(store.Put("k", TextSource("new"), {}, stop)) == kStopped);
  REQUIRE(CodeOf(GetText(store, "k", 10, stop)) == kStopped);
  REQUIRE(CodeOf(store.Head("k", stop)) == kStopped);
  REQUIRE(CodeOf(store.Copy("k", "to", stop)) == kStopped);
  const Texts keys{"k"};
  REQUIRE(CodeOf(store.Delete(keys, stop)) == kStopped);
  REQUIRE(CodeOf(store.List({.prefix = "", .start_after = ""}, stop)) == kStopped);
  REQUIRE(Get(store, "k") == "old");
  REQUIRE(Keys(store) == Texts{"k"});
}

// Requests the stop itself, after a part was read.
class StoppingSource final : public ObjectSource {
 public:
  explicit StoppingSource(std::stop_source& stop) : stop_(stop) {}
  uint64_t size_bytes() const override { return 8 << 20; }
  Result<> ReadAt(uint64_t offset, std::span<char> out) const override {
    if (offset >= (4U << 20U)) stop_.request_stop();
    std::fill(out.begin(), out.end(), 'n');
    return Ok();
  }

 private:
  std::stop_source& stop_;
};

void StopsMidway(ObjectStore& store) {
  const std::string old_text(3 << 20, 'o');
  Put(store, "k", old_text);
  std::stop_source put_stop;
  const auto put = store.Put("k", StoppingSource(put_stop), {}, put_stop.get_token());
  REQUIRE(CodeOf(put) == ErrorCode::kCancelled);
  REQUIRE((Get(store, "k") == old_text));
  REQUIRE(Keys(store) == Texts{"k"});

  std::stop_source get_stop;
  size_t got = 0;
  const auto take = [&](std::string_view bytes) {
    got += bytes.size();
    get_stop.request_stop();
    return Ok();
  };
  REQUIRE(CodeOf(store.Get("k", std::nullopt, take, get_stop.get_token())) ==
          ErrorCode::kCancelled);
  REQUIRE(got < old_text.size());
}

void HasANameAndAbilities(ObjectStore& store) {
  REQUIRE(store.url().find("://") != std::string::npos);
  REQUIRE(store.abilities().conditional_put);
  REQUIRE(store.abilities().copy);
}

}  // namespace

std::vector<std::string> HostileKeys() {
  Texts keys = {"",          ".",          "..",          "/",        "/etc/passwd",  "a/",
                "a//b",      "//",         "../x",        "a/../x",   "a/..",         "a/./b",
                "./a",       "a/.",        "a\nb",        "a\tb",     "a\x7f",        "\x01",
                "a/\x1b[0m", "\xff",       "a\xc3",       "\xc0\xaf", "\xed\xa0\x80", "a\xc2\x85",
                "\xe2\x82",  ".ficus-tmp", ".ficus-tmp/x"};
  keys.push_back(std::string("a\0b", 3));
  keys.push_back(std::string("..\0", 3));
  keys.push_back(std::string(1, '\0'));
  keys.push_back(std::string(kKeyPieceBytesMax + 1, 'x'));
  keys.push_back("a/" + std::string(kKeyPieceBytesMax + 1, 'x') + "/b");
  std::string deep = "d";
  while (deep.size() <= kKeyBytesMax) deep += "/d";
  keys.push_back(deep);
  keys.push_back(std::string(100'000, 'x'));
  return keys;
}

std::vector<StoreCase> StoreCases(Answers answers) {
  return {
      {"what was put is got, whole, with the same size and etag", PutThenGet},
      {"what is not there is not found", MissingObjects},
      {"ranges", Ranges},
      {"an error of the sink ends the get", SinkEndsTheGet},
      {"an error of the source ends the put and the object stays the old one", SourceEndsThePut},
      {"etags differ between contents, also of an object deleted in between", EtagsDiffer},
      {"a put if absent replaces nothing", PutIfAbsent},
      {"a put if match replaces what it names and nothing else",
       [answers](ObjectStore& store) { PutIfMatch(store, answers); }},
      {"of 24 racing puts if absent exactly one wins", RaceIfAbsent},
      {"a counter raised by racing puts if match loses no step",
       [answers](ObjectStore& store) { RaceIfMatch(store, answers); }},
      {"readers see whole objects while they are replaced", ReadersSeeWholeObjects},
      {"puts and deletes in one folder do not disturb each other", PutsRaceDeletes},
      {"a copy replaces", CopyObjects},
      {"a copy lives on its own", CopiesAreIndependent},
      {"deleting, also what is not there", DeleteObjects},
      {"a key below a key is refused", KeysBelowKeys},
      {"lists are in bytewise order", ListsAreOrdered},
      {"lists by prefix", ListsByPrefix},
      {"lists of one level", ListsOneLevel},
      {"lists in pages, from any start", ListsInPages},
      {"lists that make no sense are refused", ListRefusals},
      {"a page has a bound", ListsCutTheLimit},
      {"hostile keys are refused by every call", RefusesHostileKeys},
      {"odd keys are taken", TakesOddKeys},
      {"a call that is stopped already does nothing", StopsBefore},
      {"a stop ends a put and a get midway", StopsMidway},
      {"a store has a name and abilities", HasANameAndAbilities},
  };
}

}  // namespace ficus
