// Two nodes, one destination: backups, resumed backups, restores and prunes in any order of their
// requests, with deaths at any request, must never leave a committed backup without an object.
#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include <catch2/catch.hpp>

#include "engine/base/clock.h"
#include "server/backup/pruner.h"
#include "server/backup/repository_keys.h"
#include "server/remote/memory_store.h"
#include "test/server/backup/sample_backup.h"
#include "test/server/backup/turns.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

constexpr UnixNanos kMidnight = 1'795'132'800'000'000'000;  // 2026-11-20T00:00:00Z
constexpr int64_t kLeaseTime = kNanosPerHour / 60;
constexpr int64_t kGrace = kNanosPerHour;
// Whoever has slept for longer does not wake up: the limitation that pruner.h names.
constexpr int64_t kSleepMax = kGrace / 2;

// What the nodes share besides the store.
struct World {
  MemoryStore store;
  ManualClock clock{kMidnight};
  // The lease; whoever has it and takes a turn in time keeps it.
  uint64_t lease_generation = 0;
  int64_t lease_until = 0;
  // The live objects are [first, last): merges drop old ones, flushes add new ones, no number comes
  // back.
  size_t first = 0;
  size_t last = 5;
  // What interrupted runs were about to write, as their journal knows it.
  std::map<std::string, SampleBackup> journal;
  uint64_t runs = 0;
  std::map<std::string, int> counts;
  std::string wrong;  // seen by an actor, which cannot fail a test itself
};

// Checks that every commit record, superseded ones and those of tombstones included, has all its
// objects, and the right ones.
void RequireWhole(World& world) {
  const auto contents = world.store.Contents();
  for (const auto& [key, text] : contents) {
    if (!ParseCommitKey(key)) continue;
    const CommitRecord commit = DecodeCommit(text).value();
    const auto manifest_text = contents.find(commit.manifest_key);
    INFO(key);
    REQUIRE(manifest_text != contents.end());
    const BackupManifest manifest = DecodeManifestOf(commit, manifest_text->second).value();
    for (const BackupObject& object : manifest.objects) {
      INFO(object.key);
      const auto found = contents.find(object.key);
      REQUIRE(found != contents.end());
      REQUIRE(Sha256Of(found->second) == object.sha256);
    }
  }
}

// One life of a node's backup service.
class Session {
 public:
  Session(World& world, Actor& actor) : world_(world), actor_(actor), store_(actor.store()) {}

  void Play() {
    if (!TakeLease()) return;
    const uint64_t rounds = 1 + actor_.random().Below(8);
    for (uint64_t round = 0; round < rounds; ++round) {
      const uint64_t dice = actor_.random().Below(10);
      const Result<> done = dice < 4   ? Backup()
                            : dice < 6 ? Resume()
                            : dice < 7 ? Restore()
                                       : Prune();
      if (!done) return;
    }
    // Released.
    if (HasLease()) world_.lease_until = 0;
  }

 private:
  bool TakeLease() {
    while (world_.lease_until > world_.clock.Now()) {
      if (!actor_.Pause()) return false;
    }
    generation_ = ++world_.lease_generation;
    world_.lease_until = world_.clock.Now() + kLeaseTime;
    return true;
  }

  bool HasLease() const {
    return world_.lease_generation == generation_ && world_.lease_until > world_.clock.Now();
  }

  Result<> Lease() {
    // A request of its own: what was true then need not be true when the next one is made.
    if (!actor_.Pause()) return Error{ErrorCode::kUnavailable, "the process has died"};
    if (!HasLease()) return Error{ErrorCode::kFailedPrecondition, "the lease is lost"};
    world_.lease_until = world_.clock.Now() + kLeaseTime;
    return Ok();
  }

  Result<> PutOnce(const std::string& key, const std::string& text) {
    PutCondition condition;
    condition.kind = PutCondition::Kind::kIfAbsent;
    auto put = store_.Put(key, TextSource(text), condition, {});
    if (!put) return std::move(put).error();
    return Ok();
  }

  Result<> Delete(const std::string& key) {
    return store_.Delete(std::vector<std::string>{key}, {});
  }

  Result<> Backup() {
    SampleBackup plan;
    plan.run = "run-" + std::to_string(++world_.runs);
    world_.first = std::min(world_.last - 1, world_.first + actor_.random().Below(3));
    world_.last += actor_.random().Below(3);
    plan.first_object = world_.first;
    plan.objects = world_.last - world_.first;
    plan.taken_at = world_.clock.Now();
    const TimeStyle style = actor_.random().Below(2) == 0 ? TimeStyle::kDaily : TimeStyle::kHourly;
    // Names of other days as well, so that names are used again after their backups have gone.
    const auto back = static_cast<int64_t>(actor_.random().Below(4)) * kNanosPerDay;
    plan.timedir = TimedirName(style, UtcCivilHour(plan.taken_at - back));
    world_.journal[plan.run] = plan;
    return Write(plan);
  }

