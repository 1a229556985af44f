#include "engine/database/replay.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/planted_bug.h"
#include "engine/database/parked_log.h"

namespace ficus {
namespace {

// Whoever ends a replay waits for the tables to take this much.
constexpr size_t kBacklogBytesMax = 8 << 20;

// Rows on their way into the tables, in bytes.
class Backlog : public std::enable_shared_from_this<Backlog> {
 public:
  // They count until the last copy is gone.
  std::shared_ptr<void> Add(size_t bytes) {
    const size_t counted = std::max<size_t>(bytes, 1);
    MutexLock lock(mutex_);
    bytes_ += counted;
    return std::shared_ptr<void>(
        this, [self = shared_from_this(), counted](void*) { self->Remove(counted); });
  }

  void WaitForAtMost(size_t bytes, const Completion::RunUntil& run_until) {
    if (run_until) {
      run_until([&] { return Bytes() <= bytes; });
      return;
    }
    MutexLock lock(mutex_);
    while (bytes_ > bytes) fell_.Wait(lock);
  }

 private:
  size_t Bytes() {
    MutexLock lock(mutex_);
    return bytes_;
  }
  void Remove(size_t bytes) {
    MutexLock lock(mutex_);
    bytes_ -= bytes;
    fell_.NotifyAll();
  }

  Mutex mutex_;
  CondVar fell_;
  size_t bytes_ GUARDED_BY(mutex_) = 0;
};

class Replay {
 public:
  explicit Replay(const ReplayEnvironment& environment) : environment_(environment) {}

  Result<ReplayOutcome> Run();

 private:
  Result<> CheckStop() const;
  Result<> CollectEvidence();
  Result<> ApplyBatch(LogPosition position, Scn scn, std::string_view payload);
  bool IsGone(const RoutedRows& rows, LogPosition position) const;
  Result<> MakeRoom();
  Result<> Park(LogPosition position, std::string_view payload, const Error& why);

