#include "engine/database/schema_changes.h"

#include <string>
#include <utility>

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/planted_bug.h"
#include "engine/database/schema_store.h"

namespace ficus {
namespace {

Error PendingDeletion(const std::string& group) {
  return {ErrorCode::kFailedPrecondition, fmt::format("group {} is pending deletion", group)};
}

const Error& ClosingError() {
  static const Error error{ErrorCode::kUnavailable, "the database is closing"};
  return error;
}

}  // namespace

void SchemaChanges::Push(Prepare prepare, Done done) {
  Add({std::move(prepare), std::move(done), {}, {}});
}

void SchemaChanges::PushDeletion(Prepare prepare, Allow allow, Done done) {
  Add({std::move(prepare), std::move(done), std::move(allow), {}});
}

void SchemaChanges::PushBarrier(std::function<void(std::shared_ptr<void>)> begin,
                                std::function<void(const Error&)> refuse) {
  Add({{},
       [refuse = std::move(refuse)](const Result<SchemaChange>& result) { refuse(result.error()); },
       {},
       std::move(begin)});
}

void SchemaChanges::Add(Pending pending) {
  SharedPass pass = Enter();
  if (!*pass) {
    pending.done(ClosingError());
    return;
  }
  {
    MutexLock lock(mutex_);
    waiting_.push_back(std::move(pending));
  }
  environment_.executor.Post([this, pass] { RunNext(); });
}

void SchemaChanges::RefuseWaiting() {
  std::deque<Pending> waiting;
  {
    MutexLock lock(mutex_);
    waiting = std::exchange(waiting_, {});
  }
  for (const Pending& pending : waiting) pending.done(ClosingError());
}

void SchemaChanges::RunNext() {
  Pending pending;
  {
    MutexLock lock(mutex_);
    if (running_ || waiting_.empty()) return;
    running_ = true;
    pending = std::move(waiting_.front());
    waiting_.pop_front();
  }
  Start(pending);
}

Result<> SchemaChanges::CheckNames(const Pending& pending, const SchemaChange& change) const {
  for (const SchemaObject& object : change.objects) {
    const std::string& group =
        object.key.kind == SchemaKind::kGroup ? object.key.name : object.key.group;
    if (environment_.groups.IsPendingDeletion(group)) return PendingDeletion(group);
  }
  if (!pending.allow) return Ok();
  for (const SchemaRemoval& removal : change.removals) {
    if (removal.key.kind != SchemaKind::kGroup) continue;
    if (environment_.groups.IsPendingDeletion(removal.key.name)) {
      return PendingDeletion(removal.key.name);
    }
  }
  return Ok();
}

Result<SchemaChange> SchemaChanges::PrepareAllowed(const Pending& pending) const {
  const std::optional<ReadOnlyState> read_only = environment_.read_only();
  // A registry that could not be read knows nothing that a change could be judged by. On a full
  // disk it does: what is wrong anyway is told as such.
  if (read_only.has_value() && read_only->code == ErrorCode::kReadOnly) {
    return Error{read_only->code, read_only->reason};
  }
  ASSIGN_OR_RETURN(SchemaChange change, pending.prepare(environment_.registry));
  if (change.no_op()) return change;
  RETURN_IF_ERROR(CheckNames(pending, change));
  if (read_only.has_value()) return Error{read_only->code, read_only->reason};
  return change;
}

void SchemaChanges::Start(Pending& pending) {
  if (pending.begin) {
    pending.begin(std::shared_ptr<void>(nullptr, [this, alive = std::weak_ptr(alive_)](void*) {
      if (!alive.expired()) End();
    }));
    return;
  }
  auto shared = std::make_shared<Pending>(std::move(pending));
  Result<SchemaChange> prepared = PrepareAllowed(*shared);
  if (!prepared.has_value() || prepared->no_op()) {
    Finish(*shared, std::move(prepared));
    return;
  }
  auto change = std::make_shared<SchemaChange>(*std::move(prepared));
  const auto submit = [this, shared, change](Removals::Token token) {
    const Result<> submitted = Submit(shared, change, std::move(token));
    if (!submitted.has_value()) Finish(*shared, submitted.error());
  };
  if (change->removals.empty() && change->retired_groups.empty()) {
    submit(nullptr);
  } else {
    environment_.removals.Run(submit);
  }
}

Result<> SchemaChanges::Submit(std::shared_ptr<Pending> pending,
                               std::shared_ptr<SchemaChange> change, Removals::Token token) {
  if (pending->allow) RETURN_IF_ERROR(pending->allow());
  LogRecord record;
  for (const GroupId id : change->retired_groups) {
    const SchemaObject* const group = environment_.registry.Current()->FindGroup(id);
    CHECK(group != nullptr) << "group id " << id << " is retired but not live";
    if (IsPlanted(PlantedBug::kRetirementNotLogged)) continue;
    record.retired_groups.push_back({group->group().catalog, id});
    if (!IsPlanted(PlantedBug::kGroupThrownAwayEarly)) continue;
    RETURN_IF_ERROR(environment_.groups.Find(id)->MoveToTrash());
  }
  ASSIGN_OR_RETURN(std::vector<Routed> routed,
                   RouteSchemaChange(environment_.schema_group, *change));
  SharedPass pass = Enter();
  return environment_.submit(
      std::move(routed), std::move(record),
      [this, pass, pending, change, token](const PositionPins::Pin& pin) {
        environment_.executor.Post([this, pass, pending, change, token, pin] {
          environment_.apply(*change, pin);
          Finish(*pending, std::move(*change));
        });
      });
}

void SchemaChanges::Finish(const Pending& pending, Result<SchemaChange> result) {
  {
    MutexLock lock(mutex_);
    running_ = false;
  }
  pending.done(std::move(result));
  SharedPass pass = Enter();
  if (!*pass) return;
  environment_.executor.Post([this, pass] { RunNext(); });
}

void SchemaChanges::End() {
  {
    MutexLock lock(mutex_);
    running_ = false;
  }
  SharedPass pass = Enter();
  if (!*pass) return;
  environment_.executor.Post([this, pass] { RunNext(); });
}

}  // namespace ficus
