#include "engine/wal/log_core.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/planted_bug.h"
#include "engine/base/stop.h"

namespace ficus {
namespace {

constexpr uint64_t kFileBytesMin = kLogHeaderBytes + kGroupAlignment;

std::vector<double> GroupBounds() { return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}; }

// engine/io stops the process by itself for log files; an answer that says otherwise would be
// believed to be an acknowledgement.
void MustSucceed(const Result<>& result) {
  if (!result) StopProcess("log: " + result.error().ToString());
}

}  // namespace

LogCore::LogCore(Log::Environment environment, LogOptions options, LogFound found,
                 std::unique_ptr<FileLock> lock)
    : fs_(environment.fs),
      clock_(environment.clock),
      random_(environment.random),
      executor_(environment.executor),
      options_(std::move(options)),
      id_(found.id),
      created_(found.created),
      found_highest_(std::max(found.last, found.highest)),
      appended_bytes_(environment.metrics.AddCounter("ficus_wal_appended_bytes_total",
                                                     "Bytes of batches written to the log")),
      sync_seconds_(environment.metrics.AddHistogram(
          "ficus_wal_sync_seconds", "Duration of writing and syncing a group", LatencyBounds())),
      group_batches_(environment.metrics.AddHistogram("ficus_wal_group_batches",
                                                      "Batches in a group", GroupBounds())),
      file_count_(environment.metrics.AddGauge("ficus_wal_files", "Files of the log")),
      done_(environment.executor),
      chain_(found.chain),
      prior_(found.last),
      lock_(std::move(lock)),
      last_(found.last),
      written_(found.last),
      durable_(found.last),  // recovery has synced it
      told_(found.last),
      scn_(found.scn),
      files_(found.files.begin(), found.files.end()),
      next_number_(found.next_number) {
  file_count_.Set(static_cast<double>(files_.size()));
}

// ----- what callers see -----

Result<> LogCore::Start(LogPosition above, Scn scn) {
  {
    MutexLock lock(mutex_);
    CHECK(!started_) << "a log starts once";
    last_ = std::max(found_highest_, above);
    written_ = last_;
    durable_ = last_;
    told_ = last_;
    scn_ = std::max(scn_, scn);
    prior_scn_ = scn_;
  }
  next_ = std::make_shared<NextLogFile>(fs_, clock_, random_, executor_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->ResumeStalled();
  });
  const Result<> rotated = RotateNow();
  if (!rotated && (created_ || rotated.error().code != ErrorCode::kNoSpace)) return rotated;
  MutexLock lock(mutex_);
  started_ = true;
  return Ok();
}

Result<> LogCore::Append(std::string payload, Durability must, Log::Done done) {
  if (payload.size() > kBatchBytesMax) {
    return Error{ErrorCode::kInvalidArgument, "a batch of " + std::to_string(payload.size()) +
                                                  " bytes, at most " +
                                                  std::to_string(kBatchBytesMax) + " are allowed"};
  }
  MutexLock lock(mutex_);
  if (!started_ || closed_) return Error{ErrorCode::kUnavailable, "the log is not open"};
  if (queued_bytes_ > 0 && queued_bytes_ + payload.size() > options_.queued_bytes_max) {
    return Error{ErrorCode::kResourceExhausted,
                 "the log has " + std::to_string(queued_bytes_) + " bytes to write"};
  }
  RETURN_IF_ERROR(CheckRoom(payload.size()));
  queued_bytes_ += payload.size();
  queued_file_bytes_ += BatchFileBytesMax(payload.size());
  last_ = last_.Next();
  const auto now = static_cast<uint64_t>(std::max<int64_t>(clock_.Now(), 0));
  scn_ = std::max(Scn(now), scn_.Next());
  queue_.push_back({std::move(payload), must, std::move(done), last_, scn_});
  Schedule();
  return Ok();
}

// Whether the batch will find a place without waiting for a disk that may stay full.
Result<> LogCore::CheckRoom(size_t payload_bytes) {
  const std::optional<Error> error = next_->error();
  if (!error || Fits(payload_bytes)) return Ok();
  next_->Want(NextFileWish(), NextLogFile::Urgency::kOnce);
  const bool full = error->code == ErrorCode::kNoSpace;
  return Error{full ? ErrorCode::kNoSpace : ErrorCode::kResourceExhausted,
               "begin log file: " + error->message};
}

void LogCore::SyncTo(LogPosition position, std::function<void()> done) {
  std::vector<DoneQueue::Callback> at_once;
  {
    MutexLock lock(mutex_);
    if (durable_ >= position) {
      at_once.push_back(std::move(done));
    } else {
      waiters_.emplace(position, std::move(done));
      sync_target_ = std::max(sync_target_, position);
      Schedule();
    }
  }
  done_.Push(std::move(at_once));
}

