#include "engine/table/ts_table.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <span>
#include <utility>

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/planted_bug.h"
#include "engine/io/publish.h"
#include "engine/model/entity.h"
#include "engine/part/merge.h"
#include "engine/runtime/strand.h"
#include "engine/table/late_file.h"
#include "engine/table/manifest.h"
#include "engine/table/manifest_writer.h"
#include "engine/table/mem_levels.h"
#include "engine/table/recovery.h"
#include "engine/table/table_metrics.h"

namespace ficus {
namespace {

constexpr size_t kRunsMergedMin = 4;
constexpr int64_t kBackoffFirstNanos = kNanosPerSecond;
constexpr int64_t kBackoffMaxNanos = 60 * kNanosPerSecond;
// A merge at least this large may spend more time on fewer bytes: its output is rewritten seldom.
// So is that of a final one.
constexpr uint64_t kSmallEffortBytesMin = 4 << 20;

// Rows that arrive together are sorted together, up to about so many: more is slower to sort.
constexpr size_t kTogetherBytes = 2 << 20;

using SharedPass = std::shared_ptr<Gate::Pass>;
using Waiter = std::function<void(Result<>)>;

void CallAll(const std::vector<Waiter>& waiters, const Result<>& result) {
  for (const Waiter& waiter : waiters) waiter(result);
}

std::vector<PartInfo> InfosOf(const Snapshot& snapshot) {
  std::vector<PartInfo> infos;
  infos.reserve(snapshot.parts.size());
  for (const SnapshotPart& part : snapshot.parts) infos.push_back(part.part->info());
  return infos;
}

// What of `snapshot` lies on disk; holds no memory of rows.
std::shared_ptr<const Snapshot> FilesOf(const Snapshot& snapshot) {
  auto files = std::make_shared<Snapshot>();
  files->epoch = snapshot.epoch;
  files->manifest_epoch = snapshot.manifest_epoch;
  files->parts = snapshot.parts;
  files->runs = snapshot.runs;
  files->damaged = snapshot.damaged;
  files->flushed = snapshot.flushed;
  return files;
}

// Delays that double with each failure in a row.
class Backoff {
 public:
  int64_t Next() {
    const int64_t delay = next_;
    next_ = std::min(next_ * 2, kBackoffMaxNanos);
    return delay;
  }
  void Reset() { next_ = kBackoffFirstNanos; }

 private:
  int64_t next_ = kBackoffFirstNanos;
};

Error TableClosed() { return {ErrorCode::kUnavailable, "the table is closed"}; }

struct Flush {
  SharedPass pass;
  std::vector<std::shared_ptr<const MemPart>> parts;
  bool is_all = true;  // false: what lies beyond the seal line waits
  Scn scn;
  int64_t started = 0;
  std::vector<Waiter> waiters;
  SnapshotPart part;  // empty when every row was dropped
  SnapshotRun run;    // empty when there was no new series
};

// Waits for a flush, which holds the table's gate; has no pass of its own.
struct Pin {
  LogPosition position;
  TsTable::PinDone done;
};

struct Merge {
  SharedPass pass;
  std::shared_ptr<const Snapshot> snapshot;
  MergeChoice choice;  // of parts; empty: runs are merged
  size_t runs_begin = 0;
  bool is_final = false;  // what it writes is meant to stay
  int64_t started = 0;
};

// Rows on their way to the introducer.
struct Arrival {
  Introduction introduction;
  std::function<void()> done;
};

// Of all files of a table, for damage.
struct Check {
  SharedPass pass;
  std::shared_ptr<const Snapshot> snapshot;
  size_t first_part = 0;  // the suspect; the others follow in their order
  size_t next = 0;        // how many were looked at
};

class TsTableImpl final : public TsTable {
 public:
  TsTableImpl(TableEnvironment environment, TableOptions options, RecoveredTable recovered);
  ~TsTableImpl() override { Close(); }

  void Introduce(Introduction introduction, std::function<void()> done) override;
  std::shared_ptr<const Snapshot> Current() const override;
  Result<const SeriesSet*> KnownSeries() override;
  void CheckDamage() override;
  std::optional<Error> ReadOnly() const override { return read_only_; }
  std::optional<LogPosition> OldestUnflushed() const override;
  LogPosition Flushed() const override;
  Scn FlushedScn() const override;
  void Flush(Waiter done) override;
  void PinAt(LogPosition position, PinDone done) override;
  void MergeAll(Waiter done) override;
  bool IsIdle() const override;
  void Shut() override;
  bool IsDrained() const override {
    return gate_.closed() && gate_.empty() && cleaner_->IsDrained();
  }
  void Close() override;

 private:
  SharedPass Enter() { return std::make_shared<Gate::Pass>(gate_.Enter()); }
  std::string PathOf(std::string_view name) const { return JoinPath(options_.directory, name); }
  // Of a file that is about to be written: until a manifest names it, what there is of it goes with
  // its handle.
  std::shared_ptr<FileHandle> OutputOf(std::string name) {
    auto output = std::make_shared<FileHandle>(cleaner_, std::move(name));
    output->Doom();
    return output;
  }
  // For MergeRules.
  std::function<Result<>(uint64_t)> StopWhenClosing() const {
    return [this](uint64_t) -> Result<> {
      if (gate_.closed()) return Error{ErrorCode::kUnavailable, "the table is closing"};
      return Ok();
    };
  }
  double SecondsSince(int64_t started) const {
    return static_cast<double>(environment_.clock.Monotonic() - started) / kNanosPerSecond;
  }

  // On the introducer's strand: the only code that publishes.
  void Publish(const std::function<void(Snapshot&)>& change);
  // What has arrived, in order. Empty for a job when an earlier one has taken it along.
  std::vector<std::shared_ptr<Arrival>> TakeArrivals();
  void IntroduceArrivals();
  // Makes one mem part of neighbours.
  void ApplyTogether(std::span<const std::shared_ptr<Arrival>> arrivals);
  void LearnSeries(const std::vector<SeriesEntry>& entries);
  void ApplyFlush(const ficus::Flush& flush, const Manifest& manifest);
  void ApplyMerge(const Merge& merge, const SnapshotPart& part, const Manifest& manifest);
  void ApplyRunMerge(const Merge& merge, const SnapshotRun& run, const Manifest& manifest);
  void ApplyDamage(const DamageRecord& damage, const Manifest& manifest);
  void ApplyCoalesced(const std::vector<std::shared_ptr<const MemPart>>& inputs,
                      const std::shared_ptr<const MemPart>& merged);

  LogPosition SealedAt() const {
    return environment_.seal == nullptr ? LogPosition() : environment_.seal->position();
  }
  Result<> LoadKnown(const Snapshot& snapshot);
  void TryPin(const std::shared_ptr<Pin>& pin);
  Epoch NextPinnedEpoch();
  PinnedTable PinnedFrom(std::shared_ptr<const Snapshot> files, LogPosition position);

  void MaybeCoalesce();
  void MaybeFlush();
  void StartFlush(std::vector<Waiter> waiters);
  void TakePartsToFlush(ficus::Flush& flush) REQUIRES(mutex_);
  void WriteFlush(const std::shared_ptr<ficus::Flush>& flush);
  Result<> WriteFlushFiles(ficus::Flush& flush);
  bool HasLiveEntries(const std::vector<std::shared_ptr<const MemPart>>& parts) const;
  void CommitFlush(const std::shared_ptr<ficus::Flush>& flush);
  void EndFlush(const std::shared_ptr<ficus::Flush>& flush, const Result<>& result);

