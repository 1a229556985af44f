#include "server/backup/retention.h"

#include <algorithm>
#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

constexpr UnixNanos kMidnight = 1'795'132'800'000'000'000;  // Friday, 2026-11-20T00:00:00Z
constexpr int64_t kNanosPerYear = 365 * kNanosPerDay;

BackupFact Fact(UnixNanos taken_at) {
  BackupFact fact;
  fact.timedir = TimedirName(TimeStyle::kHourly, UtcCivilHour(taken_at));
  fact.taken_at = taken_at;
  return fact;
}

std::vector<KeepDecision> Decide(const std::vector<BackupFact>& facts, const KeepRule& rule) {
  UnixNanos now = kMidnight;
  for (const BackupFact& fact : facts) now = std::max(now, fact.taken_at);
  return DecideRetention(facts, rule, {}, {now, false, false}).value();
}

std::vector<std::string> Kept(const std::vector<KeepDecision>& decisions) {
  std::vector<std::string> kept;
  for (const KeepDecision& each : decisions) {
    if (each.keep) kept.push_back(each.timedir);
  }
  return kept;
}

KeepRule Rule(uint32_t hourly, uint32_t daily, uint32_t weekly, uint32_t monthly, uint32_t min) {
  KeepRule rule;
  rule.hourly = hourly;
  rule.daily = daily;
  rule.weekly = weekly;
  rule.monthly = monthly;
  rule.min = min;
  return rule;
}

TEST_CASE("a rule keeps the newest of each of the last periods that have a backup", "[backup]") {
  std::vector<BackupFact> facts;
  for (int hour = 0; hour < 72; hour += 6) facts.push_back(Fact(kMidnight + hour * kNanosPerHour));
  REQUIRE(Kept(Decide(facts, Rule(0, 2, 0, 0, 0))) ==
          std::vector<std::string>{"2026-11-21-18", "2026-11-22-18"});
  REQUIRE(Kept(Decide(facts, Rule(3, 0, 0, 0, 0))) ==
          std::vector<std::string>{"2026-11-22-06", "2026-11-22-12", "2026-11-22-18"});
  // Friday, Saturday and Sunday are one week; Monday begins the next.
  facts.push_back(Fact(kMidnight + 3 * kNanosPerDay));
  REQUIRE(Kept(Decide(facts, Rule(0, 0, 2, 0, 0))) ==
          std::vector<std::string>{"2026-11-22-18", "2026-11-23-00"});
  facts.push_back(Fact(kMidnight + 20 * kNanosPerDay));
  REQUIRE(Kept(Decide(facts, Rule(0, 0, 0, 5, 0))) ==
          std::vector<std::string>{"2026-11-23-00", "2026-12-10-00"});
}

TEST_CASE("a rule counts for each scope by itself", "[backup][scope]") {
  std::vector<BackupFact> facts;
  for (int day = 0; day < 6; ++day) {
    facts.push_back(Fact(kMidnight - day * kNanosPerDay));
    facts.back().scope = day < 3 ? "groups sw_*" : "node";
  }
  REQUIRE(Kept(Decide(facts, Rule(0, 2, 0, 0, 0))) ==
          std::vector<std::string>{facts[0].timedir, facts[1].timedir, facts[3].timedir,
                                   facts[4].timedir});
}

TEST_CASE("each decision has a reason", "[backup]") {
  std::vector<BackupFact> facts;
  for (int day = 0; day < 8; ++day) facts.push_back(Fact(kMidnight + day * kNanosPerDay));
  facts[0].verified = true;
  facts[1].held = true;
  facts[2].foreign = true;
  facts[3].unfinished = true;
  facts[6].degraded = true;
  const std::vector<KeepDecision> decisions = Decide(facts, Rule(0, 3, 0, 0, 1));
  std::vector<std::string> reasons;
  for (const KeepDecision& each : decisions) reasons.push_back(each.reason);
  REQUIRE(reasons == std::vector<std::string>{
                         "the last verified one", "held by a restore", "not committed by this node",
                         "a run writes there, or none has committed",
                         "newest of the day of 2026-11-24-00", "newest of the day of 2026-11-25-00",
                         "nothing better of the day of 2026-11-26-00",
                         "newest of the day of 2026-11-27-00"});
}

TEST_CASE("without any rule nothing goes", "[backup]") {
  std::vector<BackupFact> facts = {Fact(kMidnight), Fact(kMidnight + kNanosPerHour)};
  REQUIRE(Kept(Decide(facts, {})).size() == 2);
}

