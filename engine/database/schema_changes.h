// Changes of the schema, one at a time: prepared, made durable, introduced, published, answered.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/gate.h"
#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "engine/database/live_groups.h"
#include "engine/database/position_pins.h"
#include "engine/database/read_only_state.h"
#include "engine/database/row_router.h"
#include "engine/runtime/executor.h"
#include "engine/schema/schema_registry.h"
#include "engine/segment/group_store.h"
#include "engine/table/routed_rows.h"

namespace ficus {

class SchemaChanges {
 public:
  // Works out a change on the executor, when no other change is under way.
  using Prepare = std::function<Result<SchemaChange>(const SchemaRegistry&)>;
  using Done = std::function<void(Result<SchemaChange>)>;

  // What it needs of the database; all of it outlives the gate's last pass.
  struct Environment {
    Executor& executor;
    Gate& gate;
    SchemaRegistry& registry;
    GroupStore& schema_group;
    const LiveGroups& groups;
    std::function<std::optional<ReadOnlyState>()> read_only;
    // Makes rows and record durable in one strict batch, then calls `visible`.
    std::function<Result<>(std::vector<Routed>, LogRecord,
                           std::function<void(PositionPins::Pin)> visible)>
        submit;
    // The change is durable and visible in `_schema`: publish it.
    std::function<void(const SchemaChange&, const PositionPins::Pin&)> apply;
  };

  explicit SchemaChanges(Environment environment) : environment_(std::move(environment)) {}

  // Any thread. `done` is called once; kUnavailable when the gate is closed. A change that deletes
  // a group is refused while an earlier deletion of that name is under way.
  void Push(Prepare prepare, Done done, bool deletes_group);
  // Tells the changes that wait that the database is closing; after the gate is closed.
  void RefuseWaiting();

 private:
  struct Pending {
    Prepare prepare;
    Done done;
    bool deletes_group = false;
  };
  using SharedPass = std::shared_ptr<Gate::Pass>;

  SharedPass Enter() { return std::make_shared<Gate::Pass>(environment_.gate.Enter()); }
  void RunNext();
  void Start(Pending& pending);
  // What the change comes to, or why it cannot be; null when nothing is to be done.
  Result<SchemaChange> PrepareAllowed(const Pending& pending) const;
  Result<> CheckNames(const Pending& pending, const SchemaChange& change) const;
  Result<> Submit(std::shared_ptr<Pending> pending, std::shared_ptr<SchemaChange> change);
  void Finish(const Pending& pending, Result<SchemaChange> result);

  const Environment environment_;
  Mutex mutex_;
  std::deque<Pending> waiting_ GUARDED_BY(mutex_);
  bool running_ GUARDED_BY(mutex_) = false;
};

}  // namespace ficus