  Result<> Resume() {
    if (world_.journal.empty()) return Ok();
    return Write(world_.journal.begin()->second);
  }

  Result<> Write(SampleBackup plan) {
    RETURN_IF_ERROR(Lease());
    const std::string marker = EncodePending({plan.run, plan.timedir, 1, 7, generation_, "", 0});
    const Result<> put = PutOnce(PendingKey(plan.run), marker);
    if (!put && put.error().code != ErrorCode::kAlreadyExists) return put.error();
    const auto tombstone = store_.Head(ExpiredKey(plan.timedir), {});
    if (tombstone) {
      ++world_.counts["refused by a tombstone"];
      RETURN_IF_ERROR(Delete(PendingKey(plan.run)));
      world_.journal.erase(plan.run);
      return Ok();
    }
    if (tombstone.error().code != ErrorCode::kNotFound) return tombstone.error();

    std::set<std::string> there;
    ListRequest request;
    request.prefix = plan.timedir + "/";
    RETURN_IF_ERROR(ListAll(store_, request,
                            [&](const ObjectInfo& info) { return there.insert(info.key).second; },
                            {}));
    request.prefix = TimedirMetaFolder(plan.timedir);
    plan.generation = 1;
    RETURN_IF_ERROR(ListAll(store_, request,
                            [&](const ObjectInfo& info) {
                              if (const auto name = ParseTimedirRecordKey(info.key)) {
                                plan.generation = std::max(plan.generation, name->generation + 1);
                              }
                              return true;
                            },
                            {}));

    plan.lease_generation = generation_;
    const BackupManifest manifest = SampleManifest(plan);
    for (const BackupObject& object : manifest.objects) {
      if (there.count(object.key) > 0) continue;
      const std::string content = SampleContent(object.checksum);
      auto sent = store_.Put(object.key, TextSource(content), {}, {});
      if (!sent) return std::move(sent).error();
    }
    const std::string bytes = EncodeBackupManifest(manifest);
    const CommitRecord commit = CommitOf(manifest, bytes, generation_, world_.clock.Now());
    RETURN_IF_ERROR(Lease());
    RETURN_IF_ERROR(PutOnce(commit.manifest_key, bytes));
    RETURN_IF_ERROR(Lease());
    RETURN_IF_ERROR(PutOnce(CommitKey(plan.timedir, plan.generation), EncodeCommit(commit)));
    ++world_.counts["committed"];
    const auto superseded =
        Pruner(store_, [this] { return Lease(); }).RemoveSuperseded(plan.timedir, plan.run, {});
    if (!superseded) return superseded.error();
    world_.counts["superseded objects"] += static_cast<int>(superseded->objects);
    RETURN_IF_ERROR(Delete(PendingKey(plan.run)));
    world_.journal.erase(plan.run);
    return Ok();
  }

  // A restore needs no lease; it must find everything until it lets go.
  Result<> Restore() {
    auto listing = Repository(store_).List({});
    if (!listing) return std::move(listing).error();
    std::vector<std::string> timedirs;
    for (const BackupEntry& entry : listing->backups) {
      if (entry.commit) timedirs.push_back(entry.timedir);
    }
    if (timedirs.empty()) return Ok();
    const std::string timedir = timedirs[actor_.random().Below(timedirs.size())];
    const std::string id = "restore-" + std::to_string(++world_.runs);
    const UnixNanos until = world_.clock.Now() + 2 * kGrace;
    const std::string hold = EncodeHold({id, timedir, "", until});
    RETURN_IF_ERROR(PutOnce(HoldKey(id), hold));
    const auto entry = Repository(store_).Find(timedir, {});
    if (!entry && entry.error().code != ErrorCode::kNotFound) return entry.error();
    if (entry && entry->commit) {
      const auto manifest = Repository(store_).LoadManifest(*entry->commit, {});
      if (!manifest && manifest.error().code == ErrorCode::kUnavailable) return manifest.error();
      // A generation may be superseded between the two reads; the restore then looks again.
      if (manifest) RETURN_IF_ERROR(ReadAll(*manifest, until));
    }
    return Delete(HoldKey(id));
  }

  Result<> ReadAll(const BackupManifest& manifest, UnixNanos until) {
    for (const BackupObject& object : manifest.objects) {
      const auto text = GetText(store_, object.key, 1000, {});
      if (world_.clock.Now() >= until) return Ok();
      if (!text && text.error().code == ErrorCode::kUnavailable) return text.error();
      if (!text || Sha256Of(*text) != object.sha256) {
        world_.wrong = "a restore does not get " + object.key;
      }
    }
    ++world_.counts["restored"];
    return Ok();
  }

