// The one log of the node: acknowledged means that the batch is here and synced.
//
// A batch is an opaque byte string with a position (1, 2, 3, ...) and an SCN. Batches are committed
// in groups: while one group is being written and synced, the next collects. Files are
// preallocated, never recycled, and hold the log's id, so that a foreign or missing file is
// noticed. Layout: FILE-FORMAT.md, "Log".
//
// Threads: every member from any thread unless said otherwise. Callbacks run on the log's executor,
// in position order. Any failure to write or sync a file that is already allocated stops the
// process (engine/io sees to it). No space for a new file makes Append fail with kNoSpace; nothing
// was appended then.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/log_position.h"
#include "engine/base/metrics.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/runtime/executor.h"

namespace ficus {

// strict: acknowledged after the group's fdatasync. relaxed: acknowledged after write(); survives
// kill -9, not a power cut.
enum class Durability : uint8_t { kStrict, kRelaxed };

inline constexpr size_t kBatchBytesMax = 64 << 20;

struct LogOptions {
  // Whether Open may begin a new log in a directory without one.
  bool create_if_missing = false;
  // Whether Open may go on with what lies in front of damage: the operator has accepted the loss of
  // the rest, which is kept aside as `<file>.lost.<highest position>`.
  bool accept_damage = false;
  // Size of a file; a batch that needs more gets a larger one.
  uint64_t file_bytes = 64 << 20;
  // A group waits for company at most this long after the last group: until as many batches have
  // come as that group had. Not at all when the log was idle before it.
  int64_t group_window_nanos = 5 * kNanosPerMilli;
  uint64_t group_bytes_max = 4 << 20;
  // Batches accepted but not committed; beyond it Append refuses with kResourceExhausted.
  uint64_t queued_bytes_max = 64 << 20;
  // relaxed: acknowledged after write(), synced at least this often.
  Durability durability = Durability::kStrict;
  int64_t relaxed_sync_nanos = kNanosPerSecond;
  // Ends Open() while it reads, with kCancelled.
  std::stop_token stop = {};
};

// What Open found, for the operator and the recovery that follows.
struct LogOpening {
  LogId id;  // new and random when there was no log
  bool created = false;
  LogPosition first;    // first position still in the files
  LogPosition last;     // last intact position; replay covers [first, last]
  Scn scn;              // highest in headers and records
  LogPosition highest;  // at least `last`: also positions seen behind damage; never given again
  // An unfinished group at the end was cut off; a copy is kept as `<file>.broken`.
  bool torn_tail = false;
  // With accept_damage: something durable was lost.
  bool damaged = false;
};

class Log {
 public:
  struct Environment {
    FileSystem& fs;  // rooted at the log's own directory
    Clock& clock;
    RandomSource& random;
    Executor& executor;  // callbacks and commits
    MetricRegistry& metrics;
  };

  // Takes the directory's LOCK, reads and checks every file, cuts a torn tail off, syncs what
  // recovery relies on. Nothing is appended before Start().
  // kNotFound: there is no log and `create_if_missing` is off. kCorruption, with file and byte
  // range: durable bytes are damaged, a file is missing or belongs to another log, and
  // `accept_damage` is off; nothing was changed. kUnsupportedVersion: written by a newer build.
  // kUnavailable: the LOCK is held. kCancelled: LogOptions::stop; the next Open finds the same log.
  static Result<std::unique_ptr<Log>> Open(Environment environment, const LogOptions& options);
  virtual ~Log() = default;  // after Close()

  virtual const LogOpening& opening() const = 0;

  // Hands every intact batch from `from` on to `visit`, in order; stops at its first error and
  // returns it. Before Start().
  using Visit = std::function<Result<>(LogPosition, Scn, std::string_view payload)>;
  virtual Result<> Replay(LogPosition from, const Visit& visit) = 0;

  // Begins a new file whose positions are above both the last intact one and `above` (a position
  // some manifest recorded), and whose SCNs are above `scn`. Appends are taken from here on. Once,
  // blocking. Without space for the file a log that exists starts all the same, and Append answers
  // kNoSpace until there is some; a log that was created now is refused with kNoSpace.
  virtual Result<> Start(LogPosition above, Scn scn) = 0;

  // Queues a batch of at most kBatchBytesMax. `done` is called once it is durable (strict, or when
  // `must` is kStrict) or written (relaxed), with its position and SCN. kResourceExhausted: too
  // much is queued, or no new file can be opened. kNoSpace: no room for a new file; it ends by
  // itself when space returns. kUnavailable: not started, or closed. kInvalidArgument: too large.
  // In all these cases nothing happened and `done` is not called.
  using Done = std::function<void(LogPosition, Scn)>;
  virtual Result<> Append(std::string payload, Durability must, Done done) = 0;

  // Position of the last batch accepted, committed or not.
  virtual LogPosition last_position() const = 0;
  virtual LogPosition durable_position() const = 0;
  // Position of the last batch whose `done` was called; those before it were told, too.
  virtual LogPosition told_position() const = 0;
  virtual LogId id() const = 0;

  // Calls `done` on the executor once everything up to `position` is durable (at once when it is).
  virtual void SyncTo(LogPosition position, std::function<void()> done) = 0;

  // Everything below `position` is no longer needed: removes the files that hold nothing else,
  // durably, oldest first. Blocking; one caller at a time.
  virtual Result<> Trim(LogPosition position) = 0;

  struct FileSummary {
    uint64_t number;
    LogPosition first;
    LogPosition last;  // below `first` when the file is empty
    uint64_t bytes;
    UnixNanos created;
  };
  // Oldest first.
  virtual std::vector<FileSummary> files() const = 0;

  // Commits what is queued, syncs, calls the callbacks, closes the files. From outside the
  // executor, whose jobs it does not need: what is left runs on the calling thread. Batches that
  // wait for space that does not come are dropped, unacknowledged, with a log line.
  virtual void Close() = 0;
};

}  // namespace ficus