  const ReplayEnvironment& environment_;
  ReplayOutcome outcome_;
  struct Removal {
    RemovedSegment segment;
    LogPosition position;
  };
  std::vector<Removal> removals_;
  size_t unflushed_bytes_ = 0;  // introduced since the last flush of everything
  const std::shared_ptr<Backlog> backlog_ = std::make_shared<Backlog>();
};

Result<ReplayOutcome> Replay::Run() {
  RETURN_IF_ERROR(CollectEvidence());
  const Result<> replayed =
      environment_.log.Replay(environment_.log.opening().first,
                              [this](LogPosition position, Scn scn, std::string_view payload) {
                                return ApplyBatch(position, scn, payload);
                              });
  backlog_->WaitForAtMost(0, environment_.run_until);
  RETURN_IF_ERROR(replayed);
  return std::move(outcome_);
}

Result<> Replay::CheckStop() const {
  if (!environment_.stop.stop_requested()) return Ok();
  return Error{ErrorCode::kCancelled, "the replay was stopped"};
}

Result<> Replay::CollectEvidence() {
  const auto collect = [this](LogPosition position, Scn, std::string_view payload) -> Result<> {
    RETURN_IF_ERROR(CheckStop());
    // What cannot be decoded is parked in the second pass.
    const Result<LogRecord> record = DecodeLogRecord(payload);
    if (!record.has_value()) return Ok();
    if (!IsPlanted(PlantedBug::kReplayIgnoresRetiredGroups)) {
      outcome_.retired_groups.insert(record->retired_groups.begin(), record->retired_groups.end());
    }
    for (const RemovedSegment& segment : record->removed_segments) {
      if (IsPlanted(PlantedBug::kReplayIgnoresRemovedSegments)) continue;
      removals_.push_back({segment, position});
      outcome_.removed_segments.push_back(segment);
    }
    return Ok();
  };
  return environment_.log.Replay(environment_.log.opening().first, collect);
}

bool Replay::IsGone(const RoutedRows& rows, LogPosition position) const {
  if (outcome_.retired_groups.contains({rows.catalog, rows.group})) return true;
  // Rows behind the removal belong to a segment that was made again.
  return std::any_of(removals_.begin(), removals_.end(), [&](const Removal& removal) {
    return position < removal.position && removal.segment.catalog == rows.catalog &&
           removal.segment.group == rows.group && removal.segment.times == rows.segment;
  });
}

Result<> Replay::ApplyBatch(LogPosition position, Scn scn, std::string_view payload) {
  RETURN_IF_ERROR(CheckStop());
  ++outcome_.batches;
  Result<LogRecord> record = DecodeLogRecord(payload);
  if (!record.has_value()) return Park(position, payload, record.error());

  // Rows of one table come together: a table takes a position once.
  struct Target {
    std::shared_ptr<TsTable> table;
    Introduction introduction;
  };
  std::vector<Target> targets;
  std::optional<Error> parked;
  for (RoutedRows& routed : record->rows) {
    const uint64_t count = routed.rows.rows();
    if (IsGone(routed, position)) {
      outcome_.rows_gone += count;
      continue;
    }
    Result<std::shared_ptr<TsTable>> table =
        FindTable(environment_.find_group(routed.group), routed);
    if (!table.has_value()) {
      // Short of memory or descriptors is no property of the record: the start is tried again.
      if (table.error().code == ErrorCode::kResourceExhausted) return table.error();
      parked = table.error();
      continue;
    }
    LogPosition flushed = (*table)->Flushed();
    if (IsPlanted(PlantedBug::kReplaySkipsOneTooMany)) flushed = flushed.Next();
    if (position <= flushed) {
      outcome_.rows_flushed += count;
      continue;
    }
    outcome_.rows += count;
    auto target = std::find_if(targets.begin(), targets.end(),
                               [&](const Target& candidate) { return candidate.table == *table; });
    if (target == targets.end()) {
      targets.push_back({*table, {}});
      target = std::prev(targets.end());
      target->introduction.position = position;
      target->introduction.scn = scn;
    }
    const Result<> added = AddRows(target->introduction, std::move(routed.rows));
    if (!added.has_value()) {
      parked = added.error();
      continue;
    }
    std::move(routed.entries.begin(), routed.entries.end(),
              std::back_inserter(target->introduction.entries));
  }
  // First: a table that has flushed its share would hide that another one has no place.
  if (parked.has_value()) RETURN_IF_ERROR(Park(position, payload, *parked));
  for (Target& target : targets) {
    const size_t bytes = target.introduction.MemoryBytes();
    target.introduction.reservation = environment_.ledger.Account(MemoryConsumer::kMemParts, bytes);
    unflushed_bytes_ += bytes;
    target.table->Introduce(std::move(target.introduction),
                            [table = target.table, under_way = backlog_->Add(bytes)] {});
  }
  backlog_->WaitForAtMost(kBacklogBytesMax, environment_.run_until);
  if (unflushed_bytes_ > environment_.ledger.limit_bytes() / 4) return MakeRoom();
  return Ok();
}

// A disk that takes nothing is no reason not to start: the rows then stay in memory and in the log.
Result<> Replay::MakeRoom() {
  const auto flushed = std::make_shared<Result<>>();
  const auto completion = std::make_shared<Completion>();
  environment_.flush_all([completion, flushed](Result<> result) {
    *flushed = std::move(result);
    completion->Set();
  });
  if (!completion->WaitOrStop(environment_.run_until, environment_.stop)) return CheckStop();
  if (!flushed->has_value()) LogWarn("log.replay_flush", "{}", flushed->error().ToString());
  unflushed_bytes_ = 0;
  return Ok();
}

Result<> Replay::Park(LogPosition position, std::string_view payload, const Error& why) {
  LogError("log.parked", "batch {} cannot be applied and is kept aside: {}", position.value(),
           why.ToString());
  ++outcome_.batches_parked;
  return ParkRecord(environment_.log_fs, environment_.random, environment_.log.id(), position,
                    payload);
}

}  // namespace

Result<ReplayOutcome> ReplayLog(const ReplayEnvironment& environment) {
  return Replay(environment).Run();
}

Result<std::shared_ptr<TsTable>> FindTable(GroupStore* store, const RoutedRows& rows) {
  if (store == nullptr) {
    return Error{ErrorCode::kNotFound, fmt::format("no group has id {}", Hex16(rows.group))};
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<Segment> segment, store->FindSegment(rows.segment));
  if (rows.shard.value() >= segment->shard_count()) {
    return Error{ErrorCode::kNotFound, fmt::format("segment {} has no shard {}",
                                                   segment->directory(), rows.shard.value())};
  }
  RETURN_IF_ERROR(segment->EnsureShard(rows.shard));
  ASSIGN_OR_RETURN(std::shared_ptr<TsTable> table, segment->Shard(rows.shard));
  if (const auto reason = table->ReadOnly()) {
    return Error{ErrorCode::kReadOnly, reason->ToString()};
  }
  return table;
}

}  // namespace ficus
