#include "server/backup/retention.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

namespace ficus {
namespace {

// A bucket of time: equal for two backups of the same hour, day, week or month; later ones are
// greater.
using Bucket = int64_t;

int64_t DayNumber(const CivilHour& time) {
  const std::chrono::year_month_day date{std::chrono::year{time.year},
                                         std::chrono::month{static_cast<unsigned>(time.month)},
                                         std::chrono::day{static_cast<unsigned>(time.day)}};
  return std::chrono::sys_days{date}.time_since_epoch().count();
}

Bucket HourOf(const CivilHour& time) { return DayNumber(time) * 24 + time.hour; }
Bucket DayOf(const CivilHour& time) { return DayNumber(time); }
// Day 0 was a Thursday; weeks begin on Monday.
Bucket WeekOf(const CivilHour& time) {
  const int64_t days = DayNumber(time) + 3;
  return days >= 0 ? days / 7 : -((6 - days) / 7);
}
Bucket MonthOf(const CivilHour& time) { return int64_t{time.year} * 12 + time.month; }

struct PeriodRule {
  const char* name;
  uint32_t count;
  Bucket (*bucket)(const CivilHour&);
};

bool IsOurs(const BackupFact& fact) {
  return !fact.foreign && !fact.unfinished && fact.unread.empty();
}
bool IsSound(const BackupFact& fact) { return IsOurs(fact) && !fact.degraded && !fact.damaged; }

// Decides for the facts of one scope.
class Retention {
 public:
  Retention(const std::vector<BackupFact>& facts, const CivilTime& civil_time) : facts_(facts) {
    reasons_.resize(facts.size());
    for (size_t i = 0; i < facts.size(); ++i) {
      civil_.push_back(civil_time ? civil_time(facts[i].taken_at)
                                  : UtcCivilHour(facts[i].taken_at));
      newest_first_.push_back(i);
    }
    std::sort(newest_first_.begin(), newest_first_.end(), [&](size_t a, size_t b) {
      if (facts_[a].taken_at != facts_[b].taken_at) return facts_[a].taken_at > facts_[b].taken_at;
      return facts_[a].timedir > facts_[b].timedir;
    });
  }

  void KeepUntouchables() {
    for (size_t i = 0; i < facts_.size(); ++i) {
      if (facts_[i].foreign) Keep(i, "not committed by this node");
      if (facts_[i].unfinished) Keep(i, "a run writes there, or none has committed");
      if (facts_[i].held) Keep(i, "held by a restore");
      if (!facts_[i].unread.empty()) Keep(i, facts_[i].unread);
    }
  }

  void KeepEverything(const char* reason) {
    for (size_t i = 0; i < facts_.size(); ++i) Keep(i, reason);
  }

  void KeepNewest(uint32_t sound_min) {
    uint32_t sound = 0;
    uint32_t verified = 0;
    const uint32_t verified_min = std::max<uint32_t>(sound_min, 1);
    for (const size_t i : newest_first_) {
      if (!IsSound(facts_[i])) continue;
      if (sound++ < sound_min) Keep(i, fmt::format("one of the newest {}", sound_min));
      if (!facts_[i].verified) continue;
      if (verified++ < verified_min) {
        Keep(i, verified_min == 1
                    ? std::string("the last verified one")
                    : fmt::format("one of the newest {} verified ones", verified_min));
      }
    }
  }

  void KeepPeriods(const PeriodRule& rule) {
    if (rule.count == 0) return;
    const std::set<Bucket> sound = KeepSound(rule);
    KeepUnsound(rule, sound);
  }

  std::vector<KeepDecision> Decisions() const {
    std::vector<KeepDecision> decisions;
    for (size_t i = 0; i < facts_.size(); ++i) {
      const bool keep = !reasons_[i].empty();
      decisions.push_back({facts_[i].timedir, keep, keep ? reasons_[i] : "no rule keeps it"});
    }
    return decisions;
  }

 private:
  // The first reason is the one that is shown.
  void Keep(size_t i, std::string reason) {
    if (reasons_[i].empty()) reasons_[i] = std::move(reason);
  }