Result<> LogCore::Trim(LogPosition position) {
  MutexLock lock(mutex_);
  CHECK(!trimming_) << "a log is trimmed by one caller at a time";
  trimming_ = true;
  Result<> result;
  // The newest file takes the appends and carries the log's id and numbers: it always stays.
  const auto is_unneeded = [position](const Log::FileSummary& file) {
    return (IsPlanted(PlantedBug::kTrimOneFileTooMany) ? file.first : file.last) < position;
  };
  while (result && files_.size() > 1 && is_unneeded(files_.front())) {
    const std::string name = LogFileName(files_.front().number);
    lock.Unlock();
    result = fs_.Remove(name);
    // One after the other: a later file that is gone before an earlier one looks like a hole.
    if (result) result = fs_.SyncDirectory("", FileClass::kLog);
    lock.Lock();
    if (!result) break;
    files_.pop_front();
    file_count_.Set(static_cast<double>(files_.size()));
  }
  trimming_ = false;
  return result;
}

LogPosition LogCore::last_position() const {
  MutexLock lock(mutex_);
  return last_;
}

LogPosition LogCore::durable_position() const {
  MutexLock lock(mutex_);
  return durable_;
}

LogPosition LogCore::told_position() const {
  MutexLock lock(mutex_);
  return told_;
}

std::vector<Log::FileSummary> LogCore::files() const {
  MutexLock lock(mutex_);
  return {files_.begin(), files_.end()};
}

// ----- commit -----

// Sees to it that what is to be done will be done, at the right time.
void LogCore::Schedule() {
  if (!started_ || closed_ || !HasWork()) return;
  if (phase_ != Phase::kIdle && phase_ != Phase::kWaiting) return;
  if (IsReady()) {
    if (company_timer_ != nullptr) company_timer_->Cancel();
    company_timer_ = nullptr;
    PostCommit();
    return;
  }
  if (phase_ == Phase::kWaiting) return;
  phase_ = Phase::kWaiting;
  const int64_t passed = clock_.Monotonic() - *last_group_end_;
  company_timer_ = executor_.PostAfter(options_.group_window_nanos - passed,
                                       [self = shared_from_this()] { self->RunCompanyTimer(); });
}

bool LogCore::HasWork() const { return !queue_.empty() || WantsSync(written_); }

bool LogCore::WantsSync(LogPosition written) const {
  return durable_ < written && durable_ < sync_target_;
}

// Everybody who was in the last group has come back, somebody must not wait, or enough time has
// passed.
bool LogCore::IsReady() const {
  return !last_group_end_ || queue_.size() >= last_group_batches_ || sync_target_ > durable_ ||
         queued_bytes_ >= options_.group_bytes_max ||
         clock_.Monotonic() - *last_group_end_ >= options_.group_window_nanos;
}

void LogCore::PostCommit() {
  phase_ = Phase::kPosted;
  executor_.Post([self = shared_from_this()] { self->RunCommitJob(); });
}

void LogCore::RunCompanyTimer() {
  {
    MutexLock lock(mutex_);
    if (phase_ != Phase::kWaiting) return;
    phase_ = Phase::kPosted;
  }
  RunCommitJob();
}

void LogCore::RunCommitJob() {
  {
    MutexLock lock(mutex_);
    if (closed_ || phase_ != Phase::kPosted) return;
    phase_ = Phase::kRunning;
  }
  // A stalled commit is over, and the next may have begun on another thread.
  if (!CommitGroup()) return;
  MutexLock lock(mutex_);
  phase_ = Phase::kIdle;
  changed_.NotifyAll();
  Schedule();
}

// False when it stalled: then the phase has changed already.
bool LogCore::CommitGroup() {
  for (;;) {
    Group group;
    std::unique_ptr<LogFileMaker> next;
    {
      MutexLock lock(mutex_);
      group = TakeGroup();
      if (group.needs_file) next = next_->Take(NextFileWish().bytes);
      if (group.needs_file && next == nullptr) {
        Stall();
        return false;
      }
    }
    if (!group.needs_file) {
      WriteGroup(std::move(group));
      return true;
    }
    if (!Rotate(std::move(next))) {
      MutexLock lock(mutex_);
      Stall();
      return false;
    }
  }
}

