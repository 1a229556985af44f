// Ten years in six zones against an oracle that shares no code with the scheduler.
//
// The oracle asks the C library what the clocks show, minute by minute, and writes down what the
// documents promise: schedule.h for slots, slot_ledger.h for missed ones and set clocks. The
// scheduler runs around every change of the clocks and at random other times, is killed, restarted,
// and has its clock set; between these times it is down. With FICUS_SIMULATION=full it runs
// all ten years.
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/io/memory_file_system.h"
#include "server/scheduler/scheduler.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

constexpr int64_t kMinute = 60;
constexpr int64_t kHour = 3600;
constexpr int64_t kDay = 86'400;
constexpr int64_t kBegin = 1'735'689'600;  // 2025-01-01T00:00:00Z
constexpr int64_t kEnd = 2'051'222'400;    // 2035-01-01T00:00:00Z

const std::vector<std::string> kZones = {
    "UTC",          "Europe/Berlin",       "America/New_York",
    "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca"};

struct Plan {
  std::string name;
  std::string text;
  bool follows_clock;
  bool (*matches)(const std::tm& reading);
  OverlapPolicy overlap;
  MissedPolicy missed;
};

using Tm = const std::tm&;
constexpr auto kSkip = OverlapPolicy::kSkip;
constexpr auto kQueue = OverlapPolicy::kQueue;
constexpr auto kOnce = MissedPolicy::kRunOnce;
constexpr auto kIgnore = MissedPolicy::kIgnore;

const std::vector<Plan> kPlans = {
    {"quarter", "*/15 * * * *", true, [](Tm t) { return t.tm_min % 15 == 0; }, kQueue, kOnce},
    {"hour", "@hourly", true, [](Tm t) { return t.tm_min == 0; }, kSkip, kIgnore},
    {"two-hours", "0,30 */2 * * *", true,
     [](Tm t) { return t.tm_min % 30 == 0 && t.tm_hour % 2 == 0; }, kSkip, kOnce},
    {"half-past-two", "30 2 * * *", false, [](Tm t) { return t.tm_hour == 2 && t.tm_min == 30; },
     kSkip, kOnce},
    {"night", "0,15,45 1-3 * * *", false,
     [](Tm t) { return t.tm_hour >= 1 && t.tm_hour <= 3 && t.tm_min % 15 == 0 && t.tm_min != 30; },
     kQueue, kIgnore},
    {"midnight", "@daily", false, [](Tm t) { return t.tm_hour == 0 && t.tm_min == 0; }, kQueue,
     kOnce},
    {"either-day", "15 3 13 * FRI", false,
     [](Tm t) { return t.tm_hour == 3 && t.tm_min == 15 && (t.tm_mday == 13 || t.tm_wday == 5); },
     kSkip, kOnce},
    {"sundays", "45 1 * MAR,APR,10-11 7", false,
     [](Tm t) {
       const bool month = t.tm_mon == 2 || t.tm_mon == 3 || t.tm_mon == 9 || t.tm_mon == 10;
       return month && t.tm_wday == 0 && t.tm_hour == 1 && t.tm_min == 45;
     },
     kSkip, kOnce},
    {"leap-day", "0 12 29 2 *", false,
     [](Tm t) { return t.tm_mon == 1 && t.tm_mday == 29 && t.tm_hour == 12 && t.tm_min == 0; },
     kSkip, kOnce},
    {"year", "@yearly", false, [](Tm t) { return t.tm_yday == 0 && t.tm_hour + t.tm_min == 0; },
     kSkip, kOnce},
};

using Slots = std::vector<int64_t>;  // seconds since 1970, ascending

struct Truth {
  std::map<std::string, Slots> slots;  // by plan
  Slots changes;                       // when the offset changes
};

int64_t OffsetAt(int64_t time) {
  const std::time_t value = time;
  std::tm reading{};
  ::localtime_r(&value, &reading);
  return reading.tm_gmtoff;
}

