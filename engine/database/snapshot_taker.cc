#include "engine/database/snapshot_taker.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "engine/model/names.h"

namespace ficus {
namespace {

constexpr size_t kWaitingMax = 16;

Error Closing() { return {ErrorCode::kUnavailable, "the database is closing"}; }

double Seconds(int64_t nanos) { return static_cast<double>(nanos) / kNanosPerSecond; }

Histogram& PhaseHistogram(MetricRegistry& metrics, std::string phase) {
  return metrics.AddHistogram("ficus_snapshot_seconds", "Time of a phase of a snapshot.",
                              LatencyBounds(), {{"phase", std::move(phase)}});
}

bool IsSchemaGroup(const SnapshotTaker::Group& group) {
  return group.catalog == Catalog::kProperty && group.name == kSchemaGroup;
}

// Index in kSnapshotFolders.
size_t RankOf(const SnapshotTaker::Group& group) {
  const std::string_view folder =
      IsSchemaGroup(group) ? kSchemaSnapshotFolder : SnapshotCatalogFolder(group.catalog);
  return static_cast<size_t>(SnapshotFolderRank(folder));
}

}  // namespace

SnapshotTaker::SnapshotTaker(Environment environment)
    : environment_(std::move(environment)),
      taken_(environment_.metrics.AddCounter("ficus_snapshots_taken_total",
                                             "Snapshots that were taken.")),
      failed_(environment_.metrics.AddCounter("ficus_snapshot_failures_total",
                                              "Snapshots that could not be taken.")),
      flush_seconds_(PhaseHistogram(environment_.metrics, "flush")),
      link_seconds_(PhaseHistogram(environment_.metrics, "link")),
      sync_seconds_(PhaseHistogram(environment_.metrics, "sync")),
      list_seconds_(PhaseHistogram(environment_.metrics, "list")),
      count_(environment_.metrics.AddGauge("ficus_snapshots", "Snapshots on disk.")) {
  CountSnapshots();
}

void SnapshotTaker::Take(SnapshotRequest request, Done done) {
  auto pass = std::make_shared<Gate::Pass>(environment_.gate.Enter());
  if (!*pass) {
    done(Closing());
    return;
  }
  {
    MutexLock lock(mutex_);
    if (waiting_.size() >= kWaitingMax) {
      lock.Unlock();
      done(Error{ErrorCode::kResourceExhausted,
                 fmt::format("{} snapshots wait to be taken already", kWaitingMax)});
      return;
    }
    waiting_.emplace_back(std::move(request), std::move(done));
  }
  environment_.executor.Post([this, pass] { StartNext(); });
}

void SnapshotTaker::RefuseWaiting() {
  std::deque<std::pair<SnapshotRequest, Done>> waiting;
  {
    MutexLock lock(mutex_);
    waiting.swap(waiting_);
  }
  for (const auto& [request, done] : waiting) done(Closing());
}

void SnapshotTaker::Post(const TakingPtr& taking, Step step) {
  auto pass = std::make_shared<Gate::Pass>(environment_.gate.Enter());
  if (!*pass) {
    Finish(taking, Closing());
    return;
  }
  environment_.executor.Post([this, pass, taking, step] { (this->*step)(taking); });
}

void SnapshotTaker::StartNext() {
  auto taking = std::make_shared<Taking>();
  {
    MutexLock lock(mutex_);
    if (running_ || waiting_.empty()) return;
    running_ = true;
    taking->request = std::move(waiting_.front().first);
    taking->done = std::move(waiting_.front().second);
    waiting_.pop_front();
  }
  taking->started = environment_.clock.Monotonic();
  // With no change of the schema under way, the groups at the mark are those that are live now.
  environment_.changes.PushBarrier(
      [this, taking](std::shared_ptr<void> exclusive) {
        taking->exclusive = std::move(exclusive);
        environment_.removals.Pause([this, taking](Removals::Token pause) {
          taking->pause = std::move(pause);
          DrawLine(taking);
        });
      },
      [this, taking](const Error& error) { Finish(taking, error); });
}

void SnapshotTaker::DrawLine(const TakingPtr& taking) {
  const Result<> marked = environment_.mark([this, taking](LogPosition position, Scn scn) {
    // Batches up to here were handed to the tables, later ones wait for this thread.
    environment_.seal.Draw(position, scn);
    taking->position = position;
    taking->scn = scn;
    Post(taking, &SnapshotTaker::ChooseGroups);
  });
  if (!marked.has_value()) Finish(taking, marked.error());
}

// --- What is to be in it

bool SnapshotTaker::IsWanted(const SnapshotRequest& request, const Group& group) const {
  if (request.items.empty() || IsSchemaGroup(group)) return true;
  return std::any_of(request.items.begin(), request.items.end(), [&](const auto& item) {
    return item.catalog == group.catalog && (item.group.empty() || item.group == group.name);
  });
}

void SnapshotTaker::ChooseGroups(const TakingPtr& taking) {
  taking->drawn = environment_.clock.Monotonic();
  SnapshotContents& contents = taking->draft.contents;
  contents.node_id = environment_.node_id;
  contents.log = environment_.log;
  contents.position = taking->position;
  contents.scn = taking->scn;
  contents.taken_at = environment_.clock.Now();
  contents.whole_node = taking->request.items.empty();
  const std::vector<Group> groups = environment_.groups();
  for (size_t rank = 0; rank < std::size(kSnapshotFolders); ++rank) {
    if (const Result<> added = AddCatalog(*taking, rank, groups); !added.has_value()) {
      Finish(taking, added.error());
      return;
    }
  }
  contents.id = contents.catalogs.front().name;
  {
    MutexLock lock(mutex_);
    newest_ = contents.id;
  }
  taking->exclusive = nullptr;
  Post(taking, &SnapshotTaker::PinGroups);
}

Result<> SnapshotTaker::AddCatalog(Taking& taking, size_t rank, const std::vector<Group>& groups) {
  CatalogSnapshot catalog;
  catalog.folder = kSnapshotFolders[rank];
  catalog.catalog = rank == 0 ? Catalog::kProperty : *CatalogFromName(catalog.folder);
  const size_t index = taking.draft.contents.catalogs.size();
  std::vector<Member> members;
  for (const Group& group : groups) {
    if (RankOf(group) != rank || !IsWanted(taking.request, group)) continue;
    Member member;
    member.catalog = index;
    member.group = group;
    member.pinned.catalog = group.catalog;
    member.pinned.name = group.name;
    member.pinned.id = group.id;
    members.push_back(std::move(member));
  }
  for (const SnapshotRequest::Item& item : taking.request.items) {
    if (rank == 0 || item.catalog != catalog.catalog || item.group.empty()) continue;
    const auto is_named = [&](const Member& member) { return member.group.name == item.group; };
    if (std::any_of(members.begin(), members.end(), is_named) || item.group == kSchemaGroup)
      continue;
    AddCatalogError(catalog, fmt::format("group {} does not exist", item.group));
  }
  if (members.empty() && catalog.error.empty() && rank != 0) return Ok();
  ASSIGN_OR_RETURN(catalog.name, NextName(rank));
  taking.draft.contents.catalogs.push_back(std::move(catalog));
  taking.draft.groups.emplace_back();
  MutexLock lock(taking.mutex);
  std::move(members.begin(), members.end(), std::back_inserter(taking.members));
  return Ok();
}

Result<std::string> SnapshotTaker::NextName(size_t rank) {
  for (;;) {
    uint32_t sequence = 0;
    {
      MutexLock lock(mutex_);
      sequence = ++sequences_[rank];
    }
    std::string name = SnapshotName(environment_.clock.Now(), sequence);
    // A process that ran in the same second may have used it.
    ASSIGN_OR_RETURN(const bool is_free, environment_.store.IsFree(kSnapshotFolders[rank], name));
    if (is_free && (rank != 0 || !environment_.store.HasContents(name))) return name;
  }
}

// --- Pinning

void SnapshotTaker::PinGroups(const TakingPtr& taking) {
  size_t count = 0;
  {
    MutexLock lock(taking->mutex);
    count = taking->members.size();
  }
  for (size_t index = 0; index < count; ++index) {
    const Result<> pinned = PinGroup(taking, index);
    if (pinned.has_value()) continue;
    MutexLock lock(taking->mutex);
    taking->members[index].errors.push_back(pinned.error().ToString());
  }
  LeaveOne(taking);
}

Result<> SnapshotTaker::PinGroup(const TakingPtr& taking, size_t index) {
  std::shared_ptr<GroupStore> store;
  {
    MutexLock lock(taking->mutex);
    store = taking->members[index].group.store;
  }
  if (store == nullptr) return Ok();
  PinnedGroup found;
  found.directory = store->directory();
  found.holds.push_back(store);
  for (const DamagedFile& segment : store->DamagedSegments()) {
    found.damage.push_back(fmt::format("{}: {}", segment.path, segment.reason));
  }
  std::vector<std::shared_ptr<TsTable>> tables;
  for (const auto& segment : store->Segments(TimeRange::All())) {
    if (environment_.gate.closed()) return Closing();
    found.holds.push_back(segment);
    if (segment->directory() != found.directory) found.segments.push_back(segment->directory());
    for (const ShardId shard : segment->ExistingShards()) {
      ASSIGN_OR_RETURN(std::shared_ptr<TsTable> table, segment->Shard(shard));
      found.holds.push_back(table);
      tables.push_back(std::move(table));
    }
  }
  {
    MutexLock lock(taking->mutex);
    PinnedGroup& group = taking->members[index].pinned;
    group.directory = std::move(found.directory);
    group.segments = std::move(found.segments);
    group.holds = std::move(found.holds);
    group.damage = std::move(found.damage);
    taking->awaited += tables.size();
  }
  for (const auto& table : tables) {
    table->PinAt(taking->position, [this, taking, index](Result<PinnedTable> pinned) {
      KeepPin(taking, index, std::move(pinned));
    });
  }
  return Ok();
}

void SnapshotTaker::KeepPin(const TakingPtr& taking, size_t index, Result<PinnedTable> pinned) {
  {
    MutexLock lock(taking->mutex);
    Member& member = taking->members[index];
    if (!pinned.has_value()) {
      member.errors.push_back(pinned.error().ToString());
    } else {
      if (!pinned->read_only_reason.empty()) {
        member.pinned.damage.push_back(
            fmt::format("{}: {}", pinned->directory, pinned->read_only_reason));
      }
      for (const DamagedFile& damaged : pinned->files->damaged) {
        member.pinned.damage.push_back(fmt::format("{}: {}", damaged.path, damaged.reason));
      }
      member.pinned.tables.push_back(*std::move(pinned));
    }
  }
  LeaveOne(taking);
}

void SnapshotTaker::LeaveOne(const TakingPtr& taking) {
  {
    MutexLock lock(taking->mutex);
    if (--taking->awaited > 0) return;
  }
  Post(taking, &SnapshotTaker::Link);
}

// --- Linking

void SnapshotTaker::Link(const TakingPtr& taking) {
  environment_.seal.Lift();
  taking->pause = nullptr;
  flush_seconds_.Observe(Seconds(environment_.clock.Monotonic() - taking->drawn));
  SnapshotDraft& draft = taking->draft;
  {
    MutexLock lock(taking->mutex);
    for (Member& member : taking->members) {
      if (member.errors.empty()) {
        draft.groups[member.catalog].push_back(std::move(member.pinned));
        continue;
      }
      AddCatalogError(draft.contents.catalogs[member.catalog],
                      fmt::format("group {} is left out: {}", member.group.name, member.errors[0]));
    }
    taking->members.clear();
  }
  SnapshotWriter writer(environment_.fs, environment_.clock, environment_.store,
                        environment_.sync_threads, [this] { return environment_.gate.closed(); });
  Result<SnapshotContents> written = writer.Write(std::move(draft));
  link_seconds_.Observe(Seconds(writer.times().link_nanos));
  sync_seconds_.Observe(Seconds(writer.times().sync_nanos));
  list_seconds_.Observe(Seconds(writer.times().list_nanos));
  if (written.has_value()) {
    LogInfo("snapshot.taken",
            "{} at batch {}: {:.3f} s, of it flush {:.3f}, links {:.3f}, sync {:.3f}", written->id,
            written->position.value(), Seconds(environment_.clock.Monotonic() - taking->started),
            Seconds(environment_.clock.Monotonic() - taking->drawn),
            Seconds(writer.times().link_nanos), Seconds(writer.times().sync_nanos));
    for (const CatalogSnapshot& catalog : written->catalogs) {
      if (catalog.error.empty()) continue;
      LogWarn("snapshot.incomplete", "{}: {}", SnapshotTree(catalog.folder, catalog.name),
              catalog.error);
    }
    RemoveStale();
  }
  Finish(taking, std::move(written));
}

void SnapshotTaker::RemoveStale() {
  std::string newest;
  {
    MutexLock lock(mutex_);
    newest = newest_;
  }
  const Result<size_t> removed =
      environment_.store.RemoveStale(environment_.retention, environment_.clock.Now(), newest);
  if (!removed.has_value()) {
    LogWarn("snapshot.retention", "old snapshots stay: {}", removed.error().ToString());
  }
  CountSnapshots();
}

void SnapshotTaker::CountSnapshots() {
  const Result<size_t> count = environment_.store.Count();
  if (count.has_value()) count_.Set(static_cast<double>(*count));
}

void SnapshotTaker::Finish(const TakingPtr& taking, Result<SnapshotContents> result) {
  environment_.seal.Lift();
  taking->pause = nullptr;
  taking->exclusive = nullptr;
  if (result.has_value()) {
    taken_.Add();
  } else {
    failed_.Add();
    LogWarn("snapshot.failed", "{}", result.error().ToString());
  }
  // Before the next one may crowd it out: who wants to keep it holds it now.
  taking->done(std::move(result));
  {
    MutexLock lock(mutex_);
    running_ = false;
  }
  auto pass = std::make_shared<Gate::Pass>(environment_.gate.Enter());
  if (!*pass) return;
  environment_.executor.Post([this, pass] { StartNext(); });
}

}  // namespace ficus