LogCore::Group LogCore::TakeGroup() {
  Group group;
  group.offset = end_;
  group.durable = durable_;
  LogPosition written = written_;
  bool strict = false;
  for (uint64_t end = end_; !queue_.empty();) {
    end = EndOfBatch(end, queue_.front().payload.size());
    if (AlignToGroup(end) > current_bytes_) {
      group.needs_file = group.batches.empty();
      break;
    }
    if (!group.batches.empty() && end - end_ > options_.group_bytes_max) break;
    strict = strict || queue_.front().must == Durability::kStrict;
    written = queue_.front().position;
    group.batches.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  strict = strict || options_.durability == Durability::kStrict;
  group.sync = (strict && !group.batches.empty()) || WantsSync(written);
  return group;
}

void LogCore::WriteGroup(Group group) {
  WriteBatch batch;
  if (!group.batches.empty()) {
    encoder_.Begin({{id_, current_number_, group.offset}, chain_, group.durable});
    for (const QueuedBatch& queued : group.batches) {
      encoder_.Add(queued.position, queued.scn, queued.payload);
    }
    batch.Write(*current_, group.offset, encoder_.Finish());
  }
  if (group.sync && !IsPlanted(PlantedBug::kLogGroupNotSynced)) {
    batch.Sync(*current_, SyncKind::kData);
  }
  if (batch.empty()) return;
  const int64_t begin = clock_.Monotonic();
  MustSucceed(fs_.Write(batch));
  if (group.sync) {
    sync_seconds_.Observe(static_cast<double>(clock_.Monotonic() - begin) / kNanosPerSecond);
  }
  Finish(std::move(group));
}

// The group is written and, where it was asked for, synced.
void LogCore::Finish(Group group) {
  std::vector<DoneQueue::Callback> callbacks;
  MutexLock lock(mutex_);
  if (!group.batches.empty()) {
    chain_ = encoder_.chain();
    prior_ = group.batches.back().position;
    prior_scn_ = group.batches.back().scn;
    marked_ = false;
    written_ = prior_;
    end_ = group.offset + encoder_.Finish().size();
    files_.back().last = written_;
    last_group_batches_ = group.batches.size();
    last_group_end_ = clock_.Monotonic();
    group_batches_.Observe(static_cast<double>(group.batches.size()));
  }
  for (QueuedBatch& queued : group.batches) {
    queued_bytes_ -= queued.payload.size();
    queued_file_bytes_ -= BatchFileBytesMax(queued.payload.size());
    appended_bytes_.Add(queued.payload.size());
    callbacks.push_back([done = std::move(queued.done), position = queued.position,
                         scn = queued.scn] { done(position, scn); });
  }
  if (!group.batches.empty()) {
    callbacks.emplace_back([weak = weak_from_this(), position = written_] {
      const auto self = weak.lock();
      if (self == nullptr) return;
      MutexLock told(self->mutex_);
      self->told_ = position;
    });
  }
  if (group.sync) durable_ = written_;
  for (DoneQueue::Callback& waiter : TakeSatisfied()) callbacks.push_back(std::move(waiter));
  if (durable_ < written_) ArmSyncTimer();
  if (current_bytes_ - end_ < options_.file_bytes / 2) {
    next_->Want(NextFileWish(), NextLogFile::Urgency::kOnce);
  }
  lock.Unlock();
  done_.Push(std::move(callbacks));
}

std::vector<DoneQueue::Callback> LogCore::TakeSatisfied() {
  std::vector<DoneQueue::Callback> satisfied;
  const auto end = waiters_.upper_bound(durable_);
  for (auto waiter = waiters_.begin(); waiter != end; ++waiter) {
    satisfied.push_back(std::move(waiter->second));
  }
  waiters_.erase(waiters_.begin(), end);
  return satisfied;
}

// What is written but not synced is synced in time, also when nothing more comes.
void LogCore::ArmSyncTimer() {
  if (sync_timer_ != nullptr || closed_) return;
  sync_timer_ = executor_.PostAfter(options_.relaxed_sync_nanos, [self = shared_from_this()] {
    MutexLock lock(self->mutex_);
    self->sync_timer_ = nullptr;
    self->sync_target_ = std::max(self->sync_target_, self->written_);
    self->Schedule();
  });
}

// ----- files -----

// Whether there is room for everything queued and one batch more without another file.
bool LogCore::Fits(size_t payload_bytes) const {
  const uint64_t ready = next_->ready_bytes();
  const uint64_t room = current_bytes_ - end_ + (ready > 0 ? ready - kLogHeaderBytes : 0);
  return queued_file_bytes_ + BatchFileBytesMax(payload_bytes) <= room;
}

// With room for the batch that comes first, however large.
NextLogFile::Wish LogCore::NextFileWish() const {
  uint64_t bytes = std::max(options_.file_bytes, kFileBytesMin);
  if (!queue_.empty()) {
    const uint64_t end = EndOfBatch(kLogHeaderBytes, queue_.front().payload.size());
    bytes = std::max(bytes, AlignToGroup(end));
  }
  return {next_number_, bytes};
}

// A group waits for the next file.
void LogCore::Stall() {
  phase_ = Phase::kStalled;
  changed_.NotifyAll();
  if (!closed_) next_->Want(NextFileWish(), NextLogFile::Urgency::kPersist);
}

void LogCore::ResumeStalled() {
  MutexLock lock(mutex_);
  if (phase_ == Phase::kStalled && !closed_) PostCommit();
}

// Makes `next` the current file; after an error it lies in next_ again.
Result<> LogCore::Rotate(std::unique_ptr<LogFileMaker> next) {
  SyncCurrent();
  const LogFileHeader header = HeaderOf(*next);
  auto published = next->Publish(header);
  if (!published) {
    next_->GiveBack(std::move(next), published.error());
    return published.error();
  }
  current_ = *std::move(published);
  current_number_ = header.number;
  chain_ = next->chain();
  AddFile(*next, header);
  return Ok();
}

LogFileHeader LogCore::HeaderOf(const LogFileMaker& next) {
  LogFileHeader header;
  header.log = id_;
  header.number = next.number();
  header.prior = prior_;
  header.scn = prior_scn_;
  header.created = clock_.Now();
  header.prior_chain = chain_;
  MutexLock lock(mutex_);
  header.first = queue_.empty() ? last_.Next() : queue_.front().position;
  return header;
}

void LogCore::AddFile(const LogFileMaker& next, const LogFileHeader& header) {
  MutexLock lock(mutex_);
  files_.push_back({header.number, header.first, LogPosition(header.first.value() - 1),
                    next.bytes(), header.created});
  file_count_.Set(static_cast<double>(files_.size()));
  next_number_ = header.number + 1;
  current_bytes_ = next.bytes();
  end_ = kLogHeaderBytes;
}

// The header of the next file says that everything before it is durable.
void LogCore::SyncCurrent() {
  {
    MutexLock lock(mutex_);
    if (durable_ == written_) return;
  }
  MustSucceed(current_->Sync(SyncKind::kData));
  std::vector<DoneQueue::Callback> satisfied;
  {
    MutexLock lock(mutex_);
    durable_ = written_;
    satisfied = TakeSatisfied();
  }
  done_.Push(std::move(satisfied));
}

// Where no background may be waited for: at the start and at the end.
Result<> LogCore::RotateNow() {
  NextLogFile::Wish wish;
  {
    MutexLock lock(mutex_);
    wish = NextFileWish();
  }
  ASSIGN_OR_RETURN(auto next, next_->MakeNow(wish));
  return Rotate(std::move(next));
}

// ----- close -----

void LogCore::Close() {
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    closed_ = true;
    while (phase_ == Phase::kRunning) changed_.Wait(lock);
    phase_ = Phase::kRunning;
    if (company_timer_ != nullptr) company_timer_->Cancel();
    if (sync_timer_ != nullptr) sync_timer_->Cancel();
  }
  CommitRest();
  done_.Drain();
  Release();
}