// What the clocks of `zone` show in each minute, and which plans that concerns.
Truth AskTheLibrary(const std::string& zone) {
  ::setenv("TZ", zone.c_str(), 1);
  ::tzset();
  Truth truth;
  std::vector<Slots*> slots;
  for (const Plan& plan : kPlans) slots.push_back(&truth.slots[plan.name]);
  std::tm reading{};
  int64_t shown_day = INT64_MIN;
  const auto show = [&](int64_t seconds) {  // seconds on the clock
    const int64_t day = seconds / kDay;
    if (day != shown_day) {
      const std::time_t value = seconds;
      ::gmtime_r(&value, &reading);
      shown_day = day;
    }
    reading.tm_hour = static_cast<int>(seconds % kDay / kHour);
    reading.tm_min = static_cast<int>(seconds % kHour / kMinute);
  };
  const auto note = [&](size_t plan, int64_t time) {
    if (slots[plan]->empty() || slots[plan]->back() != time) slots[plan]->push_back(time);
  };
  int64_t highest = INT64_MIN;  // reading so far
  int64_t last_offset = OffsetAt(kBegin - kDay);
  for (int64_t hour = kBegin - kDay; hour < kEnd; hour += kHour) {
    const int64_t offset_before = OffsetAt(hour);
    const bool even = offset_before == OffsetAt(hour + kHour);
    for (int64_t time = hour; time < hour + kHour; time += kMinute) {
      const int64_t offset = even ? offset_before : OffsetAt(time);
      if (offset != last_offset) truth.changes.push_back(time);
      last_offset = offset;
      const int64_t shown = time + offset;
      for (int64_t hidden = highest + kMinute; highest != INT64_MIN && hidden < shown;
           hidden += kMinute) {
        show(hidden);
        for (size_t i = 0; i < kPlans.size(); ++i) {
          if (!kPlans[i].follows_clock && kPlans[i].matches(reading)) note(i, time);
        }
      }
      show(shown);
      for (size_t i = 0; i < kPlans.size(); ++i) {
        if (!kPlans[i].matches(reading)) continue;
        if (kPlans[i].follows_clock || shown > highest) note(i, time);
      }
      highest = std::max(highest, shown);
    }
  }
  ::unsetenv("TZ");
  ::tzset();
  for (Slots* const list : slots) {
    list->erase(list->begin(), std::lower_bound(list->begin(), list->end(), kBegin));
  }
  return truth;
}

const Truth& TruthOf(const std::string& zone) {
  static std::map<std::string, Truth> truths;
  const auto known = truths.find(zone);
  return known != truths.end() ? known->second
                               : truths.emplace(zone, AskTheLibrary(zone)).first->second;
}

ScheduledJob JobOf(const Plan& plan, const std::string& zone) {
  ScheduledJob job;
  job.name = plan.name;
  job.schedule = *Schedule::Parse(plan.text);
  job.zone = *TimeZone::Load(zone);
  job.overlap = plan.overlap;
  job.missed = plan.missed;
  return job;
}

TEST_CASE("the slots of ten years are those of a minute by minute search", "[scheduler][zone]") {
  for (const std::string& zone : kZones) {
    const Truth& truth = TruthOf(zone);
    for (const Plan& plan : kPlans) {
      const ScheduledJob job = JobOf(plan, zone);
      Slots found;
      for (UnixNanos slot = job.schedule.NextSlot(kBegin * kNanosPerSecond - 1, job.zone);
           slot < kEnd * kNanosPerSecond; slot = job.schedule.NextSlot(slot, job.zone)) {
        found.push_back(slot / kNanosPerSecond);
      }
      CAPTURE(zone, plan.text);
      const Slots& expected = truth.slots.at(plan.name);
      const auto differ =
          std::mismatch(found.begin(), found.end(), expected.begin(), expected.end());
      CAPTURE(differ.first == found.end() ? 0 : *differ.first,
              differ.second == expected.end() ? 0 : *differ.second);
      REQUIRE(found == expected);
      const size_t stride = std::max<size_t>(found.size() / 50, 1);
      for (size_t i = stride; i < found.size(); i += stride) {
        const UnixNanos before = found[i] * kNanosPerSecond - 1;
        REQUIRE(job.schedule.LatestSlot(before, job.zone) == found[i - 1] * kNanosPerSecond);
        REQUIRE(job.schedule.LatestSlot(before + 1, job.zone) == found[i] * kNanosPerSecond);
      }
    }
  }
}