  void MaybeMerge();
  bool ChooseWork(Merge& merge, uint64_t room_bytes) const REQUIRES(mutex_);
  void RunMerge(const std::shared_ptr<Merge>& merge);
  Result<EntryCursors> EntriesForMerge(const Merge& merge, uint64_t rows) const;
  Result<MemoryReservation> ReserveForMerge(size_t bytes) const;
  void RunPartMerge(const std::shared_ptr<Merge>& merge);
  void RunRunMerge(const std::shared_ptr<Merge>& merge);
  void EndMerge(const std::shared_ptr<Merge>& merge, const Result<>& result);
  void StartCheck(size_t first_part);
  void CheckNextFile(const std::shared_ptr<Check>& check);
  void NoteDamage(const Result<>& verified, DamageRecord damage, const SharedPass& pass);

  void StartTimer(std::shared_ptr<Executor::Timer>& timer, Executor& executor, int64_t delay,
                  void (TsTableImpl::*fire)(const SharedPass&)) REQUIRES(mutex_);
  void FlushTimerFired(const SharedPass& pass);
  void MergeTimerFired(const SharedPass& pass);

  // Constant after construction.
  const TableEnvironment environment_;
  const TableOptions options_;
  const std::optional<Error> read_only_;

  // Provide their own synchronisation.
  TableMetrics metrics_;
  Gate gate_;
  std::atomic<uint64_t> epochs_;
  FileNumbers numbers_;
  const std::shared_ptr<GarbageCleaner> cleaner_;
  Strand introducer_;
  ManifestWriter manifests_;
  SeriesSet known_;

  // Touched by jobs of introducer_ only.
  Scn introduced_scn_;
  LogPosition introduced_;
  MemLevels mem_levels_;  // of the mem parts in the newest snapshot

