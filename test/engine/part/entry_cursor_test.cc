#include "engine/part/entry_cursor.h"

#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/base/random.h"
#include "engine/part/entry_table.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

using Entries = std::vector<SeriesEntry>;

Entries Drained(EntryCursor& cursor) {
  Entries entries;
  for (SeriesEntry entry;;) {
    const auto found = cursor.Next(entry);
    REQUIRE(found.has_value());
    if (!*found) return entries;
    entries.push_back(entry);
  }
}

Entries Merged(const std::vector<Entries>& inputs, TwoEntities two_entities) {
  EntryCursors cursors;
  for (const Entries& input : inputs) cursors.push_back(CursorOver(input));
  return Drained(*MergeEntries(std::move(cursors), two_entities));
}

// Gives one entry and fails.
class Failing final : public EntryCursor {
 public:
  Result<bool> Next(SeriesEntry& entry) override {
    if (given_) return Error{ErrorCode::kIo, "gone"};
    given_ = true;
    entry = {SubjectId(1), SeriesId(5), "a"};
    return true;
  }

 private:
  bool given_ = false;
};

}  // namespace

TEST_CASE("the union of entries is that of a map, whatever the inputs", "[part]") {
  SeededRandom random(TestSeed(1));
  for (int round = 0; round < 50; ++round) {
    std::vector<Entries> inputs(random.Below(6));
    std::map<SeriesKey, std::string> model;
    for (Entries& input : inputs) {
      std::map<SeriesKey, std::string> some;
      for (uint64_t n = random.Below(40); n > 0; --n) {
        const SeriesKey key = {SubjectId(random.Below(3)), SeriesId(random.Below(30))};
        some[key] = std::to_string(random.Below(3));
      }
      for (const auto& [key, entity] : some) {
        input.push_back({key.subject, key.series, entity});
        model.emplace(key, entity);  // the oldest stays
      }
    }
    const Entries merged = Merged(inputs, TwoEntities::kSilent);
    REQUIRE(merged.size() == model.size());
    auto wanted = model.begin();
    for (const SeriesEntry& entry : merged) {
      REQUIRE(KeyOf(entry) == wanted->first);
      REQUIRE(entry.entity == wanted->second);
      ++wanted;
    }
  }
}

TEST_CASE("a second entity is logged where that is wanted, the same one again never is", "[part]") {
  const Entries older = {{SubjectId(1), SeriesId(5), "a"}, {SubjectId(1), SeriesId(6), "b"}};
  const Entries newer = {{SubjectId(1), SeriesId(5), "x"}, {SubjectId(1), SeriesId(6), "b"}};
  LogCapture log;
  REQUIRE(Merged({older, newer}, TwoEntities::kSilent) == older);
  REQUIRE(log.lines().empty());
  REQUIRE(Merged({older, newer}, TwoEntities::kLogged) == older);
  REQUIRE(log.Count("series.collision") == 1);
  REQUIRE(log.lines().size() == 1);
}

TEST_CASE("an input that fails ends the union", "[part]") {
  const Entries good = {{SubjectId(1), SeriesId(4), "a"}};
  EntryCursors cursors;
  cursors.push_back(CursorOver(good));
  cursors.push_back(std::make_unique<Failing>());
  const auto merged = MergeEntries(std::move(cursors), TwoEntities::kLogged);
  SeriesEntry entry;
  REQUIRE(merged->Next(entry).value());
  REQUIRE(entry == good[0]);
  REQUIRE(merged->Next(entry).error().code == ErrorCode::kIo);
}

}  // namespace ficus
