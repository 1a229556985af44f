#include "server/backup/pruner.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "server/backup/record_text.h"
#include "server/backup/repository_keys.h"
#include "server/remote/memory_store.h"
#include "test/server/backup/limited_store.h"
#include "test/server/backup/sample_backup.h"

namespace ficus {
namespace {

constexpr UnixNanos kMidnight = 1'795'132'800'000'000'000;  // 2026-11-20T00:00:00Z
constexpr int64_t kGrace = kNanosPerDay;

const LeaseCheck kHeldLease = [] { return Ok(); };

SampleBackup Sample(int day, uint64_t generation = 1) {
  SampleBackup sample;
  sample.taken_at = kMidnight + day * kNanosPerDay;
  sample.timedir = TimedirName(TimeStyle::kDaily, UtcCivilHour(sample.taken_at));
  sample.generation = generation;
  sample.run = "run-" + sample.timedir + "-" + std::to_string(generation);
  return sample;
}

// Keeps the two newest days.
PruneRequest Request(int day) {
  PruneRequest request;
  request.keep.daily = 2;
  request.clock.now = kMidnight + day * kNanosPerDay;
  request.grace_nanos = kGrace;
  request.node_id = 7;
  return request;
}

PruneReport Run(ObjectStore& store, const PruneRequest& request) {
  return Pruner(store, kHeldLease).Run(request, {}).value();
}

std::vector<std::string> KeysBelow(ObjectStore& store, const std::string& prefix) {
  std::vector<std::string> keys = AllKeys(store);
  keys.erase(std::remove_if(keys.begin(), keys.end(),
                            [&](const std::string& key) { return key.rfind(prefix, 0) != 0; }),
             keys.end());
  return keys;
}

// Every commit record in the store has every object that its manifest names.
void RequireWhole(ObjectStore& store) {
  for (const std::string& key : AllKeys(store)) {
    if (!ParseCommitKey(key)) continue;
    const CommitRecord commit = DecodeCommit(Text(store, key)).value();
    const BackupManifest manifest = Repository(store).LoadManifest(commit, {}).value();
    for (const BackupObject& object : manifest.objects) {
      INFO(key << " lacks " << object.key);
      REQUIRE(store.Head(object.key, {}).has_value());
    }
  }
}

bool SameReport(const PruneReport& a, const PruneReport& b) {
  const auto kept = [](const PruneReport& report) {
    std::vector<std::pair<std::string, bool>> all;
    for (const KeepDecision& each : report.decisions) all.emplace_back(each.timedir, each.keep);
    return all;
  };
  return kept(a) == kept(b) && a.expired == b.expired && a.emptied == b.emptied &&
         a.expired_objects == b.expired_objects && a.expired_bytes == b.expired_bytes &&
         a.objects == b.objects && a.bytes == b.bytes && a.records == b.records &&
         a.problems == b.problems;
}

TEST_CASE("a backup goes in steps: commit, grace, objects, grace, name", "[backup]") {
  MemoryStore store;
  for (int day = 0; day < 3; ++day) WriteBackup(store, Sample(day));
  PutText(store, "2026-11-20/measure/stranger", "not ours");
  const std::vector<std::string> others = KeysBelow(store, "2026-11-21");

  PruneReport report = Run(store, Request(3));
  REQUIRE(report.expired == std::vector<std::string>{"2026-11-20"});
  REQUIRE(report.expired_objects == 12);
  REQUIRE(report.objects == 0);
  REQUIRE(report.records == 1);
  REQUIRE(Repository(store).List({})->Find("2026-11-20")->state == BackupState::kExpired);
  REQUIRE(KeysBelow(store, "2026-11-20/").size() == 13);

  PruneRequest early = Request(3);
  early.clock.now += kGrace - 1;
  report = Run(store, early);
  REQUIRE(report.emptied.empty());
  REQUIRE(KeysBelow(store, "2026-11-20/").size() == 13);

  report = Run(store, Request(4));
  REQUIRE(report.emptied == std::vector<std::string>{"2026-11-20"});
  REQUIRE(report.objects == 12);
  REQUIRE(report.problems.empty());
  REQUIRE(KeysBelow(store, "2026-11-20/") ==
          std::vector<std::string>{"2026-11-20/measure/stranger"});
  REQUIRE(KeysBelow(store, "_meta/timedir/2026-11-20/").empty());
  REQUIRE(store.Head(ExpiredKey("2026-11-20"), {}).has_value());

  report = Run(store, Request(5));
  REQUIRE(report.records == 1);
  REQUIRE_FALSE(store.Head(ExpiredKey("2026-11-20"), {}).has_value());
  REQUIRE(KeysBelow(store, "2026-11-21") == others);
  RequireWhole(store);
}

TEST_CASE("a dry run changes nothing and counts exactly what the real one does", "[backup]") {
  MemoryStore store;
  for (int day = 0; day < 4; ++day) WriteBackup(store, Sample(day));
  SampleBackup later = Sample(3, 2);
  later.first_object = 5;
  WriteBackup(store, later);
  for (int day = 4; day < 8; ++day) {
    CAPTURE(day);
    PruneRequest request = Request(day);
    request.dry_run = true;
    const auto before = store.Contents();
    store.ResetCounts();
    const PruneReport dry = Run(store, request);
    REQUIRE(store.requests(StoreOp::kPut) == 0);
    REQUIRE(store.requests(StoreOp::kDelete) == 0);
    REQUIRE(store.Contents() == before);
    request.dry_run = false;
    const PruneReport real = Run(store, request);
    REQUIRE(SameReport(dry, real));
    const auto after = store.Contents();
    uint64_t objects = 0;
    uint64_t bytes = 0;
    uint64_t records = 0;
    for (const auto& [key, text] : before) {
      if (after.count(key) > 0) continue;
      const bool is_record = key.rfind("_meta/", 0) == 0;
      objects += is_record ? 0 : 1;
      bytes += is_record ? 0 : text.size();
      records += is_record ? 1 : 0;
    }
    REQUIRE(objects == real.objects);
    REQUIRE(bytes == real.bytes);
    REQUIRE(records == real.records);
  }
  REQUIRE(KeysBelow(store, "_meta/expired/").empty());
}

TEST_CASE("what a restore holds stays until the hold ends", "[backup]") {
  MemoryStore store;
  for (int day = 0; day < 3; ++day) WriteBackup(store, Sample(day));
  PutText(store, HoldKey("r"),
          EncodeHold({"r", "2026-11-20", "a restore", kMidnight + 4 * kNanosPerDay}));
  REQUIRE(Run(store, Request(3)).expired.empty());
  REQUIRE(Run(store, Request(4)).expired.size() == 1);

  // One that was put before the commit went keeps the objects, too.
  PutText(store, HoldKey("r"),
          EncodeHold({"r", "2026-11-20", "a restore", kMidnight + 6 * kNanosPerDay}));
  const PruneReport report = Run(store, Request(5));
  REQUIRE(report.emptied.empty());
  REQUIRE(report.problems == std::vector<std::string>{"2026-11-20: held by a restore"});
  REQUIRE(KeysBelow(store, "2026-11-20/").size() == 12);
  REQUIRE(Run(store, Request(6)).emptied.size() == 1);
}

TEST_CASE("a time directory into which a run writes stays", "[backup]") {
  MemoryStore store;
  for (int day = 0; day < 3; ++day) WriteBackup(store, Sample(day));
  PutText(store, PendingKey("x"), EncodePending({"x", "2026-11-20", 2, 7, 1, "", 0}));
  REQUIRE(Run(store, Request(3)).expired.empty());
  RequireWhole(store);
}

TEST_CASE("a run or restore that begins while a tombstone is put is seen", "[backup]") {
  for (const bool is_run : {true, false}) {
    MemoryStore memory;
    for (int day = 0; day < 3; ++day) WriteBackup(memory, Sample(day));
    LimitedStore store(memory);
    // Right after the tombstone has been put, before anything else.
    store.after_put = [&](std::string_view key) {
      if (key != ExpiredKey("2026-11-20")) return;
      if (is_run) {
        PutText(memory, PendingKey("x"), EncodePending({"x", "2026-11-20", 2, 7, 1, "", 0}));
      } else {
        PutText(memory, HoldKey("r"),
                EncodeHold({"r", "2026-11-20", "", std::numeric_limits<UnixNanos>::max()}));
      }
    };
    const PruneReport report = Run(store, Request(3));
    REQUIRE(report.expired.empty());
    REQUIRE(report.decisions[0].keep);
    REQUIRE_FALSE(memory.Head(ExpiredKey("2026-11-20"), {}).has_value());
    REQUIRE(memory.Head(CommitKey("2026-11-20", 1), {}).has_value());
  }
}

TEST_CASE("while a marker or hold cannot be read nothing goes", "[backup]") {
  for (const std::string& key : {PendingKey("x"), HoldKey("r")}) {
    MemoryStore store;
    for (int day = 0; day < 3; ++day) WriteBackup(store, Sample(day));
    PutText(store, key, "damaged");
    const auto before = store.Contents();
    REQUIRE(Pruner(store, kHeldLease).Run(Request(3), {}).error().code ==
            ErrorCode::kFailedPrecondition);
    REQUIRE(store.Contents() == before);
  }
}

TEST_CASE("what another node or another tool wrote stays", "[backup]") {
  MemoryStore store;
  SampleBackup foreign = Sample(0);
  foreign.node_id = 8;
  WriteBackup(store, foreign);
  PutText(store, "2026-11-19/measure/sw/seg-20261119/shard-0/part", "BanyanDB's");
  for (int day = 1; day < 5; ++day) WriteBackup(store, Sample(day));
  for (int day = 5; day < 8; ++day) Run(store, Request(day));
  REQUIRE(Repository(store).Find("2026-11-20", {})->state == BackupState::kCommitted);
  REQUIRE(KeysBelow(store, "2026-11-20/").size() == 12);
  REQUIRE(KeysBelow(store, "2026-11-19/").size() == 1);
  REQUIRE(KeysBelow(store, "2026-11-21/").empty());
  RequireWhole(store);
}

TEST_CASE("a manifest that is not what its commit said keeps its objects", "[backup]") {
  MemoryStore store;
  for (int day = 0; day < 3; ++day) WriteBackup(store, Sample(day));
  Run(store, Request(3));
  store.FlipBits(ManifestKey("2026-11-20", 1), 50, 1).value();
  const PruneReport report = Run(store, Request(4));
  REQUIRE(report.problems.size() == 1);
  REQUIRE(report.emptied.empty());
  REQUIRE(KeysBelow(store, "2026-11-20/").size() == 12);
}

TEST_CASE("a clock in doubt removes nothing, neither commits nor objects", "[backup]") {
  MemoryStore store;
  for (int day = 0; day < 3; ++day) WriteBackup(store, Sample(day));
  Run(store, Request(3));
  WriteBackup(store, Sample(3));
  const auto before = store.Contents();
  PruneRequest request = Request(3650);
  request.clock.stepped = true;
  REQUIRE_FALSE(Pruner(store, kHeldLease).Run(request, {}).has_value());
  REQUIRE_FALSE(Pruner(store, kHeldLease).Run(Request(-3650), {}).has_value());
  REQUIRE(store.Contents() == before);
}

TEST_CASE("the lease is asked before each request that deletes", "[backup]") {
  MemoryStore memory;
  for (int day = 0; day < 4; ++day) WriteBackup(memory, Sample(day));
  Run(memory, Request(4));
  SampleBackup later = Sample(3, 2);
  later.first_object = 3;
  WriteBackup(memory, later);
  for (int day = 4; day < 6; ++day) WriteBackup(memory, Sample(day));
  // The lease is lost at the n-th question: from there on nothing changes.
  int asked_in_all = 0;
  for (int lost_at = 0; lost_at <= asked_in_all; ++lost_at) {
    const auto copy = memory.Clone();
    LimitedStore store(*copy);
    int asked = 0;
    bool is_fresh = false;
    const LeaseCheck lease = [&]() -> Result<> {
      is_fresh = true;
      if (asked++ == lost_at) {
        store.refuse_changes = true;
        return Error{ErrorCode::kFailedPrecondition, "the lease is lost"};
      }
      return Ok();
    };
    store.before_change = [&] {
      REQUIRE(is_fresh);
      is_fresh = false;
    };
    const auto report = Pruner(store, lease).Run(Request(6), {});
    asked_in_all = std::max(asked_in_all, asked);
    if (lost_at < asked_in_all && asked > lost_at) {
      REQUIRE(report.error().message == "the lease is lost");
    }
    REQUIRE(store.refused == 0);
  }
  REQUIRE(asked_in_all > 5);
}

TEST_CASE("a later generation removes what only earlier ones need", "[backup]") {
  MemoryStore store;
  WriteBackup(store, Sample(0));
  SampleBackup later = Sample(0, 2);
  later.first_object = 4;
  WriteBackup(store, later);
  REQUIRE(KeysBelow(store, "2026-11-20/").size() == 16);

  PutText(store, PendingKey("other"), EncodePending({"other", "2026-11-20", 3, 7, 1, "", 0}));
  REQUIRE(Pruner(store, kHeldLease).RemoveSuperseded("2026-11-20", later.run, {})->objects == 0);
  REQUIRE(KeysBelow(store, "2026-11-20/").size() == 16);
  const PruneReport report =
      Pruner(store, kHeldLease).RemoveSuperseded("2026-11-20", "other", {}).value();
  REQUIRE(report.objects == 4);
  REQUIRE(report.records == 2);
  REQUIRE(KeysBelow(store, "2026-11-20/").size() == 12);
  REQUIRE(KeysBelow(store, "_meta/timedir/") ==
          std::vector<std::string>{CommitKey("2026-11-20", 2), ManifestKey("2026-11-20", 2)});
  RequireWhole(store);
}

TEST_CASE("a degraded or damaged generation supersedes nothing", "[backup]") {
  for (const bool is_degraded : {true, false}) {
    MemoryStore store;
    WriteBackup(store, Sample(0));
    SampleBackup later = Sample(0, 2);
    later.first_object = 4;
    if (is_degraded) later.missing = {"a shard"};
    const CommitRecord commit = WriteBackup(store, later);
    if (!is_degraded) {
      VerificationRecord verification;
      verification.timedir = commit.timedir;
      verification.generation = 2;
      verification.commit_run = commit.run;
      verification.damaged = {{"k", "missing"}};
      PutText(store, VerifiedKey("2026-11-20", 2), EncodeVerification(verification));
    }
    REQUIRE(Pruner(store, kHeldLease).RemoveSuperseded("2026-11-20", "", {})->objects == 0);
    REQUIRE(store.Head(CommitKey("2026-11-20", 1), {}).has_value());
    RequireWhole(store);
  }
}

TEST_CASE("a generation of some groups supersedes none of the whole node", "[backup][scope]") {
  for (const bool is_old : {false, true}) {
    MemoryStore store;
    SampleBackup node = Sample(0);
    SampleBackup some = Sample(0, 2);
    some.first_object = 4;
    some.whole_node = false;
    some.scope = "groups sw_*";
    if (is_old) node.scope = some.scope = "";
    WriteBackup(store, node);
    WriteBackup(store, some);
    REQUIRE(Pruner(store, kHeldLease).RemoveSuperseded("2026-11-20", "", {})->objects == 0);
    // No rule for parts of the node lets go what stands behind one.
    WriteBackup(store, Sample(1));
    WriteBackup(store, Sample(2));
    PruneRequest request = Request(2);
    request.scope = "groups sw_*";
    Run(store, request);
    REQUIRE(store.Head(CommitKey("2026-11-20", 1), {}).has_value());
    RequireWhole(store);
  }
}

TEST_CASE("each scope keeps its own days, and a prune of one lets go of no other",
          "[backup][scope]") {
  MemoryStore store;
  const auto some = [](int day) {
    SampleBackup sample = Sample(day);
    sample.whole_node = false;
    sample.scope = "groups sw_*";
    return sample;
  };
  for (int day = 0; day < 3; ++day) WriteBackup(store, Sample(day));
  for (int day = 3; day < 6; ++day) WriteBackup(store, some(day));
  PruneRequest request = Request(6);
  request.scope = "node";
  REQUIRE(Run(*store.Clone(), request).expired == std::vector<std::string>{"2026-11-20"});
  request.scope = "groups sw_*";
  REQUIRE(Run(*store.Clone(), request).expired == std::vector<std::string>{"2026-11-23"});
  request.scope = std::nullopt;
  REQUIRE(Run(store, request).expired == std::vector<std::string>{"2026-11-20", "2026-11-23"});
}

TEST_CASE("the scope of an old backup is read from its manifest, and without that it stays",
          "[backup][scope]") {
  MemoryStore store;
  for (int day = 0; day < 4; ++day) {
    SampleBackup sample = Sample(day);
    if (day < 2) sample.scope = "";
    WriteBackup(store, sample);
  }
  store.FlipBits(ManifestKey("2026-11-20", 1), 50, 1).value();
  const PruneReport report = Run(store, Request(4));
  REQUIRE(report.expired == std::vector<std::string>{"2026-11-21"});
  REQUIRE(report.decisions[0].reason == "its scope is not known");
  REQUIRE(report.problems.size() == 1);
}

TEST_CASE("a backup whose verdict cannot be read stays and takes nobody's place", "[backup]") {
  const bool is_later_version = GENERATE(false, true);
  MemoryStore store;
  WriteBackup(store, Sample(0));
  SampleBackup later = Sample(0, 2);
  later.first_object = 4;
  const CommitRecord commit = WriteBackup(store, later);
  VerificationRecord verification;
  verification.timedir = commit.timedir;
  verification.generation = 2;
  verification.commit_run = commit.run;
  verification.damaged = {{"k", "missing"}};
  std::string text = EncodeVerification(verification);
  if (is_later_version) {
    const std::string version = "\"version\": 1";
    text.replace(text.find(version), version.size(), "\"version\": 9");
    text = WithMendedChecksum(text);
  } else {
    text[text.size() / 2] ^= 1;
  }
  PutText(store, VerifiedKey("2026-11-20", 2), text);
  REQUIRE(Pruner(store, kHeldLease).RemoveSuperseded("2026-11-20", "", {})->objects == 0);
  for (int day = 1; day < 4; ++day) WriteBackup(store, Sample(day));
  const PruneReport report = Run(store, Request(4));
  REQUIRE(report.expired == std::vector<std::string>{"2026-11-21"});
  REQUIRE(report.decisions[0].reason.find("verdict cannot be read") != std::string::npos);
  REQUIRE(report.problems.size() == 1);
  REQUIRE(store.Head(CommitKey("2026-11-20", 1), {}).has_value());
  RequireWhole(store);
}

TEST_CASE("killed at any request, the next run ends at the same place", "[backup]") {
  MemoryStore begin;
  for (int day = 0; day < 4; ++day) WriteBackup(begin, Sample(day));
  SampleBackup later = Sample(1, 2);
  later.first_object = 6;
  WriteBackup(begin, later);
  SampleBackup kept = Sample(3, 2);
  kept.first_object = 6;
  WriteBackup(begin, kept);
  const std::vector<int> days = {4, 5, 6};
  const auto finish = [&](ObjectStore& store, int from) {
    for (const int day : days) {
      if (day >= from) Run(store, Request(day));
    }
    Run(store, Request(7));
    Run(store, Request(8));
  };
  const auto expected = begin.Clone();
  finish(*expected, 0);
  REQUIRE(KeysBelow(*expected, "_meta/expired/").empty());

  size_t kills = 0;
  for (const int killed_on : days) {
    for (const bool is_done : {false, true}) {
      for (int limit = 0;; ++limit) {
        const auto copy = begin.Clone();
        for (const int day : days) {
          if (day < killed_on) Run(*copy, Request(day));
        }
        LimitedStore store(*copy);
        store.limit = limit;
        store.last_is_done = is_done;
        const bool survived = Pruner(store, kHeldLease).Run(Request(killed_on), {}).has_value();
        CAPTURE(killed_on, is_done, limit);
        RequireWhole(*copy);
        if (copy->Head(CommitKey("2026-11-21", 1), {})) {
          REQUIRE(copy->Head(CommitKey("2026-11-21", 2), {}).has_value());
        }
        finish(*copy, killed_on);
        REQUIRE(copy->Contents() == expected->Contents());
        if (survived) break;
        ++kills;
      }
    }
  }
  WARN(kills << " kills");
  REQUIRE(kills > 100);
}

}  // namespace
}  // namespace ficus