  mutable Mutex mutex_;
  CondVar known_changed_;
  enum class KnownState {
    kUnloaded,
    kLoading,
    kLoaded
  } known_state_ GUARDED_BY(mutex_) = KnownState::kUnloaded;
  std::optional<Error> known_error_ GUARDED_BY(mutex_);  // why loading failed the last time
  int64_t known_retry_at_ GUARDED_BY(mutex_) = 0;        // then; monotonic
  Backoff known_backoff_ GUARDED_BY(mutex_);
  // Their jobs of introducer_ hold them: a job that is dropped takes its rows along.
  std::vector<std::weak_ptr<Arrival>> arrivals_ GUARDED_BY(mutex_);
  std::shared_ptr<const Snapshot> current_ GUARDED_BY(mutex_);
  LogPosition flushed_ GUARDED_BY(mutex_);
  Scn flushed_scn_ GUARDED_BY(mutex_);
  Scn newest_scn_ GUARDED_BY(mutex_);
  bool closing_ GUARDED_BY(mutex_) = false;
  bool flushing_ GUARDED_BY(mutex_) = false;
  bool flush_backing_off_ GUARDED_BY(mutex_) = false;  // flush_timer_ is that of the next attempt
  bool merging_ GUARDED_BY(mutex_) = false;
  bool coalescing_ GUARDED_BY(mutex_) = false;
  bool checking_ GUARDED_BY(mutex_) = false;
  // Somebody waits until the parts up to this position are merged.
  std::optional<LogPosition> merge_all_to_ GUARDED_BY(mutex_);
  LogPosition flushing_to_ GUARDED_BY(mutex_);
  Backoff flush_backoff_ GUARDED_BY(mutex_);
  Backoff merge_backoff_ GUARDED_BY(mutex_);
  std::vector<Waiter> flush_waiters_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Pin>> pins_ GUARDED_BY(mutex_);  // wait for a flush to end
  std::optional<Manifest> last_pinned_ GUARDED_BY(mutex_);
  std::vector<Waiter> merge_waiters_ GUARDED_BY(mutex_);
  std::shared_ptr<Executor::Timer> flush_timer_ GUARDED_BY(mutex_);
  std::shared_ptr<Executor::Timer> merge_timer_ GUARDED_BY(mutex_);
};

TsTableImpl::TsTableImpl(TableEnvironment environment, TableOptions options,
                         RecoveredTable recovered)
    : environment_(std::move(environment)),
      options_(std::move(options)),
      read_only_(std::move(recovered.read_only)),
      metrics_(environment_.metrics),
      epochs_(recovered.manifest.epoch.value() + 1),
      numbers_(recovered.next_file),
      cleaner_(std::move(recovered.cleaner)),
      introducer_(environment_.introduce),
      manifests_(
          {environment_.fs, environment_.random, environment_.flush, cleaner_, epochs_, numbers_},
          options_.directory, recovered.manifest, recovered.previous_manifest),
      known_(environment_.ledger),
      flushed_(recovered.manifest.log == environment_.log_id ||
                       IsPlanted(PlantedBug::kReplayIgnoresLogId)
                   ? recovered.manifest.flushed
                   : LogPosition()),
      flushed_scn_(recovered.manifest.scn) {
  auto snapshot = std::make_shared<Snapshot>(std::move(recovered.snapshot));
  snapshot->manifest_epoch = recovered.manifest.epoch;
  snapshot->flushed = flushed_;
  snapshot->epoch = Epoch(epochs_.fetch_add(1));
  for (const SnapshotPart& part : snapshot->parts) metrics_.late.Add(part.part->IsOpen() ? 0 : 1);
  for (const SnapshotRun& run : snapshot->runs) metrics_.late.Add(run.run->IsOpen() ? 0 : 1);
  introduced_ = flushed_;
  newest_scn_ = flushed_scn_;
  current_ = std::move(snapshot);
}

std::shared_ptr<const Snapshot> TsTableImpl::Current() const {
  MutexLock lock(mutex_);
  return current_;
}

void TsTableImpl::Publish(const std::function<void(Snapshot&)>& change) {
  CHECK(introducer_.RunsHere());
  const std::shared_ptr<const Snapshot> before = Current();
  auto next = std::make_shared<Snapshot>(*before);
  change(*next);
  next->epoch = Epoch(epochs_.fetch_add(1));
  CHECK(next->epoch > before->epoch);
  MutexLock lock(mutex_);
  current_ = std::move(next);
}

// --- Introducing rows

void TsTableImpl::Introduce(Introduction introduction, std::function<void()> done) {
  SharedPass pass = Enter();
  if (!*pass) {
    done();
    return;
  }
  const auto arrival = std::make_shared<Arrival>(Arrival{std::move(introduction), std::move(done)});
  {
    MutexLock lock(mutex_);
    newest_scn_ = std::max(newest_scn_, arrival->introduction.scn);
    arrivals_.push_back(arrival);
  }
  introducer_.Post([this, pass, arrival] { IntroduceArrivals(); });
}

std::vector<std::shared_ptr<Arrival>> TsTableImpl::TakeArrivals() {
  std::vector<std::weak_ptr<Arrival>> taken;
  {
    MutexLock lock(mutex_);
    taken.swap(arrivals_);
  }
  std::vector<std::shared_ptr<Arrival>> arrivals;
  for (const std::weak_ptr<Arrival>& each : taken) {
    std::shared_ptr<Arrival> arrival = each.lock();
    // The executor is closed, and has dropped its job.
    if (arrival == nullptr) break;
    arrivals.push_back(std::move(arrival));
  }
  return arrivals;
}

void TsTableImpl::IntroduceArrivals() {
  const std::vector<std::shared_ptr<Arrival>> arrivals = TakeArrivals();
  if (arrivals.empty()) return;
  // Read after they were taken, as in TakePartsToFlush.
  const LogPosition line = SealedAt();
  const auto is_below = [&](const Arrival& arrival) {
    return arrival.introduction.position <= line;
  };
  for (size_t begin = 0, end = 0; end < arrivals.size(); begin = end) {
    size_t bytes = arrivals[end++]->introduction.MemoryBytes();
    while (end < arrivals.size() && is_below(*arrivals[begin]) == is_below(*arrivals[end])) {
      bytes += arrivals[end]->introduction.MemoryBytes();
      if (bytes > std::min(kTogetherBytes, options_.flush_bytes)) break;
      ++end;
    }
    const auto together = std::span(arrivals).subspan(begin, end - begin);
    ApplyTogether(together);
    for (const auto& arrival : together) arrival->done();
  }
  MaybeCoalesce();
  MaybeFlush();
}

void TsTableImpl::ApplyTogether(std::span<const std::shared_ptr<Arrival>> arrivals) {
  std::vector<RowBatch> rows;
  std::vector<SeriesEntry> entries;
  MemoryReservation reservation;
  for (const auto& arrival : arrivals) {
    Introduction& introduction = arrival->introduction;
    CHECK(introduction.position > introduced_)
        << "position " << introduction.position << " after " << introduced_;
    introduced_ = introduction.position;
    introduced_scn_ = std::max(introduced_scn_, introduction.scn);
    std::move(introduction.rows.begin(), introduction.rows.end(), std::back_inserter(rows));
    std::move(introduction.entries.begin(), introduction.entries.end(),
              std::back_inserter(entries));
    reservation.Join(std::move(introduction.reservation));
  }
  auto part = MemPart::Create(std::move(rows), entries, arrivals.front()->introduction.position,
                              introduced_, environment_.clock.Monotonic(), std::move(reservation));
  Publish([&](Snapshot& next) { next.mem_parts.push_back(std::move(part)); });
  mem_levels_.Add(arrivals.size());
  LearnSeries(entries);
}

void TsTableImpl::LearnSeries(const std::vector<SeriesEntry>& entries) {
  for (const SeriesEntry& entry : entries) {
    const Result<> inserted =
        known_.Insert(entry.subject, entry.series, SeriesCheckOf(entry.entity));
    if (!inserted.has_value()) {
      LogError("table.series", "{}: {}", options_.directory, inserted.error().ToString());
    }
  }
}

void TsTableImpl::MaybeCoalesce() {
  const std::shared_ptr<const Snapshot> snapshot = Current();
  const LogPosition line = SealedAt();
  std::vector<std::shared_ptr<const MemPart>> inputs;
  SharedPass pass = Enter();
  {
    MutexLock lock(mutex_);
    if (coalescing_ || closing_ || !*pass) return;
    const MemStretch stretch =
        mem_levels_.Find(snapshot->mem_parts, flushing_to_, line, options_.flush_bytes);
    if (stretch.parts() == 0) return;
    inputs.assign(snapshot->mem_parts.begin() + static_cast<ptrdiff_t>(stretch.begin),
                  snapshot->mem_parts.begin() + static_cast<ptrdiff_t>(stretch.end));
    coalescing_ = true;
  }
  environment_.introduce.Post([this, pass, inputs = std::move(inputs)] {
    size_t bytes = 0;
    for (const auto& input : inputs) bytes += input->memory_bytes();
    auto merged =
        MemPart::Merge(inputs, environment_.ledger.Account(MemoryConsumer::kMemParts, bytes));
    introducer_.Post([this, pass, inputs, merged] {
      ApplyCoalesced(inputs, merged);
      MaybeCoalesce();
    });
  });
}

void TsTableImpl::ApplyCoalesced(const std::vector<std::shared_ptr<const MemPart>>& inputs,
                                 const std::shared_ptr<const MemPart>& merged) {
  bool covered = false;
  {
    MutexLock lock(mutex_);
    coalescing_ = false;
    covered = inputs.front()->first_position() <= flushing_to_ || closing_;
  }
  if (covered) return;
  const std::vector<std::shared_ptr<const MemPart>>& parts = Current()->mem_parts;
  const auto found = std::find(parts.begin(), parts.end(), inputs.front());
  if (found == parts.end()) return;
  const auto begin = static_cast<size_t>(found - parts.begin());
  CHECK(parts.size() - begin >= inputs.size());
  CHECK(std::equal(inputs.begin(), inputs.end(), found));
  Publish([&](Snapshot& next) {
    const auto first = next.mem_parts.begin() + static_cast<ptrdiff_t>(begin);
    *first = merged;
    next.mem_parts.erase(first + 1, first + static_cast<ptrdiff_t>(inputs.size()));
  });
  mem_levels_.Join({begin, begin + inputs.size()});
}

// --- Series known to writers

Result<const SeriesSet*> TsTableImpl::KnownSeries() {
  std::shared_ptr<const Snapshot> snapshot;
  {
    MutexLock lock(mutex_);
    while (known_state_ == KnownState::kLoading) known_changed_.Wait(lock);
    if (known_state_ == KnownState::kLoaded) return &known_;
    // Not with each write: the runs may be large.
    if (known_error_ && environment_.clock.Monotonic() < known_retry_at_) return *known_error_;
    known_state_ = KnownState::kLoading;
    snapshot = current_;
  }
  const Result<> loaded = LoadKnown(*snapshot);
  // What was read of a run that is damaged may be lost with it.
  if (!loaded.has_value()) known_.Clear();
  bool is_first_failure = false;
  {
    MutexLock lock(mutex_);
    known_changed_.NotifyAll();
    if (loaded.has_value()) {
      known_state_ = KnownState::kLoaded;
      known_error_.reset();
      return &known_;
    }
    known_state_ = KnownState::kUnloaded;
    is_first_failure = !known_error_;
    known_error_ = loaded.error();
    known_retry_at_ = environment_.clock.Monotonic() + known_backoff_.Next();
  }
  if (is_first_failure) {
    LogWarn("table.known_series", "{}: writers send every series again: {}", options_.directory,
            loaded.error().ToString());
  }
  if (loaded.error().code == ErrorCode::kCorruption) CheckDamage();
  return loaded.error();
}

// Entries of later introductions are inserted by the introducer meanwhile.
Result<> TsTableImpl::LoadKnown(const Snapshot& snapshot) {
  EntryCursors runs;
  for (const SnapshotRun& run : snapshot.runs) {
    ASSIGN_OR_RETURN(auto entries, run.run->ListEntries(FileClass::kQuery));
    runs.push_back(std::move(entries));
  }
  const auto merged = MergeEntries(std::move(runs), TwoEntities::kLogged);
  for (SeriesEntry entry;;) {
    ASSIGN_OR_RETURN(const bool found, merged->Next(entry));
    if (!found) return Ok();
    known_.Put(entry.subject, entry.series, SeriesCheckOf(entry.entity));
  }
}

// --- Flushing

std::optional<LogPosition> TsTableImpl::OldestUnflushed() const {
  MutexLock lock(mutex_);
  if (current_->mem_parts.empty()) return std::nullopt;
  return current_->mem_parts.front()->first_position();
}

LogPosition TsTableImpl::Flushed() const {
  MutexLock lock(mutex_);
  return flushed_;
}

Scn TsTableImpl::FlushedScn() const {
  MutexLock lock(mutex_);
  return flushed_scn_;
}

void TsTableImpl::StartTimer(std::shared_ptr<Executor::Timer>& timer, Executor& executor,
                             int64_t delay, void (TsTableImpl::*fire)(const SharedPass&)) {
  if (timer != nullptr || closing_) return;
  SharedPass pass = Enter();
  if (!*pass) return;
  // The pass keeps the table until the job has run or was cancelled.
  timer =
      executor.PostAfter(std::max<int64_t>(delay, 0), [this, pass, fire] { (this->*fire)(pass); });
}

void TsTableImpl::MaybeFlush() {
  bool start = false;
  {
    MutexLock lock(mutex_);
    // After a failure the timer decides: commits come too often to try again with each.
    if (flushing_ || flush_backing_off_) return;
    // Also when the flush that just ended left nothing: who asked meanwhile is told so.
    const bool wanted = !flush_waiters_.empty();
    if (!wanted && (closing_ || current_->mem_parts.empty())) return;
    start = wanted || current_->memory_bytes() >= options_.flush_bytes;
    if (!start) {
      const int64_t age =
          environment_.clock.Monotonic() - current_->mem_parts.front()->created_monotonic();
      StartTimer(flush_timer_, environment_.flush, options_.flush_interval_nanos - age,
                 &TsTableImpl::FlushTimerFired);
    }
  }
  if (start) StartFlush({});
}

void TsTableImpl::FlushTimerFired(const SharedPass& pass) {
  {
    MutexLock lock(mutex_);
    flush_timer_ = nullptr;
  }
  introducer_.Post([this, pass] { StartFlush({}); });
}

void TsTableImpl::Flush(Waiter done) {
  SharedPass pass = Enter();
  if (!*pass) {
    done(Error{ErrorCode::kUnavailable, "the table is closed"});
    return;
  }
  // Behind everything introduced so far.
  introducer_.Post([this, pass, done = std::move(done)] { StartFlush({done}); });
}

void TsTableImpl::TakePartsToFlush(ficus::Flush& flush) {
  const std::vector<std::shared_ptr<const MemPart>>& parts = current_->mem_parts;
  // Read after the parts: rows beyond a line are introduced only once it is drawn.
  const LogPosition line = SealedAt();
  if (IsPlanted(PlantedBug::kFlushIsNoPrefix)) {
    flush.parts = {parts.back()};
    return;
  }
  if (IsPlanted(PlantedBug::kFlushIgnoresSnapshotLine)) {
    flush.parts = parts;
    return;
  }
  const auto beyond = std::find_if(parts.begin(), parts.end(),
                                   [&](const auto& part) { return part->last_position() > line; });
  CHECK(beyond == parts.end() || (*beyond)->first_position() > line)
      << "a mem part holds rows of both sides of position " << line;
  if (beyond == parts.begin()) {
    flush.parts = parts;
    if (line == LogPosition() || environment_.seal->Kept(options_.directory) != nullptr) return;
    environment_.seal->Keep(line, options_.directory, FilesOf(*current_));
    return;
  }
  flush.parts.assign(parts.begin(), beyond);
  flush.is_all = beyond == parts.end();
}

// The mem parts must not change between here and the end of the job: only the introducer starts
// flushes, as only it changes mem parts.
void TsTableImpl::StartFlush(std::vector<Waiter> waiters) {
  CHECK(introducer_.RunsHere());
  auto flush = std::make_shared<ficus::Flush>();
  flush->pass = Enter();
  std::vector<std::shared_ptr<Pin>> pins;
  Result<> nothing = Ok();
  {
    MutexLock lock(mutex_);
    flush_waiters_.insert(flush_waiters_.end(), waiters.begin(), waiters.end());
    if (flushing_) return;  // its end looks again
    if (closing_ || !*flush->pass || current_->mem_parts.empty()) {
      if (!current_->mem_parts.empty()) nothing = TableClosed();
      flush->waiters = std::exchange(flush_waiters_, {});
      pins = std::exchange(pins_, {});
    } else {
      flushing_ = true;
      TakePartsToFlush(*flush);
      flush->waiters = std::exchange(flush_waiters_, {});
      flushing_to_ = flush->parts.back()->last_position();
      flush->scn = newest_scn_;
      flush_backing_off_ = false;
      if (flush_timer_ != nullptr) {
        flush_timer_->Cancel();
        flush_timer_ = nullptr;
      }
    }
  }
  if (flush->parts.empty()) {
    CallAll(flush->waiters, nothing);
    for (const auto& pin : pins) TryPin(pin);
    return;
  }
  flush->started = environment_.clock.Monotonic();
  if (IsPlanted(PlantedBug::kFlushAheadOfLog)) {
    environment_.flush.Post([this, flush] { WriteFlush(flush); });
    return;
  }
  environment_.sync_log(flush->parts.back()->last_position(), [this, flush] {
    environment_.flush.Post([this, flush] { WriteFlush(flush); });
  });
}

void TsTableImpl::WriteFlush(const std::shared_ptr<ficus::Flush>& flush) {
  const Result<> written = WriteFlushFiles(*flush);
  if (written.has_value()) {
    CommitFlush(flush);
  } else {
    EndFlush(flush, written);
  }
}

Result<> TsTableImpl::WriteFlushFiles(ficus::Flush& flush) {
  // Never refused: it is what gives memory back.
  const MemoryReservation memory =
      environment_.ledger.Account(MemoryConsumer::kFlushMerge, FlushMemoryBytes(flush.parts));
  PartOptions part;
  part.number = numbers_.TakePart();
  flush.part.file = OutputOf(PartFileName(part.number));
  part.file_class = FileClass::kFlush;
  part.first_position = flush.parts.front()->first_position();
  part.last_position = flush.parts.back()->last_position();
  MergeRules rules;
  rules.is_live = options_.is_live;
  // The log has the rows: whoever closes the table need not wait for all that it holds.
  rules.progress = StopWhenClosing();
  ASSIGN_OR_RETURN(const MergeOutcome outcome,
                   FlushMemParts(environment_.fs, environment_.random, options_.directory,
                                 flush.parts, rules, part));
  if (!outcome.empty) {
    ASSIGN_OR_RETURN(flush.part.part, Part::Open(environment_.fs, PathOf(flush.part.file->name()),
                                                 &outcome.info, FileClass::kFlush));
  }
  if (!HasLiveEntries(flush.parts) || IsPlanted(PlantedBug::kFlushWritesNoIndexRun)) return Ok();
  const FileNumber number = numbers_.TakeIndexRun();
  flush.run.file = OutputOf(IndexRunFileName(number));
  const auto entries = EntriesOf(flush.parts, TwoEntities::kLogged);
  ASSIGN_OR_RETURN(const MergedRun run,
                   WriteIndexRun(environment_.fs, environment_.random, options_.directory, number,
                                 *entries, options_.is_live, FileClass::kFlush));
  // Their subjects may have died just now.
  if (!run.written) return Ok();
  ASSIGN_OR_RETURN(flush.run.run, IndexRun::Open(environment_.fs, PathOf(flush.run.file->name()),
                                                 &run.info, FileClass::kFlush));
  return Ok();
}

bool TsTableImpl::HasLiveEntries(const std::vector<std::shared_ptr<const MemPart>>& parts) const {
  return std::any_of(parts.begin(), parts.end(), [this](const auto& part) {
    return std::any_of(
        part->entries().begin(), part->entries().end(),
        [this](const SeriesEntry& entry) { return options_.is_live(entry.subject); });
  });
}

void TsTableImpl::CommitFlush(const std::shared_ptr<ficus::Flush>& flush) {
  manifests_.Write(
      [this, flush](Manifest& manifest) {
        if (flush->part.part != nullptr) manifest.parts.push_back(flush->part.part->info());
        if (flush->run.run != nullptr) manifest.runs.push_back(flush->run.run->info());
        manifest.log = environment_.log_id;
        manifest.flushed = flush->parts.back()->last_position();
        if (IsPlanted(PlantedBug::kFlushPositionTooHigh)) {
          manifest.flushed = manifest.flushed.Next();
        }
        if (IsPlanted(PlantedBug::kFlushPositionOfNewestRow)) {
          manifest.flushed = Current()->mem_parts.back()->last_position();
        }
        manifest.scn = std::max(manifest.scn, flush->scn);
        return Ok();
      },
      [this, flush](const Result<Manifest>& manifest) {
        if (!manifest.has_value()) {
          EndFlush(flush, manifest.error());
          return;
        }
        // From here on the files are live: a crash finds them named.
        if (flush->part.part != nullptr) flush->part.file->Save();
        if (flush->run.run != nullptr) flush->run.file->Save();
        introducer_.Post([this, flush, committed = *manifest] {
          ApplyFlush(*flush, committed);
          EndFlush(flush, Ok());
        });
      });
}

void TsTableImpl::ApplyFlush(const ficus::Flush& flush, const Manifest& manifest) {
  const size_t count = flush.parts.size();
  Publish([&](Snapshot& next) {
    CHECK(next.mem_parts.size() >= count);
    CHECK(std::equal(flush.parts.begin(), flush.parts.end(), next.mem_parts.begin()))
        << "a flush takes a prefix of the mem parts";
    next.mem_parts.erase(next.mem_parts.begin(),
                         next.mem_parts.begin() + static_cast<ptrdiff_t>(count));
    if (flush.part.part != nullptr) next.parts.push_back(flush.part);
    if (flush.run.run != nullptr) next.runs.push_back(flush.run);
    next.flushed = manifest.flushed;
    next.manifest_epoch = std::max(next.manifest_epoch, manifest.epoch);
  });
  mem_levels_.RemoveFirst(count);
  metrics_.flushes.Add();
  if (flush.part.part != nullptr) {
    metrics_.flush_bytes.Add(flush.part.part->info().file_bytes);
    metrics_.flush_rows.Add(flush.part.part->info().rows);
  }
  metrics_.flush_seconds.Observe(SecondsSince(flush.started));
  MutexLock lock(mutex_);
  CHECK(manifest.flushed >= flushed_);
  flushed_ = manifest.flushed;
  flushed_scn_ = std::max(flushed_scn_, manifest.scn);
}

void TsTableImpl::EndFlush(const std::shared_ptr<ficus::Flush>& flush, const Result<>& result) {
  std::vector<std::shared_ptr<Pin>> pins;
  const bool closing = gate_.closed();
  {
    MutexLock lock(mutex_);
    flushing_ = false;
    flushing_to_ = LogPosition();
    pins = std::exchange(pins_, {});
    if (result.has_value()) {
      flush_backoff_.Reset();
      // Who asked for everything waits for the flush of the rest.
      if (!flush->is_all) {
        flush_waiters_.insert(flush_waiters_.begin(), flush->waiters.begin(), flush->waiters.end());
        flush->waiters.clear();
      }
    } else {
      flush_backing_off_ = true;
      StartTimer(flush_timer_, environment_.flush, flush_backoff_.Next(),
                 &TsTableImpl::FlushTimerFired);
      // Nobody tries again.
      if (closing_) {
        std::move(flush_waiters_.begin(), flush_waiters_.end(), std::back_inserter(flush->waiters));
        flush_waiters_.clear();
      }
    }
  }
  if (!result.has_value()) {
    if (!closing) {
      metrics_.flush_failures.Add();
      LogWarn("table.flush", "{}: flush is tried again: {}", options_.directory,
              result.error().ToString());
    }
    if (result.error().code == ErrorCode::kNoSpace) environment_.on_no_space(result.error());
    CallAll(flush->waiters, result);
    for (const auto& pin : pins) pin->done(result.error());
    return;
  }
  CallAll(flush->waiters, result);
  for (const auto& pin : pins) TryPin(pin);
  environment_.on_flushed();
  MaybeFlush();
  MaybeMerge();
}

// --- Pinning files for a file snapshot

void TsTableImpl::PinAt(LogPosition position, PinDone done) {
  auto pin = std::make_shared<Pin>(Pin{position, std::move(done)});
  SharedPass pass = Enter();
  if (!*pass) {
    pin->done(TableClosed());
    return;
  }
  // Behind everything introduced so far, and with it every row up to the line.
  introducer_.Post([this, pin, pass] { TryPin(pin); });
}

void TsTableImpl::TryPin(const std::shared_ptr<Pin>& pin) {
  std::shared_ptr<const Snapshot> files;
  {
    MutexLock lock(mutex_);
    if (SealedAt() != pin->position) {
      lock.Unlock();
      pin->done(Error{ErrorCode::kFailedPrecondition,
                      fmt::format("no line is drawn at position {}", pin->position.value())});
      return;
    }
    files = environment_.seal->Kept(options_.directory);
    const bool is_below_in_files = current_->mem_parts.empty() ||
                                   current_->mem_parts.front()->first_position() > pin->position;
    // A flush of rows beyond the line keeps the files before it starts: there was none.
    if (files == nullptr && is_below_in_files) files = FilesOf(*current_);
    if (files == nullptr && closing_) {
      lock.Unlock();
      pin->done(TableClosed());
      return;
    }
    if (files == nullptr) pins_.push_back(pin);
  }
  if (files == nullptr) {
    StartFlush({});
  } else {
    pin->done(PinnedFrom(std::move(files), pin->position));
  }
}

namespace {

bool NamesSameFiles(const Manifest& a, const Manifest& b) {
  return a.parts == b.parts && a.runs == b.runs && a.damaged == b.damaged && a.log == b.log;
}

}  // namespace

// The manifests of the table do not know which epochs its pins had: after a restart, or in a node
// that an older backup was restored to, they would be given again. Times are not.
Epoch TsTableImpl::NextPinnedEpoch() {
  const auto now = static_cast<uint64_t>(std::max<UnixNanos>(environment_.clock.Now(), 0));
  uint64_t next = epochs_.load();
  while (next < now && !epochs_.compare_exchange_weak(next, now)) {
  }
  return Epoch(epochs_.fetch_add(1));
}

PinnedTable TsTableImpl::PinnedFrom(std::shared_ptr<const Snapshot> files, LogPosition position) {
  PinnedTable pinned;
  pinned.directory = options_.directory;
  if (read_only_) pinned.read_only_reason = read_only_->ToString();
  Manifest& manifest = pinned.manifest;
  manifest.epoch = NextPinnedEpoch();
  manifest.group = options_.group;
  manifest.log = environment_.log_id;
  manifest.flushed = position;
  manifest.scn = environment_.seal->scn();
  manifest.next_file = numbers_.Get().next;
  manifest.parts = InfosOf(*files);
  for (const SnapshotRun& run : files->runs) {
    if (!IsPlanted(PlantedBug::kSnapshotWithoutIndex)) manifest.runs.push_back(run.run->info());
  }
  for (const DamagedFile& damaged : files->damaged) {
    manifest.damaged.push_back({damaged.number, damaged.is_index, damaged.times, damaged.reason});
  }
  pinned.files = std::move(files);
  // Nothing has come since the last time: the same bytes again, so that a backup sends nothing.
  MutexLock lock(mutex_);
  if (last_pinned_.has_value() && NamesSameFiles(*last_pinned_, manifest)) {
    manifest = *last_pinned_;
  } else {
    last_pinned_ = manifest;
  }
  return pinned;
}

// --- Merging

namespace {

// A merge must not cross a damaged part: which of two equal versions wins would change once it is
// back. A damaged part's place is known by its file number only roughly, so each one bars all
// neighbours around its number. A part that is not open yet is merged with neither neighbour.
std::vector<bool> BarriersOf(const Snapshot& snapshot) {
  std::vector<bool> barrier(snapshot.parts.size(), false);
  for (size_t i = 1; i < snapshot.parts.size(); ++i) {
    barrier[i] = !snapshot.parts[i - 1].part->IsOpen() || !snapshot.parts[i].part->IsOpen();
  }
  for (const DamagedFile& damaged : snapshot.damaged) {
    if (damaged.is_index) continue;
    for (size_t i = 1; i < snapshot.parts.size(); ++i) {
      const FileNumber before = snapshot.parts[i - 1].part->info().number;
      const FileNumber after = snapshot.parts[i].part->info().number;
      if (before < damaged.number && damaged.number < after) barrier[i] = true;
    }
  }
  return barrier;
}

template <typename File>
std::vector<FileNumber> NumbersOf(const std::vector<std::shared_ptr<const File>>& files) {
  std::vector<FileNumber> numbers;
  for (const auto& file : files) numbers.push_back(file->info().number);
  return numbers;
}

// Takes the inputs of a merge from those a manifest names; where they were. kUnavailable, and none
// is taken, when they do not lie side by side any more: damage was found in one meanwhile.
template <typename Info>
Result<typename std::vector<Info>::iterator> TakeInputs(std::vector<Info>& infos,
                                                        const std::vector<FileNumber>& inputs) {
  const auto at =
      std::search(infos.begin(), infos.end(), inputs.begin(), inputs.end(),
                  [](const Info& info, FileNumber number) { return info.number == number; });
  if (at == infos.end()) {
    return Error{ErrorCode::kUnavailable, "one of the inputs was set aside meanwhile"};
  }
  return infos.erase(at, at + static_cast<ptrdiff_t>(inputs.size()));
}

// The newest runs that together weigh as much as the next older one, when there are enough of them
// that are open.
size_t RunsToMerge(const std::vector<SnapshotRun>& runs) {
  size_t begin = runs.size();
  uint64_t entries = 0;
  while (begin > 0 && runs[begin - 1].run->IsOpen() &&
         (runs.size() - begin < kRunsMergedMin || runs[begin - 1].run->info().entries <= entries)) {
    --begin;
    entries += runs[begin].run->info().entries;
  }
  return runs.size() - begin >= kRunsMergedMin ? begin : runs.size();
}

}  // namespace

// A merge that would fill the disk is not begun: it can wait, writers cannot.
bool TsTableImpl::ChooseWork(Merge& merge, uint64_t room_bytes) const {
  merge.snapshot = current_;
  std::vector<PartInfo> infos = InfosOf(*current_);
  std::vector<bool> barriers = BarriersOf(*current_);
  merge.is_final = merge_all_to_.has_value();
  if (merge.is_final) {
    const auto younger = std::find_if(
        infos.begin(), infos.end(),
        [newest = *merge_all_to_](const PartInfo& info) { return info.last_position > newest; });
    infos.erase(younger, infos.end());
    barriers.resize(infos.size());
  }
  MergeLimits limits = options_.merge;
  limits.output_bytes_max = std::min(limits.output_bytes_max, room_bytes);
  merge.choice = merge.is_final ? ChooseFinalMerge(infos, barriers, limits)
                                : ChooseMerge(infos, barriers, limits);
  merge.runs_begin = RunsToMerge(current_->runs);
  return !merge.choice.empty() || merge.runs_begin < current_->runs.size();
}

void TsTableImpl::MaybeMerge() {
  auto merge = std::make_shared<Merge>();
  merge->pass = Enter();
  const uint64_t room_bytes = environment_.merge_room();
  std::vector<Waiter> finished;
  {
    MutexLock lock(mutex_);
    if (merging_) return;  // its end looks again
    if (closing_ || !*merge->pass || read_only_ || merge_timer_ != nullptr ||
        !ChooseWork(*merge, room_bytes)) {
      finished = std::exchange(merge_waiters_, {});
      merge_all_to_.reset();
    } else {
      merging_ = true;
    }
  }
  CallAll(finished, Ok());
  // What was flushed meanwhile may be worth a merge of the ordinary kind.
  if (!finished.empty()) return MaybeMerge();
  if (merge->snapshot == nullptr) return;
  if (merge->choice.empty() && merge->runs_begin >= merge->snapshot->runs.size()) return;
  merge->started = environment_.clock.Monotonic();
  environment_.merge.Post([this, merge] { RunMerge(merge); });
}

void TsTableImpl::MergeTimerFired(const SharedPass&) {
  {
    MutexLock lock(mutex_);
    merge_timer_ = nullptr;
  }
  MaybeMerge();
}

void TsTableImpl::MergeAll(Waiter done) {
  std::shared_ptr<Executor::Timer> backoff;
  {
    MutexLock lock(mutex_);
    merge_waiters_.push_back(std::move(done));
    LogPosition newest = merge_all_to_.value_or(LogPosition());
    for (const SnapshotPart& part : current_->parts) {
      newest = std::max(newest, part.part->info().last_position);
    }
    merge_all_to_ = newest;
    backoff = std::exchange(merge_timer_, nullptr);
  }
  // Who asks for it does not wait until a failed merge may be tried again.
  if (backoff != nullptr) backoff->Cancel();
  MaybeMerge();
}

void TsTableImpl::RunMerge(const std::shared_ptr<Merge>& merge) {
  OpenLateFiles(*merge->snapshot, FileClass::kMerge);
  if (merge->choice.empty()) {
    RunRunMerge(merge);
  } else {
    RunPartMerge(merge);
  }
}

// Beside what the inputs carry, so that all parts together know every series and a lost run can be
// rebuilt from them: a part that is large beside the index carries all of it, and so stands for
// itself.
Result<EntryCursors> TsTableImpl::EntriesForMerge(const Merge& merge, uint64_t rows) const {
  EntryCursors entries;
  const std::vector<SnapshotRun>& runs = merge.snapshot->runs;
  uint64_t count = 0;
  for (const SnapshotRun& run : runs) count += run.run->info().entries;
  const auto is_open = [](const SnapshotRun& run) { return run.run->IsOpen(); };
  if (count > rows / 4 || !std::all_of(runs.begin(), runs.end(), is_open)) return entries;
  for (const SnapshotRun& run : runs) {
    ASSIGN_OR_RETURN(auto listed, run.run->ListEntries(FileClass::kMerge));
    entries.push_back(std::move(listed));
  }
  return entries;
}

// A merge that finds no memory is tried later. One of more than its share of a small node is not
// put off for ever.
Result<MemoryReservation> TsTableImpl::ReserveForMerge(size_t bytes) const {
  MemoryLedger& ledger = environment_.ledger;
  return ledger.Reserve(MemoryConsumer::kFlushMerge, std::min(bytes, ledger.limit_bytes() / 4));
}

void TsTableImpl::RunPartMerge(const std::shared_ptr<Merge>& merge) {
  const MergeChoice choice = merge->choice;
  const std::vector<SnapshotPart>& all = merge->snapshot->parts;
  std::vector<std::shared_ptr<const Part>> inputs;
  PartOptions options;
  options.number = numbers_.TakePart();
  SnapshotPart part;
  part.file = OutputOf(PartFileName(options.number));
  options.file_class = FileClass::kMerge;
  uint64_t rows = 0;
  for (size_t i = choice.begin; i < choice.end; ++i) {
    const PartInfo& info = all[i].part->info();
    inputs.push_back(all[i].part);
    options.expected_bytes += info.file_bytes;
    options.generation = std::max(options.generation, info.generation + 1);
    rows += info.rows;
  }
  options.first_position = inputs.front()->info().first_position;
  options.last_position = inputs.back()->info().last_position;
  const bool is_rewritten_seldom =
      merge->is_final || options.expected_bytes >= kSmallEffortBytesMin;
  options.effort = is_rewritten_seldom ? Effort::kSmall : Effort::kFast;
  MergeRules rules;
  rules.is_live = options_.is_live;
  rules.drop_before = options_.drop_before();
  rules.drop_tombstones =
      choice.begin == 0 && choice.end == all.size() && merge->snapshot->damaged.empty();
  rules.progress = StopWhenClosing();
  const Result<MemoryReservation> memory = ReserveForMerge(MergeMemoryBytes(inputs));
  if (!memory.has_value()) {
    EndMerge(merge, memory.error());
    return;
  }
  Result<EntryCursors> entries = EntriesForMerge(*merge, rows);
  if (!entries.has_value()) {
    EndMerge(merge, entries.error());
    return;
  }
  Result<MergeOutcome> merged = MergeParts(environment_.fs, environment_.random, options_.directory,
                                           inputs, *std::move(entries), rules, options);
  if (!merged.has_value()) {
    EndMerge(merge, merged.error());
    return;
  }
  if (!merged->empty) {
    auto opened =
        Part::Open(environment_.fs, PathOf(part.file->name()), &merged->info, FileClass::kMerge);
    if (!opened.has_value()) {
      EndMerge(merge, opened.error());
      return;
    }
    part.part = *std::move(opened);
  }
  metrics_.blocks_copied.Add(merged->blocks_copied);
  metrics_.blocks_rewritten.Add(merged->blocks_rewritten);
  if (IsPlanted(PlantedBug::kMergeInputsRemovedEarly)) {
    for (size_t i = choice.begin; i < choice.end; ++i) cleaner_->Remove(all[i].file->name());
  }
  manifests_.Write(
      [part, numbers = NumbersOf(inputs)](Manifest& manifest) -> Result<> {
        ASSIGN_OR_RETURN(const auto place, TakeInputs(manifest.parts, numbers));
        for (const FileNumber input : numbers) manifest.obsolete.push_back(PartFileName(input));
        if (IsPlanted(PlantedBug::kMergeOutputNotNamed)) return Ok();
        if (part.part != nullptr) manifest.parts.insert(place, part.part->info());
        return Ok();
      },
      [this, merge, part](const Result<Manifest>& manifest) {
        if (!manifest.has_value()) {
          EndMerge(merge, manifest.error());
          return;
        }
        if (part.part != nullptr) part.file->Save();
        introducer_.Post([this, merge, part, committed = *manifest] {
          ApplyMerge(*merge, part, committed);
          EndMerge(merge, Ok());
        });
      });
}

void TsTableImpl::ApplyMerge(const Merge& merge, const SnapshotPart& part,
                             const Manifest& manifest) {
  const std::vector<SnapshotPart>& inputs = merge.snapshot->parts;
  const size_t count = merge.choice.end - merge.choice.begin;
  Publish([&](Snapshot& next) {
    const auto at =
        std::find_if(next.parts.begin(), next.parts.end(), [&](const SnapshotPart& candidate) {
          return candidate.part == inputs[merge.choice.begin].part;
        });
    CHECK(at != next.parts.end());
    const auto rest = next.parts.erase(at, at + static_cast<ptrdiff_t>(count));
    if (part.part != nullptr) next.parts.insert(rest, part);
    next.manifest_epoch = std::max(next.manifest_epoch, manifest.epoch);
  });
  for (size_t i = merge.choice.begin; i < merge.choice.end; ++i) inputs[i].file->Doom();
  metrics_.merges.Add();
  if (part.part != nullptr) metrics_.merge_bytes.Add(part.part->info().file_bytes);
  metrics_.merge_seconds.Observe(SecondsSince(merge.started));
}

void TsTableImpl::RunRunMerge(const std::shared_ptr<Merge>& merge) {
  const std::vector<SnapshotRun>& all = merge->snapshot->runs;
  std::vector<std::shared_ptr<const IndexRun>> inputs;
  for (size_t i = merge->runs_begin; i < all.size(); ++i) inputs.push_back(all[i].run);
  const Result<MemoryReservation> memory = ReserveForMerge(MergeMemoryBytes(inputs));
  if (!memory.has_value()) {
    EndMerge(merge, memory.error());
    return;
  }
  const FileNumber number = numbers_.TakeIndexRun();
  SnapshotRun run;
  run.file = OutputOf(IndexRunFileName(number));
  Result<MergedRun> merged = MergeIndexRuns(environment_.fs, environment_.random,
                                            options_.directory, number, inputs, options_.is_live);
  if (!merged.has_value()) {
    EndMerge(merge, merged.error());
    return;
  }
  if (merged->written) {
    auto opened =
        IndexRun::Open(environment_.fs, PathOf(run.file->name()), &merged->info, FileClass::kMerge);
    if (!opened.has_value()) {
      EndMerge(merge, opened.error());
      return;
    }
    run.run = *std::move(opened);
  }
  manifests_.Write(
      [run, numbers = NumbersOf(inputs)](Manifest& manifest) -> Result<> {
        ASSIGN_OR_RETURN(const auto place, TakeInputs(manifest.runs, numbers));
        for (const FileNumber input : numbers) {
          manifest.obsolete.push_back(IndexRunFileName(input));
        }
        if (run.run != nullptr) manifest.runs.insert(place, run.run->info());
        return Ok();
      },
      [this, merge, run](const Result<Manifest>& manifest) {
        if (!manifest.has_value()) {
          EndMerge(merge, manifest.error());
          return;
        }
        if (run.run != nullptr) run.file->Save();
        introducer_.Post([this, merge, run, committed = *manifest] {
          ApplyRunMerge(*merge, run, committed);
          EndMerge(merge, Ok());
        });
      });
}

void TsTableImpl::ApplyRunMerge(const Merge& merge, const SnapshotRun& run,
                                const Manifest& manifest) {
  const std::vector<SnapshotRun>& inputs = merge.snapshot->runs;
  const size_t count = inputs.size() - merge.runs_begin;
  Publish([&](Snapshot& next) {
    const auto at =
        std::find_if(next.runs.begin(), next.runs.end(), [&](const SnapshotRun& candidate) {
          return candidate.run == inputs[merge.runs_begin].run;
        });
    CHECK(at != next.runs.end());
    const auto rest = next.runs.erase(at, at + static_cast<ptrdiff_t>(count));
    if (run.run != nullptr) next.runs.insert(rest, run);
    next.manifest_epoch = std::max(next.manifest_epoch, manifest.epoch);
  });
  for (size_t i = merge.runs_begin; i < inputs.size(); ++i) inputs[i].file->Doom();
}

void TsTableImpl::EndMerge(const std::shared_ptr<Merge>& merge, const Result<>& result) {
  std::vector<Waiter> failed;
  const bool closing = gate_.closed();
  {
    MutexLock lock(mutex_);
    merging_ = false;
    if (result.has_value()) {
      merge_backoff_.Reset();
    } else {
      StartTimer(merge_timer_, environment_.merge, merge_backoff_.Next(),
                 &TsTableImpl::MergeTimerFired);
      failed = std::exchange(merge_waiters_, {});
      merge_all_to_.reset();
    }
  }
  if (!result.has_value()) {
    if (!closing) {
      metrics_.merge_failures.Add();
      LogWarn("table.merge", "{}: merge is tried again: {}", options_.directory,
              result.error().ToString());
      if (result.error().code == ErrorCode::kCorruption) StartCheck(merge->choice.begin);
    }
    CallAll(failed, result);
    return;
  }
  MaybeMerge();
}

// --- Damage

void TsTableImpl::CheckDamage() { StartCheck(0); }

void TsTableImpl::StartCheck(size_t first_part) {
  auto check = std::make_shared<Check>();
  check->pass = Enter();
  if (!*check->pass || read_only_) return;
  {
    MutexLock lock(mutex_);
    if (checking_ || current_->parts.size() + current_->runs.size() == 0) return;
    checking_ = true;
    check->snapshot = current_;
  }
  check->first_part = first_part;
  environment_.merge.Post([this, check] { CheckNextFile(check); });
}

// A job for each file: a large table leaves the threads of the merges to others in between.
void TsTableImpl::CheckNextFile(const std::shared_ptr<Check>& check) {
  const std::vector<SnapshotPart>& parts = check->snapshot->parts;
  const std::vector<SnapshotRun>& runs = check->snapshot->runs;
  if (!gate_.closed()) {
    if (check->next < parts.size()) {
      const Part& part = *parts[(check->first_part + check->next) % parts.size()].part;
      NoteDamage(part.Verify(FileClass::kMerge), {part.info().number, false, part.info().times, {}},
                 check->pass);
    } else {
      const IndexRun& run = *runs[check->next - parts.size()].run;
      NoteDamage(run.Verify(), {run.info().number, true, TimeRange::All(), {}}, check->pass);
    }
    if (++check->next < parts.size() + runs.size()) {
      environment_.merge.Post([this, check] { CheckNextFile(check); });
      return;
    }
  }
  MutexLock lock(mutex_);
  checking_ = false;
}

// Sets the file aside if it is damaged. What cannot be read now is no damage.
void TsTableImpl::NoteDamage(const Result<>& verified, DamageRecord damage,
                             const SharedPass& pass) {
  if (verified.has_value() || verified.error().code != ErrorCode::kCorruption) return;
  damage.reason = verified.error().message;
  const auto record = [damage](Manifest& manifest) {
    RecordDamage(manifest, {damage});
    return Ok();
  };
  manifests_.Write(record, [this, pass, damage](const Result<Manifest>& manifest) {
    if (!manifest.has_value()) {
      LogWarn("table.damage", "{}: damage is not recorded: {}", options_.directory,
              manifest.error().ToString());
      return;
    }
    // Readers know them by their names until no new one gets to know them.
    introducer_.Post([this, pass, damage, committed = *manifest] {
      ApplyDamage(damage, committed);
      environment_.flush.Post(
          [this, pass, committed] { MoveDamaged(environment_.fs, options_.directory, committed); });
    });
  });
}

void TsTableImpl::ApplyDamage(const DamageRecord& damage, const Manifest& manifest) {
  Publish([&](Snapshot& next) {
    const auto is_part = [&](const SnapshotPart& part) {
      return !damage.is_index && part.part->info().number == damage.number;
    };
    const auto is_run = [&](const SnapshotRun& run) {
      return damage.is_index && run.run->info().number == damage.number;
    };
    next.manifest_epoch = std::max(next.manifest_epoch, manifest.epoch);
    if (std::erase_if(next.parts, is_part) + std::erase_if(next.runs, is_run) == 0) return;
    next.damaged.push_back(DamagedFileOf(options_.directory, damage));
    metrics_.quarantined.Add();
  });
}

// --- Closing

bool TsTableImpl::IsIdle() const {
  // Closing waits for whoever passed the gates, and the caller may be in a pool.
  if (!gate_.empty() || !cleaner_->IsDrained()) return false;
  MutexLock lock(mutex_);
  return !flushing_ && !merging_ && !coalescing_ && current_->mem_parts.empty() &&
         current_.use_count() == 1 && flush_timer_ == nullptr &&
         (SealedAt() == LogPosition() || environment_.seal->Kept(options_.directory) == nullptr);
}

void TsTableImpl::Shut() {
  std::shared_ptr<Executor::Timer> flush_timer;
  std::shared_ptr<Executor::Timer> merge_timer;
  std::vector<Waiter> waiters;
  {
    MutexLock lock(mutex_);
    closing_ = true;
    // They wait for the next attempt of a flush that has failed; there is none.
    if (!flushing_) waiters = std::exchange(flush_waiters_, {});
    flush_timer = std::exchange(flush_timer_, nullptr);
    merge_timer = std::exchange(merge_timer_, nullptr);
  }
  gate_.Shut();
  if (flush_timer != nullptr) flush_timer->Cancel();
  if (merge_timer != nullptr) merge_timer->Cancel();
  CallAll(waiters, TableClosed());
}

void TsTableImpl::Close() {
  Shut();
  gate_.Close();
  cleaner_->Close();
  // What they wait for never came to its end: the executors are gone. They may hold this table.
  std::vector<std::shared_ptr<Pin>> pins;
  std::vector<Waiter> waiters;
  {
    MutexLock lock(mutex_);
    pins = std::exchange(pins_, {});
    waiters = std::exchange(flush_waiters_, {});
    std::move(merge_waiters_.begin(), merge_waiters_.end(), std::back_inserter(waiters));
    merge_waiters_.clear();
  }
  for (const auto& pin : pins) pin->done(TableClosed());
  CallAll(waiters, TableClosed());
}

}  // namespace

size_t Introduction::MemoryBytes() const {
  size_t bytes = ficus::MemoryBytes(entries);
  for (const RowBatch& batch : rows) bytes += batch.MemoryBytes();
  return bytes;
}

Result<> AddRows(Introduction& introduction, RowBatch rows) {
  const auto same =
      std::find_if(introduction.rows.begin(), introduction.rows.end(),
                   [&](const RowBatch& batch) { return batch.subject == rows.subject; });
  if (same == introduction.rows.end()) {
    introduction.rows.push_back(std::move(rows));
    return Ok();
  }
  for (const ColumnValues& column : rows.columns) {
    const ColumnValues* const there = same->FindColumn(column.id());
    if (there != nullptr && there->type() != column.type()) {
      return Error{ErrorCode::kCorruption,
                   fmt::format("column {} has two types", column.id().value())};
    }
  }
  for (size_t row = 0; row < rows.rows(); ++row) AppendRow(*same, rows, row);
  return Ok();
}

Result<> TsTable::Create(TableEnvironment& environment, const TableOptions& options) {
  Manifest manifest;
  manifest.epoch = Epoch(1);
  manifest.group = options.group;
  manifest.log = environment.log_id;
  manifest.next_file = FileNumber(1);
  return WriteManifest(environment.fs, environment.random, options.directory, manifest);
}

Result<std::unique_ptr<TsTable>> TsTable::Open(TableEnvironment environment, TableOptions options) {
  ASSIGN_OR_RETURN(RecoveredTable recovered, RecoverTable(environment, options));
  return std::unique_ptr<TsTable>(std::make_unique<TsTableImpl>(
      std::move(environment), std::move(options), std::move(recovered)));
}

}  // namespace ficus
