// Has the next file of the log made in the background, and tries again when that fails.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/runtime/executor.h"
#include "engine/wal/log_file_maker.h"

namespace ficus {

// All members: any thread. Jobs on the executor share its ownership.
class NextLogFile : public std::enable_shared_from_this<NextLogFile> {
 public:
  // `on_ready` is called on the executor, without a lock, each time a file can be taken.
  NextLogFile(FileSystem& fs, Clock& clock, RandomSource& random, Executor& executor,
              std::function<void()> on_ready);

  struct Wish {
    uint64_t number = 0;
    uint64_t bytes = 0;
  };
  enum class Urgency : uint8_t {
    kOnce,     // one attempt, and none soon after one that failed
    kPersist,  // until there is a file, and as fast as can be: somebody waits
  };

  // Begins to make a file, unless one is being made or ready.
  void Want(Wish wish, Urgency urgency);

  // The finished file when it has at least `bytes`, else null; a smaller one grows in the
  // background, unless it has its name already.
  std::unique_ptr<LogFileMaker> Take(uint64_t bytes);

  // A file taken that could not be published; can be taken again a while later.
  void GiveBack(std::unique_ptr<LogFileMaker> file, Error error);

  // A file of at least that many bytes, made on the calling thread. Nobody else asks meanwhile.
  Result<std::unique_ptr<LogFileMaker>> MakeNow(Wish wish);

  // Bytes of the finished file; 0: there is none.
  uint64_t ready_bytes() const;
  // Why there is no file; none when there is one, or nobody has tried yet.
  std::optional<Error> error() const;

  // Makes nothing any more; waits for a step under way, leaves no temporary.
  void Close();

 private:
  void PostStep() REQUIRES(mutex_);
  void RunStep();
  void FinishStep(const Result<bool>& step);
  void NoteError(const Error& error) REQUIRES(mutex_);
  void NoteReady() REQUIRES(mutex_);
  void ArmRetry() REQUIRES(mutex_);
  void Retry();

  // Constant after construction.
  FileSystem& fs_;
  Clock& clock_;
  RandomSource& random_;
  Executor& executor_;
  const std::function<void()> on_ready_;

  mutable Mutex mutex_;
  CondVar changed_;
  // While stepping_ is set its methods are called without the lock, by one thread.
  std::unique_ptr<LogFileMaker> file_ GUARDED_BY(mutex_);
  bool stepping_ GUARDED_BY(mutex_) = false;
  bool ready_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
  Wish wish_ GUARDED_BY(mutex_);
  bool persist_ GUARDED_BY(mutex_) = false;
  bool retry_armed_ GUARDED_BY(mutex_) = false;
  std::optional<Error> error_ GUARDED_BY(mutex_);
  // The operator knows of an error, and of no file since: one that is given back again and again is
  // not told with each attempt.
  bool told_ GUARDED_BY(mutex_) = false;
  int64_t error_at_ GUARDED_BY(mutex_) = 0;  // monotonic
};

}  // namespace ficus