// --- The life of one node

struct Event {
  std::string name;
  int64_t slot;
  int64_t started_at;
  bool catch_up;

  friend bool operator==(const Event&, const Event&) = default;
  friend bool operator<(const Event& a, const Event& b) {
    return std::tie(a.started_at, a.name, a.slot) < std::tie(b.started_at, b.name, b.slot);
  }
};

std::ostream& operator<<(std::ostream& out, const Event& event) {
  return out << event.name << " " << event.slot << " at " << event.started_at
             << (event.catch_up ? " catch-up" : "");
}

// How long the run of a slot takes. Never a whole minute, so that no run ends with a slot.
int64_t RunSeconds(const std::string& name, int64_t slot) {
  const uint64_t dice = SeededRandom(static_cast<uint64_t>(slot) ^ name.size()).Next() % 10;
  return (dice < 7 ? 3 : dice < 9 ? 40 : 190) * kMinute + 17;
}

// What the documents promise for one job.
class Expected {
 public:
  Expected(const Plan& plan, const Slots& slots, int64_t now)
      : plan_(plan), slots_(slots), dealt_with_(now) {}

  // The clock shows `begin` at first, runs evenly to `end`. `restarted`: in a new process.
  void Live(int64_t begin, int64_t end, bool restarted) {
    shift_ = begin - clock_;  // what the run in progress was measured with
    if (busy_until_) *busy_until_ += shift_;
    clock_ = begin;
    std::optional<int64_t> left_over;
    if (restarted) {
      busy_until_.reset();
      if (queued_) ++missed;
      if (plan_.missed == kOnce) left_over = queued_ ? std::optional(queued_->slot) : std::nullopt;
      queued_.reset();
    }
    dealt_with_ = std::min(dealt_with_, begin);
    const Slots late = Open(dealt_with_, begin);
    missed += late.size();
    if (!late.empty() && plan_.missed == kOnce) {
      Come(late.back(), begin, true);
    } else if (left_over) {
      Start(*left_over, begin, true);
    }
    for (const int64_t slot : Open(begin, end - 1)) {
      EndRuns(slot);
      Come(slot, slot, false);
    }
    EndRuns(end);
    dealt_with_ = end - 1;
    clock_ = end;
  }

  std::vector<Event> events;
  uint64_t missed = 0;
  uint64_t skipped = 0;

 private:
  struct Waiting {
    int64_t slot;
    bool catch_up;
  };

  Slots Open(int64_t after, int64_t at_most) const {
    Slots open;
    for (auto slot = std::upper_bound(slots_.begin(), slots_.end(), after);
         slot != slots_.end() && *slot <= at_most; ++slot) {
      if (given_out_.count(*slot) == 0) open.push_back(*slot);
    }
    return open;
  }

  void Come(int64_t slot, int64_t now, bool catch_up) {
    given_out_.insert(slot);
    if (!busy_until_) {
      Start(slot, now, catch_up);
    } else if (plan_.overlap == kQueue && !queued_) {
      queued_ = {slot, catch_up};
    } else {
      ++skipped;
    }
  }

  void Start(int64_t slot, int64_t now, bool catch_up) {
    events.push_back({plan_.name, slot, now, catch_up});
    busy_until_ = now + RunSeconds(plan_.name, slot);
  }