  std::string NameOf(size_t i) const { return TimedirName(TimeStyle::kHourly, civil_[i]); }

  std::set<Bucket> KeepSound(const PeriodRule& rule) {
    std::set<Bucket> buckets;
    for (const size_t i : newest_first_) {
      if (!IsSound(facts_[i])) continue;
      const Bucket bucket = rule.bucket(civil_[i]);
      if (buckets.count(bucket) > 0) continue;
      if (buckets.size() == rule.count) break;
      buckets.insert(bucket);
      Keep(i, fmt::format("newest of the {} of {}", rule.name, NameOf(i)));
    }
    return buckets;
  }

  void KeepUnsound(const PeriodRule& rule, const std::set<Bucket>& sound) {
    std::set<Bucket> buckets;
    const bool is_full = sound.size() == rule.count;
    for (const size_t i : newest_first_) {
      if (!IsOurs(facts_[i]) || IsSound(facts_[i])) continue;
      const Bucket bucket = rule.bucket(civil_[i]);
      if (sound.count(bucket) > 0 || buckets.count(bucket) > 0) continue;
      if (buckets.size() == rule.count || (is_full && bucket < *sound.begin())) break;
      buckets.insert(bucket);
      Keep(i, fmt::format("nothing better of the {} of {}", rule.name, NameOf(i)));
    }
  }

  const std::vector<BackupFact>& facts_;
  std::vector<CivilHour> civil_;
  std::vector<size_t> newest_first_;
  std::vector<std::string> reasons_;
};

Result<> CheckClock(const std::vector<BackupFact>& facts, const RetentionClock& clock) {
  if (clock.confirmed) return Ok();
  if (clock.stepped) {
    return Error{ErrorCode::kFailedPrecondition,
                 "the clock has stepped by more than an hour: nothing is removed until the time is "
                 "confirmed with: ficusctl table confirm-clock"};
  }
  for (const BackupFact& fact : facts) {
    if (fact.taken_at > clock.now && fact.taken_at - kClockToleranceNanos > clock.now) {
      return Error{ErrorCode::kFailedPrecondition,
                   "backup " + fact.timedir +
                       " lies in the future: nothing is removed until the time is confirmed with: "
                       "ficusctl table confirm-clock"};
    }
  }
  return Ok();
}

std::vector<KeepDecision> DecideScope(const std::vector<BackupFact>& facts, const KeepRule& rule,
                                      const CivilTime& civil_time) {
  Retention retention(facts, civil_time);
  retention.KeepUntouchables();
  if (rule.KeepsAll()) retention.KeepEverything("no rule lets anything go");
  for (const PeriodRule& period :
       {PeriodRule{"hour", rule.hourly, HourOf}, PeriodRule{"day", rule.daily, DayOf},
        PeriodRule{"week", rule.weekly, WeekOf}, PeriodRule{"month", rule.monthly, MonthOf}}) {
    retention.KeepPeriods(period);
  }
  retention.KeepNewest(rule.min);
  return retention.Decisions();
}

}  // namespace

Result<std::vector<KeepDecision>> DecideRetention(const std::vector<BackupFact>& facts,
                                                  const KeepRule& rule, const CivilTime& civil_time,
                                                  const RetentionClock& clock) {
  RETURN_IF_ERROR(CheckClock(facts, clock));
  std::map<std::string, std::vector<size_t>> scopes;
  for (size_t i = 0; i < facts.size(); ++i) scopes[facts[i].scope].push_back(i);
  std::vector<KeepDecision> decisions(facts.size());
  for (const auto& [scope, members] : scopes) {
    std::vector<BackupFact> of_scope;
    for (const size_t i : members) of_scope.push_back(facts[i]);
    std::vector<KeepDecision> decided = DecideScope(of_scope, rule, civil_time);
    for (size_t i = 0; i < members.size(); ++i) decisions[members[i]] = std::move(decided[i]);
  }
  return decisions;
}

}  // namespace ficus
