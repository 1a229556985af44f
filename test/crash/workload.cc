#include "test/crash/workload.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace ficus {

std::string CrashOpName(CrashOp op) {
  static constexpr const char* kNames[] = {"put",     "batch",    "flush",    "merge",  "retention",
                                           "schema",  "recreate", "snapshot", "backup", "restore",
                                           "restart", "busy",     "watch",    "new-log"};
  return kNames[static_cast<size_t>(op)];
}

void MakeTiny(DatabaseOptions& options) {
  options.log.file_bytes = 16 << 10;
  options.ballast_bytes = 0;
  options.table.merge.parts_min = 2;
  // The clock steps by days on purpose.
  options.future_nanos_max = 10'000 * kNanosPerDay;
}

Workload::Workload(Durability durability) {
  MakeTiny(node_.options());
  node_.options().log.durability = durability;
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

void Workload::Fail(const Error& error) {
  if (failure_.has_value()) failure_ = error;
}

void Workload::CheckShown() {
  const Result<World> world = ReadWorld(node_.database(), node_.ledger());
  if (!world.has_value()) return Fail(world.error());
  if (*world == current()) return;
  Fail({ErrorCode::kCorruption,
        "shown is " + world->ToString() + "; expected " + current().ToString()});
}

Result<> Workload::Check() {
  CheckShown();
  return failure_;
}

void Workload::Prepare() {
  const Result<> opened = node_.Open();
  if (!opened.has_value()) return Fail(opened.error());
  CreateGroup();
  CreateMeasure();
  if (failed()) return;
  Put({{1, DayBegin(0), 1}});
  Run(CrashOp::kFlush);
}

void Workload::Expect(const World& after) {
  if (after == current()) return;
  expected_.worlds.push_back(after);
  if (!expected_.taking.empty()) expected_.taking.push_back(after);
}

void Workload::Pump(const std::function<bool()>& done) {
  constexpr int kMillisMax = 30'000;
  for (int millis = 0; !done();) {
    if (node_.executor().RunOne()) continue;
    if (++millis > kMillisMax)
      return Fail({ErrorCode::kDeadlineExceeded, "an operation never ends"});
    node_.executor().Advance(kNanosPerMilli);
  }
}

void Workload::Acknowledge(const Result<>& result, bool durable) {
  if (!result.has_value()) return Fail(result.error());
  if (durable) expected_.worlds = {current()};
}

void Workload::Step(const World& after, bool durable, const std::function<void(Done)>& start) {
  Expect(after);
  // Outlives the wait when that is given up.
  auto done = std::make_shared<bool>(false);
  start([this, durable, done](const Result<>& result) {
    Acknowledge(result, durable);
    *done = true;
  });
  Pump([&] { return *done; });
  node_.executor().RunUntilIdle();
}

void Workload::Change(const World& after, Database::PrepareChange prepare) {
  Step(after, true, [&](Done done) {
    node_.database().ChangeSchema(std::move(prepare), [done](const Result<SchemaChange>& change) {
      done(change.has_value() ? Ok() : Result<>(change.error()));
    });
  });
}

SchemaObject Workload::Group(uint32_t ttl_days) {
  SchemaObject group = node_.Group(kWorldGroup, ttl_days);
  // Longer than a sector, so that a record of it can be torn in the middle.
  while (group.payload.size() < 1500) group.payload += fmt::format(" {}", group.payload.size());
  return group;
}

void Workload::CreateGroup() {
  World after = current();
  after.group = true;
  after.ttl_days = 7;
  after.payload = Group(7).payload;
  Change(after, [this](const SchemaRegistry& registry) {
    return registry.PrepareCreate(Group(7), node_.now(), node_.random());
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

// Gives the rows their versions.
World Workload::After(std::vector<NodeRow>& rows) {
  World after = current();
  for (NodeRow& row : rows) {
    row.version = ++version_;
    after.rows[{row.host, row.time}] = {row.version, row.value};
  }
  return after;
}

void Workload::Write(const std::vector<NodeRow>& rows, const World& after, const Done& done) {
  std::vector<KeyedRows> batch;
  batch.push_back(node_.Keyed(kWorldGroup, kWorldMeasure, rows));
  node_.database().Write(
      std::move(batch),
      [this, rows, after, done](const Result<>& result, const std::vector<RefusedRow>& refused) {
        const std::vector<NodeRow> taken = TakeBack(rows, refused, after);
        if (result.has_value()) {
          CheckShows(taken);
          if (strict() && refused.empty()) DropWorldsBefore(after);
        }
        done(result);
      });
}

// The rows that were not refused; the others are not expected any more.
std::vector<NodeRow> Workload::TakeBack(const std::vector<NodeRow>& rows,
                                        const std::vector<RefusedRow>& refused,
                                        const World& after) {
  if (refused.empty()) return rows;
  if (!may_refuse_) Fail({refused.front().code, "a row was refused"});
  std::vector<World>& worlds = expected_.worlds;
  const auto at = std::find(worlds.begin(), worlds.end(), after);
  std::vector<NodeRow> taken;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    const bool is_refused = std::any_of(refused.begin(), refused.end(),
                                        [&](const RefusedRow& row) { return row.ordinal == i; });
    if (!is_refused) {
      taken.push_back(rows[i]);
    } else if (at != worlds.end() && at != worlds.begin()) {
      const std::pair key(rows[i].host, rows[i].time);
      const auto before = std::prev(at)->rows.find(key);
      at->rows.erase(key);
      if (before != std::prev(at)->rows.end()) at->rows.insert(*before);
    }
  }
  refused_ += refused.size();
  return taken;
}

// No crash leaves less than `after` any more.
void Workload::DropWorldsBefore(const World& after) {
  std::vector<World>& worlds = expected_.worlds;
  const auto at = std::find(worlds.begin(), worlds.end(), after);
  // Not there: what stands in the log behind it was acknowledged before it.
  if (at != worlds.end()) worlds.erase(worlds.begin(), at);
}

// Whoever is told that rows are in must see them.
void Workload::CheckShows(const std::vector<NodeRow>& rows) {
  const Result<World> world = ReadWorld(node_.database(), node_.ledger());
  if (!world.has_value()) return Fail(world.error());
  for (const NodeRow& row : rows) {
    const auto shown = world->rows.find({row.host, row.time});
    if (shown != world->rows.end() && shown->second.first >= row.version) continue;
    return Fail({ErrorCode::kCorruption, fmt::format("version {} is acknowledged; shown is {}",
                                                     row.version, world->ToString())});
  }
}

void Workload::Put(std::vector<NodeRow> rows) {
  const World after = After(rows);
  Step(after, strict(), [&](const Done& done) { Write(rows, after, done); });
}

std::vector<NodeRow> Workload::Batch() const {
  return {{1, DayBegin(0) + kNanosPerHour, version_ * 10},
          {2, DayBegin(0), version_ * 10 + 1},
          {1, DayBegin(current().ttl_days), version_ * 10 + 2}};
}

UnixNanos Workload::DayBegin(int64_t days_ago) const {
  return (node_.now() / kNanosPerDay - days_ago) * kNanosPerDay;
}

World Workload::WithoutExpired() const {
  World after = current();
  if (retention_held_) return after;
  const UnixNanos expired = node_.now() - after.ttl_days * kNanosPerDay;
  std::erase_if(after.rows, [&](const auto& row) {
    const UnixNanos day = row.first.second / kNanosPerDay * kNanosPerDay;
    return day + kNanosPerDay <= expired;
  });
  return after;
}

void Workload::Retain() {
  node_.clock().StepWall(kNanosPerDay);
  const World after = WithoutExpired();
  const bool durable = strict() || after != current();
  const auto run = [&](Done done) { node_.database().RunRetention(std::move(done)); };
  Step(after, durable, run);
  // The files go with the next run; until then their time takes no rows.
  Step(after, false, run);
}

void Workload::Recreate() {
  Step(World{}, true, [&](Done done) {
    node_.database().DeleteGroup(
        kWorldGroup, GroupDeletion::kEverything, [] { return Ok(); },
        [done](const Result<SchemaChange>& change) {
          done(change.has_value() ? Ok() : Result<>(change.error()));
        });
  });
  if (failed()) return;
  // Its files must be gone before the name can be used again.
  Pump([&] { return node_.database().Task(kWorldGroup)->state == DeletionState::kDone; });
  if (failed()) return;
  retention_held_ = false;
  CreateGroup();
  if (!failed()) CreateMeasure();
}

void Workload::TakeSnapshot(const Done& done) {
  expected_.taking = expected_.worlds;
  node_.database().TakeSnapshot({}, [this, done](const Result<SnapshotContents>& contents) {
    const std::vector<World> worlds = std::exchange(expected_.taking, {});
    if (!contents.has_value()) return done(contents.error());
    for (const CatalogSnapshot& catalog : contents->catalogs) {
      if (!catalog.error.empty()) Fail({ErrorCode::kCorruption, "snapshot: " + catalog.error});
    }
    expected_.snapshots[contents->id] = worlds;
    newest_snapshot_ = contents->id;
    done(Ok());
  });
}

void Workload::BackUp() {
  // Its mark in the log is synced.
  Step(current(), true, [&](const Done& done) { TakeSnapshot(done); });
  if (failed()) return;
  const Result<> made = backups_.BackUp(node_, newest_snapshot_, current());
  if (!made.has_value()) Fail(made.error());
}

void Workload::Restore() {
  if (!backups_.world().has_value()) return Fail({ErrorCode::kNotFound, "there is no backup"});
  Expect(*backups_.world());
  const Result<> staged = backups_.Stage(node_);
  if (!staged.has_value()) return Fail(staged.error());
  retention_held_ = true;
  Restart();
}

void Workload::Restart() {
  node_.Close();
  const Result<> opened = node_.Open();
  if (!opened.has_value()) return Fail(opened.error());
  if (const auto read_only = node_.database().ReadOnly()) {
    return Fail({read_only->code, read_only->reason});
  }
  expected_.worlds = {current()};
}

Workload::Done Workload::BusyDone() {
  ++under_way_;
  return [this](const Result<>& result) {
    if (!result.has_value()) Fail(result.error());
    --under_way_;
  };
}

void Workload::Busy() {
  TakeSnapshot(BusyDone());
  for (int64_t i = 0; i < 8; ++i) {
    std::vector<NodeRow> rows = {{i % 2, DayBegin(0) + i * kNanosPerHour, version_ * 10}};
    const World after = After(rows);
    Expect(after);
    Write(rows, after, BusyDone());
    if (i == 4) node_.database().FlushAll(BusyDone());
    node_.executor().RunOne();
    node_.executor().RunOne();
  }
  node_.database().MergeAll(BusyDone());
  Pump([&] { return under_way_ == 0; });
  node_.executor().RunUntilIdle();
}

void Workload::LoseLog() {
  Run(CrashOp::kFlush);
  node_.Close();
  node_.UseLog(MemoryFileSystem::Create());
  Observe(at_crash_point_);
  expected_.accepts_log_loss = true;
  node_.options().accept_log_loss = true;
  const Result<> opened = node_.Open();
  if (!opened.has_value()) Fail(opened.error());
  node_.executor().RunUntilIdle();
}

void Workload::Run(CrashOp op) {
  if (failed()) return;
  Start(op);
  if (!failed()) NoteNumbers();
}

// No job runs any more: what was given is named, and every manifest is durable.
void Workload::NoteNumbers() {
  const Result<NumberHistory> given = ReadNumbers(node_.fs());
  if (!given.has_value()) return Fail(given.error());
  const Result<> fresh = CheckNumbers(expected_.numbers, *given);
  if (!fresh.has_value()) return Fail(fresh.error());
  AddNumbers(expected_.numbers, *given);
}

void Workload::Start(CrashOp op) {
  const World same = current();
  switch (op) {
    case CrashOp::kPut:
      return Put({{1, DayBegin(0), version_ * 10}});
    case CrashOp::kBatch:
      return Put(Batch());
    case CrashOp::kFlush:
      return Step(same, true, [&](Done done) { node_.database().FlushAll(std::move(done)); });
    case CrashOp::kMerge:
      return Step(same, false, [&](Done done) { node_.database().MergeAll(std::move(done)); });
    case CrashOp::kRetention:
      return Retain();
    case CrashOp::kSchema: {
      World after = current();
      after.ttl_days = after.ttl_days == 7 ? 8 : 7;
      after.payload = Group(after.ttl_days).payload;
      return Change(after, [this, ttl = after.ttl_days](const SchemaRegistry& registry) {
        return registry.PrepareUpdate(Group(ttl), node_.now());
      });
    }
    case CrashOp::kRecreate:
      return Recreate();
    case CrashOp::kSnapshot:
      // Its mark in the log is synced.
      return Step(same, true, [&](const Done& done) { TakeSnapshot(done); });
    case CrashOp::kBusy:
      return Busy();
    case CrashOp::kWatch:
      // Whether a removal of the watch is durable nobody is told.
      Expect(WithoutExpired());
      return node_.Pass(61 * kNanosPerSecond);
    case CrashOp::kNewLog:
      return LoseLog();
    case CrashOp::kBackup:
      return BackUp();
    case CrashOp::kRestore:
      return Restore();
    case CrashOp::kRestart:
      return Restart();
  }
}

}  // namespace ficus