  void EndRuns(int64_t now) {
    while (busy_until_ && *busy_until_ < now) {
      const int64_t ended = *busy_until_;
      busy_until_.reset();
      if (!queued_) continue;
      const Waiting next = *queued_;
      queued_.reset();
      Start(next.slot, ended, next.catch_up);
    }
  }

  const Plan& plan_;
  const Slots& slots_;
  int64_t dealt_with_;
  int64_t clock_ = 0;
  int64_t shift_ = 0;
  std::set<int64_t> given_out_;
  std::optional<int64_t> busy_until_;
  std::optional<Waiting> queued_;
};

// A node with a scheduler: lives, dies, has its clock set.
class Node {
 public:
  Node(std::string zone, uint64_t seed)
      : zone_(std::move(zone)),
        random_(seed),
        clock_(kBegin * kNanosPerSecond),
        executor_(DeterministicExecutor::Create(seed, clock_)),
        fs_(MemoryFileSystem::Create()) {}

  void Start() {
    SchedulerOptions options;
    options.executor = executor_.get();
    options.clock = &clock_;
    options.fs = fs_.get();
    options.random = &random_;
    options.runner = [this](const JobRun& run, std::function<void(Result<>)> done) {
      const int64_t slot = run.slot / kNanosPerSecond;
      REQUIRE(running_.insert(run.name).second);
      events.push_back({run.name, slot, run.started_at / kNanosPerSecond, run.catch_up});
      executor_->PostAfter(RunSeconds(run.name, slot) * kNanosPerSecond,
                           [this, name = run.name, done = std::move(done)] {
                             running_.erase(name);
                             done(Ok());
                           });
    };
    std::vector<ScheduledJob> jobs;
    for (const Plan& plan : kPlans) jobs.push_back(JobOf(plan, zone_));
    scheduler_ = *Scheduler::Start(std::move(options), std::move(jobs));
    executor_->RunUntilIdle();
  }

  // Power is lost: only what was synced is there afterwards.
  void Die() {
    auto rest = fs_->Crash(random_, MemoryFileSystem::NameOrder::kStrong);
    executor_->DropAll();
    running_.clear();
    scheduler_.reset();
    fs_ = std::move(rest);
  }

  void RunUntil(int64_t end) { executor_->Advance(end * kNanosPerSecond - clock_.Now()); }

  // The time in which the node is down, or by which somebody sets its clock.
  void SetClock(int64_t now) { clock_.StepWall(now * kNanosPerSecond - clock_.Now()); }

  // A changed configuration that says the same makes the scheduler look at the clocks.
  void Nudge() {
    REQUIRE(scheduler_->Put(JobOf(kPlans.front(), zone_)));
    executor_->RunUntilIdle();
  }

  JobStatus Status(const std::string& name) const { return *scheduler_->Status(name); }
  uint64_t Below(uint64_t bound) { return random_.Below(bound); }
  int64_t now() const { return clock_.Now() / kNanosPerSecond; }

  std::vector<Event> events;

 private:
  const std::string zone_;
  SeededRandom random_;
  ManualClock clock_;
  std::unique_ptr<DeterministicExecutor> executor_;
  std::unique_ptr<MemoryFileSystem> fs_;
  std::set<std::string> running_;
  std::unique_ptr<Scheduler> scheduler_;
};

// Around each change of the clocks and at random times, ascending, apart from each other.
std::vector<std::pair<int64_t, int64_t>> Awake(const Truth& truth, Node& node) {
  const char* const how = std::getenv("FICUS_SIMULATION");
  if (how != nullptr && std::string(how) == "full") return {{kBegin + kHour, kEnd - kDay}};
  std::vector<std::pair<int64_t, int64_t>> windows;
  for (const int64_t change : truth.changes) {
    if (change > kBegin + 3 * kDay) windows.emplace_back(change - 30 * kHour, change + 30 * kHour);
  }
  // One in each half year: no more slots are missed at a time than are counted.
  constexpr int64_t kHalfYear = 180 * kDay;
  for (int64_t half = kBegin + kDay; half + kHalfYear < kEnd; half += kHalfYear) {
    const int64_t begin = half + kMinute * static_cast<int64_t>(node.Below(kHalfYear / kMinute));
    windows.emplace_back(begin, begin + kDay);
  }
  std::sort(windows.begin(), windows.end());
  std::vector<std::pair<int64_t, int64_t>> apart;
  for (const auto& window : windows) {
    if (apart.empty() || window.first > apart.back().second + kDay) apart.push_back(window);
  }
  return apart;
}

