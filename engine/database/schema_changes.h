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
#include "engine/database/removals.h"
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
    // Changes that take something away ask it first.
    Removals& removals;
  };

  explicit SchemaChanges(Environment environment) : environment_(std::move(environment)) {}

  // Any thread. `done` is called once; kUnavailable when the gate is closed.
  void Push(Prepare prepare, Done done);
  // The same for a change that deletes a group; it is refused while an earlier deletion of that
  // name is under way. `allow` is asked last, after all that the change had to wait for; its error
  // is the outcome.
  using Allow = std::function<Result<>()>;
  void PushDeletion(Prepare prepare, Allow allow, Done done);
  // Calls `begin` on the executor when no change is under way; none begins before the token is
  // dropped. `refuse` instead when the database is closing.
  void PushBarrier(std::function<void(std::shared_ptr<void>)> begin,
                   std::function<void(const Error&)> refuse);
  // Tells the changes that wait that the database is closing; after the gate is closed.
  void RefuseWaiting();

 private:
  struct Pending {
    Prepare prepare;
    Done done;
    Allow allow;                                       // of a deletion
    std::function<void(std::shared_ptr<void>)> begin;  // of a barrier
  };
  using SharedPass = std::shared_ptr<Gate::Pass>;

  SharedPass Enter() { return std::make_shared<Gate::Pass>(environment_.gate.Enter()); }
  void Add(Pending pending);
  void RunNext();
  void End();
  void Start(Pending& pending);
  // What the change comes to, or why it cannot be; null when nothing is to be done.
  Result<SchemaChange> PrepareAllowed(const Pending& pending) const;
  Result<> CheckNames(const Pending& pending, const SchemaChange& change) const;
  Result<> Submit(std::shared_ptr<Pending> pending, std::shared_ptr<SchemaChange> change,
                  Removals::Token token);
  void Finish(const Pending& pending, Result<SchemaChange> result);

  const Environment environment_;
  // Tokens of barriers may outlive this in callbacks that never came.
  const std::shared_ptr<char> alive_ = std::make_shared<char>();
  Mutex mutex_;
  std::deque<Pending> waiting_ GUARDED_BY(mutex_);
  bool running_ GUARDED_BY(mutex_) = false;
};

}  // namespace ficus
