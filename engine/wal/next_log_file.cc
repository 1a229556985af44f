#include "engine/wal/next_log_file.h"

#include <utility>

#include "engine/base/log.h"

namespace ficus {
namespace {

// How long after an attempt that failed the next one is made.
constexpr int64_t kRetryNanos = 200 * kNanosPerMilli;

}  // namespace

NextLogFile::NextLogFile(FileSystem& fs, Clock& clock, RandomSource& random, Executor& executor,
                         std::function<void()> on_ready)
    : fs_(fs),
      clock_(clock),
      random_(random),
      executor_(executor),
      on_ready_(std::move(on_ready)) {}

void NextLogFile::Want(Wish wish, Urgency urgency) {
  MutexLock lock(mutex_);
  wish_ = wish;
  persist_ = persist_ || urgency == Urgency::kPersist;
  if (closed_) return;
  if (ready_ && persist_) {
    // Whoever asks now may have been busy when the file became ready.
    executor_.Post([self = shared_from_this()] { self->on_ready_(); });
  }
  if (file_ != nullptr) return;
  if (error_ && clock_.Monotonic() - error_at_ < kRetryNanos) {
    if (persist_) ArmRetry();
    return;
  }
  file_ = std::make_unique<LogFileMaker>(fs_, random_, wish.number, wish.bytes);
  PostStep();
}

void NextLogFile::PostStep() {
  executor_.Post([self = shared_from_this()] { self->RunStep(); });
}

void NextLogFile::RunStep() {
  LogFileMaker* file = nullptr;
  {
    MutexLock lock(mutex_);
    if (closed_ || file_ == nullptr || ready_ || stepping_) return;
    stepping_ = true;
    file = file_.get();
    if (persist_) file->Hurry();
  }
  FinishStep(file->Step());
}

void NextLogFile::FinishStep(const Result<bool>& step) {
  std::unique_ptr<LogFileMaker> failed;  // ends without the lock
  MutexLock lock(mutex_);
  stepping_ = false;
  changed_.NotifyAll();
  if (!step) {
    failed = std::move(file_);
    NoteError(step.error());
    if (persist_) ArmRetry();
  } else if (*step) {
    if (std::exchange(told_, false)) LogInfo("wal.file_again", "log files can be made again");
    NoteReady();
  } else {
    PostStep();
  }
  const bool tell = ready_ && !closed_;
  lock.Unlock();
  if (tell) on_ready_();
}

void NextLogFile::NoteError(const Error& error) {
  if (!std::exchange(told_, true)) {
    LogWarn("wal.no_file", "no new log file can be made: {}", error.ToString());
  }
  error_ = error;
  error_at_ = clock_.Monotonic();
}

void NextLogFile::NoteReady() {
  error_.reset();
  persist_ = false;
  ready_ = true;
}

void NextLogFile::ArmRetry() {
  if (retry_armed_ || closed_) return;
  retry_armed_ = true;
  executor_.PostAfter(kRetryNanos, [self = shared_from_this()] { self->Retry(); });
}

void NextLogFile::Retry() {
  Wish wish;
  bool tell = false;
  {
    MutexLock lock(mutex_);
    retry_armed_ = false;
    if (closed_) return;
    wish = wish_;
    // A file that was given back needs nothing but another attempt to publish it.
    tell = file_ != nullptr && !stepping_ && !ready_ && file_->finished();
    if (tell) NoteReady();
  }
  if (tell) return on_ready_();
  Want(wish, Urgency::kPersist);
}

std::unique_ptr<LogFileMaker> NextLogFile::Take(uint64_t bytes) {
  MutexLock lock(mutex_);
  if (!ready_) return nullptr;
  ready_ = false;
  if (file_->bytes() >= bytes || file_->named()) return std::move(file_);
  file_->Extend(bytes);
  persist_ = true;
  PostStep();
  return nullptr;
}

void NextLogFile::GiveBack(std::unique_ptr<LogFileMaker> file, Error error) {
  MutexLock lock(mutex_);
  file_ = std::move(file);
  NoteError(error);
  ArmRetry();
}

Result<std::unique_ptr<LogFileMaker>> NextLogFile::MakeNow(Wish wish) {
  std::unique_ptr<LogFileMaker> file;
  {
    MutexLock lock(mutex_);
    while (stepping_) changed_.Wait(lock);
    ready_ = false;
    file = std::move(file_);
  }
  if (file == nullptr) {
    file = std::make_unique<LogFileMaker>(fs_, random_, wish.number, wish.bytes);
  }
  file->Extend(wish.bytes);
  while (!file->finished()) {
    const Result<bool> step = file->Step();
    if (step) continue;
    MutexLock lock(mutex_);
    NoteError(step.error());
    return step.error();
  }
  return file;
}

uint64_t NextLogFile::ready_bytes() const {
  MutexLock lock(mutex_);
  return ready_ ? file_->bytes() : 0;
}

std::optional<Error> NextLogFile::error() const {
  MutexLock lock(mutex_);
  return error_;
}

void NextLogFile::Close() {
  std::unique_ptr<LogFileMaker> unused;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    while (stepping_) changed_.Wait(lock);
    ready_ = false;
    unused = std::move(file_);
  }
  if (unused != nullptr) unused->Discard();
}

}  // namespace ficus
