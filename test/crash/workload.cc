#include "test/crash/workload.h"

#include <algorithm>
#include <utility>

namespace ficus {

std::string CrashOpName(CrashOp op) {
  static constexpr const char* kNames[] = {"put",       "batch",  "flush",    "merge",
                                           "retention", "schema", "recreate", "restart"};
  return kNames[static_cast<size_t>(op)];
}

void MakeTiny(DatabaseOptions& options) {
  options.log.file_bytes = 16 << 10;
  options.ballast_bytes = 0;
  options.table.merge.parts_min = 2;
  // The clock steps by days on purpose.
  options.future_nanos_max = 10'000 * kNanosPerDay;
}

Workload::Workload() {
  MakeTiny(node_.options());
  Observe({});
}

void Workload::Observe(AtCrashPoint at_crash_point) {
  at_crash_point_ = std::move(at_crash_point);
  const auto observer = [this](uint64_t, std::string_view effect) {
    if (at_crash_point_) at_crash_point_(*this, effect);
  };
  node_.fs().SetObserver(observer);
  node_.log_fs().SetObserver(observer);
}

Result<> Workload::Check() {
  ASSIGN_OR_RETURN(const World world, ReadWorld(node_.database(), node_.ledger()));
  if (world == current()) return Ok();
  return Error{ErrorCode::kCorruption,
               "shown is " + world.ToString() + "; expected " + current().ToString()};
}

void Workload::Prepare() {
  REQUIRE(node_.Open().has_value());
  CreateGroup();
  CreateMeasure();
  Put({{1, DayBegin(0), 1}});
  Run(CrashOp::kFlush);
}

void Workload::Step(World after, const std::function<void(Done)>& start) {
  allowed_ = {current(), std::move(after)};
  bool done = false;
  start([&](const Result<>& result) {
    INFO((result.has_value() ? std::string() : result.error().ToString()));
    REQUIRE(result.has_value());
    allowed_ = {allowed_.back()};
    done = true;
  });
  node_.Pump([&] { return done; });
  node_.executor().RunUntilIdle();
}

void Workload::Change(World after, Database::PrepareChange prepare) {
  Step(std::move(after), [&](Done done) {
    node_.database().ChangeSchema(std::move(prepare), [done](const Result<SchemaChange>& change) {
      done(change.has_value() ? Ok() : Result<>(change.error()));
    });
  });
}

void Workload::CreateGroup() {
  World after = current();
  after.group = true;
  after.ttl_days = 7;
  Change(after, [this](const SchemaRegistry& registry) {
    return registry.PrepareCreate(node_.Group(kWorldGroup, 7), node_.now(), node_.random());
  });
}

void Workload::CreateMeasure() {
  World after = current();
  after.measure = true;
  Change(after, [this](const SchemaRegistry& registry) {
    return registry.PrepareCreate(node_.Measure(kWorldGroup, kWorldMeasure), node_.now(),
                                  node_.random());
  });
}

void Workload::Put(const std::vector<NodeRow>& rows) {
  World after = current();
  std::vector<NodeRow> versioned = rows;
  for (NodeRow& row : versioned) {
    row.version = ++version_;
    after.rows[{row.host, row.time}] = {row.version, row.value};
  }
  Step(after, [&](Done done) {
    std::vector<KeyedRows> batch;
    batch.push_back(node_.Keyed(kWorldGroup, kWorldMeasure, versioned));
    node_.database().Write(std::move(batch),
                           [done](const Result<>& result, const std::vector<RefusedRow>& refused) {
                             REQUIRE(refused.empty());
                             done(result);
                           });
  });
}

UnixNanos Workload::DayBegin(int64_t days_ago) const {
  return (node_.now() / kNanosPerDay - days_ago) * kNanosPerDay;
}

void Workload::Retain() {
  node_.clock().StepWall(kNanosPerDay);
  World after = current();
  const UnixNanos expired = node_.now() - after.ttl_days * kNanosPerDay;
  std::erase_if(after.rows, [&](const auto& row) {
    const UnixNanos day = row.first.second / kNanosPerDay * kNanosPerDay;
    return day + kNanosPerDay <= expired;
  });
  Step(after, [&](Done done) { node_.database().RunRetention(std::move(done)); });
}

void Workload::Recreate() {
  Step(World{}, [&](Done done) {
    node_.database().DeleteGroup(kWorldGroup, GroupDeletion::kEverything,
                                 [done](const Result<SchemaChange>& change) {
                                   done(change.has_value() ? Ok() : Result<>(change.error()));
                                 });
  });
  // Its files must be gone before the name can be used again.
  node_.Pump([&] { return node_.database().Task(kWorldGroup)->state == DeletionState::kDone; });
  CreateGroup();
  CreateMeasure();
}

void Workload::Run(CrashOp op) {
  const World same = current();
  switch (op) {
    case CrashOp::kPut:
      return Put({{1, DayBegin(0), version_ * 10}});
    case CrashOp::kBatch:
      return Put({{1, DayBegin(0) + kNanosPerHour, version_ * 10},
                  {2, DayBegin(0), version_ * 10 + 1},
                  {3, DayBegin(same.ttl_days), version_ * 10 + 2}});
    case CrashOp::kFlush:
      return Step(same, [&](Done done) { node_.database().FlushAll(std::move(done)); });
    case CrashOp::kMerge:
      return Step(same, [&](Done done) { node_.database().MergeAll(std::move(done)); });
    case CrashOp::kRetention:
      return Retain();
    case CrashOp::kSchema: {
      World after = current();
      after.ttl_days = after.ttl_days == 7 ? 8 : 7;
      return Change(after, [this, ttl = after.ttl_days](const SchemaRegistry& registry) {
        return registry.PrepareUpdate(node_.Group(kWorldGroup, ttl), node_.now());
      });
    }
    case CrashOp::kRecreate:
      return Recreate();
    case CrashOp::kRestart:
      node_.Close();
      REQUIRE(node_.Open().has_value());
      return;
  }
}

}  // namespace ficus