TEST_CASE("the periods are those of the schedule's zone", "[backup]") {
  // 23:00 and 01:00 UTC are two days, in a zone two hours ahead one.
  const std::vector<BackupFact> facts = {Fact(kMidnight - kNanosPerHour),
                                         Fact(kMidnight + kNanosPerHour)};
  const CivilTime ahead = [](UnixNanos time) { return UtcCivilHour(time + 2 * kNanosPerHour); };
  const RetentionClock clock{kMidnight + kNanosPerDay, false, false};
  REQUIRE(Kept(DecideRetention(facts, Rule(0, 5, 0, 0, 0), {}, clock).value()).size() == 2);
  REQUIRE(Kept(DecideRetention(facts, Rule(0, 5, 0, 0, 0), ahead, clock).value()) ==
          std::vector<std::string>{"2026-11-20-01"});
}

TEST_CASE("a clock that jumped suspends until somebody confirms the time", "[backup]") {
  const std::vector<BackupFact> facts = {Fact(kMidnight), Fact(kMidnight + kNanosPerDay)};
  const KeepRule rule = Rule(0, 1, 0, 0, 0);
  const auto code = [&](const RetentionClock& clock) {
    return DecideRetention(facts, rule, {}, clock).error().code;
  };
  const UnixNanos now = kMidnight + kNanosPerDay;
  REQUIRE(code({now, true, false}) == ErrorCode::kFailedPrecondition);
  REQUIRE(code({now - kClockToleranceNanos - 1, false, false}) == ErrorCode::kFailedPrecondition);
  REQUIRE(code({now - 10 * kNanosPerYear, false, false}) == ErrorCode::kFailedPrecondition);
  REQUIRE(DecideRetention(facts, rule, {}, {now - kClockToleranceNanos, false, false}));
  REQUIRE(DecideRetention(facts, rule, {}, {now - 10 * kNanosPerYear, true, true}));
}

// Random histories: backups every so often, some degraded, damaged, held, verified, unfinished or
// foreign; now and then the clock jumps by up to ten years in either direction.
class History {
 public:
  explicit History(uint64_t seed) : random_(seed) {
    UnixNanos time = kMidnight;
    const uint64_t count = random_.Below(60);
    const int64_t step = One(3) ? kNanosPerHour / 2 : One(2) ? kNanosPerHour * 5 : kNanosPerDay * 3;
    std::set<std::string> names;
    for (uint64_t i = 0; i < count; ++i) {
      time += static_cast<int64_t>(random_.Below(static_cast<uint64_t>(2 * step)));
      if (One(40)) time += Jump();
      BackupFact fact = Fact(time);
      if (!names.insert(fact.timedir).second) continue;
      fact.degraded = One(8);
      fact.damaged = One(10);
      fact.verified = !fact.degraded && !fact.damaged && One(3);
      fact.held = One(15);
      fact.unfinished = One(15);
      fact.foreign = One(20);
      facts.push_back(fact);
    }
    now = time + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(step)));
    if (One(10)) now += Jump();
    stepped = One(10);
    rule = Rule(Count(), Count(), Count(), Count(), Count());
  }

  bool One(uint64_t in) { return random_.Below(in) == 0; }
  int64_t Jump() {
    return static_cast<int64_t>(random_.Below(static_cast<uint64_t>(20 * kNanosPerYear))) -
           10 * kNanosPerYear;
  }
  uint32_t Count() { return One(2) ? 0 : static_cast<uint32_t>(random_.Below(9)); }

  std::vector<BackupFact> facts;
  KeepRule rule;
  UnixNanos now = 0;
  bool stepped = false;

 private:
  SeededRandom random_;
};

bool IsOurs(const BackupFact& fact) { return !fact.foreign && !fact.unfinished; }
bool IsSound(const BackupFact& fact) { return IsOurs(fact) && !fact.degraded && !fact.damaged; }

std::string HourText(const BackupFact& fact) {
  return TimedirName(TimeStyle::kHourly, UtcCivilHour(fact.taken_at));
}
std::string DayText(const BackupFact& fact) { return HourText(fact).substr(0, 10); }
std::string MonthText(const BackupFact& fact) { return HourText(fact).substr(0, 7); }
// The date of the week's Monday; 1970-01-05 was one.
std::string WeekText(const BackupFact& fact) {
  int64_t days = fact.taken_at / kNanosPerDay - 4;
  if (fact.taken_at % kNanosPerDay < 0) --days;
  const int64_t into = ((days % 7) + 7) % 7;
  return DayText(Fact((days - into + 4) * kNanosPerDay));
}

// Newest first.
std::vector<size_t> ByTime(const std::vector<BackupFact>& facts) {
  std::vector<size_t> order;
  for (size_t i = 0; i < facts.size(); ++i) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (facts[a].taken_at != facts[b].taken_at) return facts[a].taken_at > facts[b].taken_at;
    return facts[a].timedir > facts[b].timedir;
  });
  return order;
}