  Result<> Prune() {
    PruneRequest request;
    request.keep.hourly = static_cast<uint32_t>(actor_.random().Below(2));
    request.keep.daily = static_cast<uint32_t>(actor_.random().Below(3));
    request.keep.min = 1;
    request.clock.now = world_.clock.Now();
    request.grace_nanos = kGrace;
    request.node_id = 7;
    auto report = Pruner(store_, [this] { return Lease(); }).Run(request, {});
    if (!report) return std::move(report).error();
    // A marker or hold that comes and goes, or a restore that goes on: looked at again next time.
    world_.counts["put off"] += static_cast<int>(report->problems.size());
    world_.counts["expired"] += static_cast<int>(report->expired.size());
    world_.counts["emptied"] += static_cast<int>(report->emptied.size());
    return Ok();
  }

  World& world_;
  Actor& actor_;
  ObjectStore& store_;
  uint64_t generation_ = 0;
};

void PlayGame(uint64_t seed, std::map<std::string, int>& counts) {
  World world;
  SeededRandom random(seed);
  for (int day = -5; day < 0; ++day) {
    SampleBackup old;
    old.taken_at = kMidnight + day * kNanosPerDay;
    old.timedir = TimedirName(TimeStyle::kDaily, UtcCivilHour(old.taken_at));
    old.run = "old-run-" + std::to_string(day + 5);
    old.lease_generation = 0;
    old.objects = world.last;
    WriteBackup(world.store, old);
  }
  // One of them is on its way already.
  PruneRequest request;
  request.keep.min = 4;
  request.clock.now = kMidnight - 2 * kGrace;
  request.node_id = 7;
  Pruner(world.store, [] { return Ok(); }).Run(request, {}).value();
  struct Player {
    std::unique_ptr<Actor> actor;
    UnixNanos woke_at = 0;
  };
  std::vector<Player> players;
  const auto add = [&] {
    players.push_back(
        {std::make_unique<Actor>(world.store, random.Next(),
                                 [&world](Actor& self) { Session(world, self).Play(); }),
         world.clock.Now()});
  };
  size_t next = 0;
  for (int turn = 0; turn < 600; ++turn) {
    while (players.size() < 2) add();
    // In stretches, so that work gets done, and one is overtaken in the middle of something.
    if (random.Below(15) == 0) next = 1 - next;
    Player& player = players[next];
    // Mostly moments; now and then so long that a lease or a grace ends.
    const uint64_t pace = random.Below(100);
    const int64_t most = pace == 0 ? 3 * kGrace : pace < 8 ? 2 * kLeaseTime : pace < 30 ? 1000 : 1;
    world.clock.Advance(static_cast<int64_t>(random.Below(static_cast<uint64_t>(most))));
    const bool has_overslept = world.clock.Now() - player.woke_at > kSleepMax;
    Grant grant = Grant::kGo;
    if (has_overslept) grant = Grant::kDie;
    if (random.Below(120) == 0) {
      grant = random.Below(2) == 0 || has_overslept ? Grant::kDie : Grant::kDieHalfDone;
    }
    const uint64_t deletes = world.store.requests(StoreOp::kDelete);
    player.actor->Step(grant);
    player.woke_at = world.clock.Now();
    REQUIRE(world.wrong.empty());
    if (grant != Grant::kGo) ++world.counts["died"];
    if (world.store.requests(StoreOp::kDelete) != deletes) RequireWhole(world);
    players.erase(std::remove_if(players.begin(), players.end(),
                                 [](const Player& each) { return each.actor->has_ended(); }),
                  players.end());
  }
  players.clear();
  RequireWhole(world);
  for (const auto& [name, count] : world.counts) counts[name] += count;
}

TEST_CASE("in a thousand games no committed backup loses an object", "[backup]") {
  const uint64_t first = TestSeed(1);
  const int rounds = TestRounds(1000);
  std::map<std::string, int> counts;
  for (uint64_t seed = first; seed < first + static_cast<uint64_t>(rounds); ++seed) {
    CAPTURE(seed);
    PlayGame(seed, counts);
  }
  std::string text;
  for (const auto& [name, count] : counts) text += std::to_string(count) + " " + name + ", ";
  WARN(text);
  for (const char* name : {"committed", "superseded objects", "expired", "emptied", "restored",
                           "refused by a tombstone", "died"}) {
    CAPTURE(name);
    REQUIRE((rounds < 1000 || counts[name] > 20));
  }
}

}  // namespace
}  // namespace ficus