// The next minute with no slot shortly before or after: two minutes late is still on time.
int64_t Quiet(const Truth& truth, int64_t time) {
  time += kMinute - time % kMinute;
  for (;; time += kMinute) {
    bool quiet = true;
    for (const auto& [name, slots] : truth.slots) {
      const auto near = std::lower_bound(slots.begin(), slots.end(), time - 3 * kMinute);
      quiet = quiet && (near == slots.end() || *near > time + kMinute);
    }
    if (quiet) return time;
  }
}

void LiveTenYears(const std::string& zone, uint64_t seed) {
  const Truth& truth = TruthOf(zone);
  Node node(zone, seed);
  std::vector<Expected> expected;
  for (const Plan& plan : kPlans) expected.emplace_back(plan, truth.slots.at(plan.name), kBegin);
  bool restarted = true;
  node.Start();
  node.Die();
  for (const auto& [window_begin, window_end] : Awake(truth, node)) {
    for (int64_t begin = Quiet(truth, window_begin); begin < window_end;) {
      const int64_t end =
          Quiet(truth, begin + kHour + static_cast<int64_t>(node.Below(15 * kHour)));
      node.SetClock(begin);
      if (restarted) {
        node.Start();
      } else {
        node.Nudge();
      }
      node.RunUntil(end);
      for (Expected& job : expected) job.Live(begin, end, restarted);
      const auto shift = static_cast<int64_t>(node.Below(4 * kHour));
      switch (node.Below(4)) {
        case 0:  // the clock is set back
          restarted = false;
          begin = Quiet(truth, std::max(end - shift, window_begin));
          break;
        case 1:  // the clock is set forward
          restarted = false;
          begin = Quiet(truth, end + shift);
          break;
        default:  // down for a while
          node.Die();
          restarted = true;
          begin = Quiet(truth, end + (node.Below(2) == 0 ? 0 : shift));
      }
    }
    if (!restarted) node.Die();
    restarted = true;
  }
  node.Start();

  std::vector<Event> promised;
  for (Expected& job : expected) {
    job.Live(node.now(), node.now() + 1, true);
    promised.insert(promised.end(), job.events.begin(), job.events.end());
  }
  for (size_t i = 0; i < kPlans.size(); ++i) {
    const JobStatus status = node.Status(kPlans[i].name);
    CAPTURE(kPlans[i].name);
    REQUIRE(status.missed == expected[i].missed);
    REQUIRE(status.skipped == expected[i].skipped);
    REQUIRE(status.runs == expected[i].events.size());
  }
  std::vector<Event> seen = node.events;
  std::sort(seen.begin(), seen.end());
  std::sort(promised.begin(), promised.end());
  const auto differ = std::mismatch(seen.begin(), seen.end(), promised.begin(), promised.end());
  if (differ.first != seen.end()) UNSCOPED_INFO("seen " << *differ.first);
  if (differ.second != promised.end()) UNSCOPED_INFO("promised " << *differ.second);
  REQUIRE((differ.first == seen.end() && differ.second == promised.end()));
  REQUIRE(seen.size() > 1'000);
  node.Die();
}

TEST_CASE("in ten years with restarts and set clocks every slot runs as documented",
          "[scheduler][simulation]") {
  const LogCapture quiet;
  const uint64_t seed = TestSeed(20250101);
  for (const std::string& zone : kZones) {
    CAPTURE(zone, seed);
    LiveTenYears(zone, seed);
  }
}

}  // namespace
}  // namespace ficus