// What the four period rules and `min` ask for, said in another way: for each sound backup, count
// the periods that are later and have a sound backup.
std::set<size_t> Wanted(const std::vector<BackupFact>& facts, const KeepRule& rule) {
  using Name = std::string (*)(const BackupFact&);
  const std::vector<std::pair<Name, uint32_t>> periods = {{HourText, rule.hourly},
                                                          {DayText, rule.daily},
                                                          {WeekText, rule.weekly},
                                                          {MonthText, rule.monthly}};
  std::set<size_t> wanted;
  for (size_t i = 0; i < facts.size(); ++i) {
    if (!IsSound(facts[i])) continue;
    size_t newer = 0;
    for (const auto& [name, count] : periods) {
      std::set<std::string> later;
      bool is_newest = true;
      for (size_t k = 0; k < facts.size(); ++k) {
        if (k == i || !IsSound(facts[k])) continue;
        const bool is_later = std::make_pair(facts[k].taken_at, facts[k].timedir) >
                              std::make_pair(facts[i].taken_at, facts[i].timedir);
        if (!is_later) continue;
        if (name(facts[k]) == name(facts[i])) is_newest = false;
        later.insert(name(facts[k]));
      }
      if (is_newest && later.size() < count) wanted.insert(i);
    }
    for (size_t k = 0; k < facts.size(); ++k) {
      if (k != i && IsSound(facts[k]) &&
          std::make_pair(facts[k].taken_at, facts[k].timedir) >
              std::make_pair(facts[i].taken_at, facts[i].timedir)) {
        ++newer;
      }
    }
    if (newer < rule.min) wanted.insert(i);
  }
  uint32_t verified = 0;
  for (const size_t i : ByTime(facts)) {
    if (IsSound(facts[i]) && facts[i].verified && verified++ < std::max<uint32_t>(rule.min, 1)) {
      wanted.insert(i);
    }
  }
  return wanted;
}

TEST_CASE("in ten thousand random histories no rule is broken", "[backup]") {
  const uint64_t first = TestSeed(1);
  size_t suspended = 0;
  size_t removed = 0;
  for (uint64_t seed = first; seed < first + 10'000; ++seed) {
    CAPTURE(seed);
    const History history(seed);
    const std::vector<BackupFact>& facts = history.facts;
    const KeepRule& rule = history.rule;
    bool is_ahead = false;
    for (const BackupFact& fact : facts) {
      if (fact.taken_at > history.now + kClockToleranceNanos) is_ahead = true;
    }
    const auto guarded = DecideRetention(facts, rule, {}, {history.now, history.stepped, false});
    REQUIRE(guarded.has_value() == !(history.stepped || is_ahead));
    if (!guarded) ++suspended;

    const std::vector<KeepDecision> decisions =
        DecideRetention(facts, rule, {}, {history.now, history.stepped, true}).value();
    if (guarded) REQUIRE(Kept(*guarded) == Kept(decisions));
    REQUIRE(decisions.size() == facts.size());
    const std::set<size_t> wanted = Wanted(facts, rule);
    size_t sound = 0;
    size_t sound_kept = 0;
    size_t verified = 0;
    size_t verified_kept = 0;
    std::vector<BackupFact> left;
    for (size_t i = 0; i < facts.size(); ++i) {
      const BackupFact& fact = facts[i];
      const KeepDecision& decision = decisions[i];
      REQUIRE(decision.timedir == fact.timedir);
      REQUIRE_FALSE(decision.reason.empty());
      if (fact.held || !IsOurs(fact)) REQUIRE(decision.keep);
      if (rule.KeepsAll()) REQUIRE(decision.keep);
      if (IsSound(fact)) {
        ++sound;
        sound_kept += decision.keep ? 1 : 0;
        verified += fact.verified ? 1 : 0;
        verified_kept += fact.verified && decision.keep ? 1 : 0;
        if (!rule.KeepsAll()) {
          REQUIRE(decision.keep == (wanted.count(i) > 0 || fact.held));
        }
      }
      if (decision.keep) left.push_back(fact);
      removed += decision.keep ? 0 : 1;
    }
    REQUIRE(sound_kept >= std::min<size_t>(sound, rule.min));
    REQUIRE(verified_kept >= std::min<size_t>(verified, std::max<uint32_t>(rule.min, 1)));

    // What is unsound displaces nothing: without it the others fare the same.
    std::vector<BackupFact> ours;
    for (const BackupFact& fact : facts) {
      if (IsSound(fact)) ours.push_back(fact);
    }
    const auto alone = DecideRetention(ours, rule, {}, {history.now, false, true}).value();
    size_t next = 0;
    for (size_t i = 0; i < facts.size(); ++i) {
      if (IsSound(facts[i])) REQUIRE(decisions[i].keep == alone[next++].keep);
    }
    // Asked again about what is left, it lets no sound one go.
    const auto again = DecideRetention(left, rule, {}, {history.now, false, true}).value();
    for (size_t i = 0; i < left.size(); ++i) {
      if (IsSound(left[i])) REQUIRE(again[i].keep);
    }
  }
  REQUIRE(suspended > 500);
  REQUIRE(removed > 20'000);
}

}  // namespace
}  // namespace ficus
