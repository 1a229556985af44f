// The log at work: takes batches in, commits them in groups, begins new files, forgets old ones.
//
//     Append --> queue --> commit job: encode a group, one write and one sync --> callbacks
//                             |  the group does not fit any more
//                             v
//                          next file, made in the background since the current one was half full
//
// One commit runs at a time; while it runs the queue collects the next group. Whoever runs it owns
// the current file (phase kRunning) and holds no lock while it waits for the disk.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/wal/done_queue.h"
#include "engine/wal/group_encoder.h"
#include "engine/wal/log.h"
#include "engine/wal/next_log_file.h"

namespace ficus {

// The log as recovery found it, or nothing but a new id.
struct LogFound {
  LogId id;
  bool created = false;
  LogPosition last;
  LogPosition highest;
  Scn scn;
  uint32_t chain = 0;
  uint64_t next_number = 1;
  std::vector<Log::FileSummary> files;
};

// Jobs on the executor share its ownership, so that none of them meets a freed log.
// All members: any thread; their contracts are those of Log.
class LogCore : public std::enable_shared_from_this<LogCore> {
 public:
  LogCore(Log::Environment environment, LogOptions options, LogFound found,
          std::unique_ptr<FileLock> lock);

  Result<> Start(LogPosition above, Scn scn);
  Result<> Append(std::string payload, Durability must, Log::Done done);
  void SyncTo(LogPosition position, std::function<void()> done);
  Result<> Trim(LogPosition position);
  void Close();
  // Does nothing from here on: the owner goes without having closed.
  void Abandon();

  LogPosition last_position() const;
  LogPosition durable_position() const;
  LogPosition told_position() const;
  std::vector<Log::FileSummary> files() const;

 private:
  struct QueuedBatch {
    std::string payload;
    Durability must;
    Log::Done done;
    LogPosition position;
    Scn scn;
  };
  struct Group {
    std::vector<QueuedBatch> batches;
    bool sync = false;
    LogPosition durable;      // before this group
    uint64_t offset = 0;      // where it goes
    bool needs_file = false;  // the next batch does not fit: nothing else is set
  };
  enum class Phase : uint8_t {
    kIdle,     // nothing to do
    kWaiting,  // a timer runs: company may come
    kPosted,   // a commit job waits on the executor
    kRunning,  // a commit runs, here or on the executor
    kStalled,  // the next file is not ready
  };

  // Commit.
  void Schedule() REQUIRES(mutex_);
  bool HasWork() const REQUIRES(mutex_);
  bool IsReady() const REQUIRES(mutex_);
  bool WantsSync(LogPosition written) const REQUIRES(mutex_);
  void PostCommit() REQUIRES(mutex_);
  void RunCompanyTimer();
  void RunCommitJob();
  bool CommitGroup();
  Group TakeGroup() REQUIRES(mutex_);
  void WriteGroup(Group group);
  void Finish(Group group);
  void ArmSyncTimer() REQUIRES(mutex_);
  std::vector<DoneQueue::Callback> TakeSatisfied() REQUIRES(mutex_);

  // Files.
  Result<> CheckRoom(size_t payload_bytes) REQUIRES(mutex_);
  bool Fits(size_t payload_bytes) const REQUIRES(mutex_);
  NextLogFile::Wish NextFileWish() const REQUIRES(mutex_);
  void Stall() REQUIRES(mutex_);
  void ResumeStalled();
  Result<> Rotate(std::unique_ptr<LogFileMaker> next);
  LogFileHeader HeaderOf(const LogFileMaker& next);
  void AddFile(const LogFileMaker& next, const LogFileHeader& header);
  void SyncCurrent();
  Result<> RotateNow();

  // Close.
  void CommitRest();
  bool CommitNext();
  void WriteMark();
  void Release();

  // Constant after construction.
  FileSystem& fs_;
  Clock& clock_;
  RandomSource& random_;
  Executor& executor_;
  const LogOptions options_;
  const LogId id_;
  const bool created_;
  const LogPosition found_highest_;
  Counter& appended_bytes_;
  Histogram& sync_seconds_;
  Histogram& group_batches_;
  Gauge& file_count_;

  // Provide their own synchronisation.
  DoneQueue done_;
  std::shared_ptr<NextLogFile> next_;  // made by Start()

  // Owned by whoever runs a commit.
  std::unique_ptr<File> current_;
  uint64_t current_number_ = 0;
  GroupEncoder encoder_;
  uint32_t chain_;
  LogPosition prior_;  // last position in the files
  Scn prior_scn_;
  bool marked_ = true;  // nothing was written since the last mark

  mutable Mutex mutex_;
  CondVar changed_;
  std::unique_ptr<FileLock> lock_ GUARDED_BY(mutex_);
  bool started_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
  Phase phase_ GUARDED_BY(mutex_) = Phase::kIdle;
  std::shared_ptr<Executor::Timer> company_timer_ GUARDED_BY(mutex_);
  std::shared_ptr<Executor::Timer> sync_timer_ GUARDED_BY(mutex_);

  std::deque<QueuedBatch> queue_ GUARDED_BY(mutex_);
  uint64_t queued_bytes_ GUARDED_BY(mutex_) = 0;       // payloads, those in the running commit too
  uint64_t queued_file_bytes_ GUARDED_BY(mutex_) = 0;  // what they take up in a file at most
  LogPosition last_ GUARDED_BY(mutex_);                // accepted
  LogPosition written_ GUARDED_BY(mutex_);
  LogPosition durable_ GUARDED_BY(mutex_);
  LogPosition told_ GUARDED_BY(mutex_);
  Scn scn_ GUARDED_BY(mutex_);
  LogPosition sync_target_ GUARDED_BY(mutex_);
  std::multimap<LogPosition, std::function<void()>> waiters_ GUARDED_BY(mutex_);
  std::optional<int64_t> last_group_end_ GUARDED_BY(mutex_);  // monotonic
  size_t last_group_batches_ GUARDED_BY(mutex_) = 0;

  std::deque<Log::FileSummary> files_ GUARDED_BY(mutex_);
  uint64_t next_number_ GUARDED_BY(mutex_);
  uint64_t end_ GUARDED_BY(mutex_) = 0;            // of the groups in the current file
  uint64_t current_bytes_ GUARDED_BY(mutex_) = 0;  // 0: there is no current file
  bool trimming_ GUARDED_BY(mutex_) = false;
};

}  // namespace ficus