void LogCore::CommitRest() {
  while (CommitNext()) {
  }
  if (current_ == nullptr) return;
  SyncCurrent();
  WriteMark();
}

// False when nothing is left that can be committed.
bool LogCore::CommitNext() {
  Group group;
  {
    MutexLock lock(mutex_);
    if (queue_.empty()) return false;
    group = TakeGroup();
  }
  if (!group.needs_file) {
    WriteGroup(std::move(group));
    return true;
  }
  const Result<> rotated = RotateNow();
  if (rotated) return true;
  MutexLock lock(mutex_);
  LogError("wal.batches_dropped", "{} unacknowledged batches are dropped: {}", queue_.size(),
           rotated.error().ToString());
  return false;
}

// Says at the end of the file that all of it is durable, so that damage in its last group cannot
// be taken for an unfinished write.
void LogCore::WriteMark() {
  Group group;
  {
    MutexLock lock(mutex_);
    if (marked_ || end_ + kGroupAlignment > current_bytes_) return;
    group.offset = end_;
    group.durable = durable_;
  }
  encoder_.Begin({{id_, current_number_, group.offset}, chain_, group.durable});
  encoder_.AddMark(prior_, prior_scn_);
  WriteBatch batch;
  batch.Write(*current_, group.offset, encoder_.Finish());
  batch.Sync(*current_, SyncKind::kData);
  MustSucceed(fs_.Write(batch));
  marked_ = true;
}

// Callbacks that will never be called end without the lock: their captures may come back here.
void LogCore::Release() {
  std::deque<QueuedBatch> dropped;
  std::multimap<LogPosition, std::function<void()>> unsatisfied;
  MutexLock lock(mutex_);
  dropped.swap(queue_);
  unsatisfied.swap(waiters_);
  lock.Unlock();
  if (next_ != nullptr) next_->Close();
  current_.reset();
  lock.Lock();
  lock_.reset();
  phase_ = Phase::kIdle;
}

void LogCore::Abandon() {
  MutexLock lock(mutex_);
  closed_ = true;
  lock_.reset();
}

}  // namespace ficus
