// Takes snapshots of the node, one after another.
//
//     between two schema changes: pause removals, log a mark at P, draw the line there
//     every table:                flush what lies below the line, pin its files
//     then:                       lift the line, let removals go on, link, write the list
//
// Writers meet nothing of it but the mark, a batch of their log without rows.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/gate.h"
#include "engine/base/metrics.h"
#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "engine/database/removals.h"
#include "engine/database/schema_changes.h"
#include "engine/runtime/executor.h"
#include "engine/segment/group_store.h"
#include "engine/snapshot/snapshot_name.h"
#include "engine/snapshot/snapshot_request.h"
#include "engine/snapshot/snapshot_store.h"
#include "engine/snapshot/snapshot_writer.h"
#include "engine/table/seal_line.h"

namespace ficus {

class SnapshotTaker {
 public:
  // A group as the schema has it; `store` is null when its directory could not be made yet.
  struct Group {
    Catalog catalog = Catalog::kMeasure;
    std::string name;
    GroupId id;
    std::shared_ptr<GroupStore> store;
  };

  // All of it outlives the gate's last pass.
  struct Environment {
    FileSystem& fs;
    Clock& clock;
    MetricRegistry& metrics;
    Executor& executor;
    Gate& gate;
    SealLine& seal;
    SnapshotStore& store;
    SchemaChanges& changes;
    Removals& removals;
    // Logs a batch without rows, strictly; calls back in log order.
    std::function<Result<>(std::function<void(LogPosition, Scn)>)> mark;
    // Called while no schema change is under way; the group of the schemas among them.
    std::function<std::vector<Group>()> groups;
    uint64_t node_id = 0;
    LogId log;
    SnapshotRetention retention;
    size_t sync_threads = 0;  // as SnapshotWriter has them
  };

  explicit SnapshotTaker(Environment environment);

  // `done` is called once, from a job. kUnavailable: the database is closing; kResourceExhausted:
  // too many wait already; others as the log and the disk give them. What could not be taken of a
  // catalog stands in its error.
  using Done = std::function<void(Result<SnapshotContents>)>;
  void Take(SnapshotRequest request, Done done);
  // Tells those that wait that the database is closing; after the gate is closed.
  void RefuseWaiting();
  // Removes what retention lets go. Blocking.
  void RemoveStale();
  // After the set of snapshots changed.
  void CountSnapshots();

 private:
  // A group on its way into the snapshot.
  struct Member {
    size_t catalog = 0;  // index in the draft
    Group group;
    PinnedGroup pinned;
    std::vector<std::string> errors;
  };
  struct Taking {
    SnapshotRequest request;
    Done done;
    int64_t started = 0;
    int64_t drawn = 0;
    LogPosition position;
    Scn scn;
    std::shared_ptr<void> exclusive;
    Removals::Token pause;
    SnapshotDraft draft;

    Mutex mutex;
    std::vector<Member> members GUARDED_BY(mutex);
    size_t awaited GUARDED_BY(mutex) = 1;  // tables, and the walk over them
  };
  using TakingPtr = std::shared_ptr<Taking>;
  using Step = void (SnapshotTaker::*)(const TakingPtr&);

  void Post(const TakingPtr& taking, Step step);
  void StartNext();
  void DrawLine(const TakingPtr& taking);
  void ChooseGroups(const TakingPtr& taking);
  Result<> AddCatalog(Taking& taking, size_t rank, const std::vector<Group>& groups);
  bool IsWanted(const SnapshotRequest& request, const Group& group) const;
  Result<std::string> NextName(size_t rank);
  void PinGroups(const TakingPtr& taking);
  Result<> PinGroup(const TakingPtr& taking, size_t index);
  void KeepPin(const TakingPtr& taking, size_t index, Result<PinnedTable> pinned);
  void LeaveOne(const TakingPtr& taking);
  void Link(const TakingPtr& taking);
  void Finish(const TakingPtr& taking, Result<SnapshotContents> result);

  const Environment environment_;
  Counter& taken_;
  Counter& failed_;
  Histogram& flush_seconds_;
  Histogram& link_seconds_;
  Histogram& sync_seconds_;
  Histogram& list_seconds_;
  Gauge& count_;

  Mutex mutex_;
  // The one being taken, or taken last.
  std::string newest_ GUARDED_BY(mutex_);
  bool running_ GUARDED_BY(mutex_) = false;
  std::deque<std::pair<SnapshotRequest, Done>> waiting_ GUARDED_BY(mutex_);
  std::array<uint32_t, std::size(kSnapshotFolders)> sequences_ GUARDED_BY(mutex_) = {};
};

}  // namespace ficus
