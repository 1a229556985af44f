// Where a file snapshot cuts the log: no file of any table holds rows of both sides.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/log_position.h"
#include "engine/base/mutex.h"
#include "engine/table/manifest.h"
#include "engine/table/snapshot.h"

namespace ficus {

// The files of one table with exactly the rows up to a line. They stay where they are while this is
// held; so that their directory stays, too, the segment is to be held beside it.
struct PinnedTable {
  std::string directory;                  // of the shard, below the root
  std::shared_ptr<const Snapshot> files;  // no mem parts
  Manifest manifest;                      // names exactly `files`; flushed up to the line
  std::string read_only_reason;           // why something newer may be missing; else empty
};

// One line for all tables of a node. Drawn between two batches: after everything up to its position
// was handed to the tables, before anything later is. From then on no table makes a mem part or a
// file of rows from both sides, and a table keeps its files as they were before the first file
// with rows beyond the line joins them.
//
// All members: any thread. Its lock is taken under a table's, and no other is taken under it. What
// it keeps needs the file system and the executors of the tables.
class SealLine {
 public:
  // Two stores; for the thread that hands batches to the tables.
  void Draw(LogPosition position, Scn scn) {
    scn_.store(scn.value(), std::memory_order_relaxed);
    position_.store(position.value(), std::memory_order_release);
  }
  // Lets go of what tables kept.
  void Lift();

  // 0: there is none.
  LogPosition position() const { return LogPosition(position_.load(std::memory_order_acquire)); }
  // Of the batch at the line: no row up to it has a higher one.
  Scn scn() const { return Scn(scn_.load(std::memory_order_relaxed)); }

  // Called by tables only. Nothing is kept for a line that was lifted meanwhile.
  void Keep(LogPosition position, const std::string& directory,
            std::shared_ptr<const Snapshot> files);
  std::shared_ptr<const Snapshot> Kept(std::string_view directory) const;

 private:
  std::atomic<uint64_t> position_{0};
  std::atomic<uint64_t> scn_{0};

  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Snapshot>, std::less<>> kept_ GUARDED_BY(mutex_);
};

}  // namespace ficus
