// The snapshots that lie on a root: listed, read, verified, held, removed.
//
// A snapshot exists once its contents list does. The list is removed first, durably, so that what
// is left of a removal that died is a folder without a list, like what is left of a taking that
// died: RemoveUnfinished() clears both away.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/snapshot/snapshot_contents.h"
#include "engine/snapshot/snapshot_holds.h"
#include "engine/snapshot/snapshot_verifier.h"

namespace ficus {

struct SnapshotSummary {
  std::string id;
  LogPosition position;
  Scn scn;
  UnixNanos taken_at = 0;
  bool whole_node = true;
  uint64_t files = 0;
  uint64_t bytes = 0;
  std::vector<CatalogSnapshot> catalogs;  // without their files
  // Why its list cannot be read, and with it nothing above but the id; else empty.
  std::string damage;
};

// Which snapshots go by themselves.
struct SnapshotRetention {
  uint32_t keep = 10;  // the newest ones stay
  int64_t min_age_nanos = kNanosPerHour;
};

// All members: any thread, blocking. One process per root: the database, or a tool that holds the
// root's lock.
class SnapshotStore {
 public:
  SnapshotStore(FileSystem& fs, RandomSource& random) : fs_(fs), random_(random) {}

  Result<size_t> Count();
  // Newest first.
  Result<std::vector<SnapshotSummary>> List();
  // kInvalidArgument for what is no id, kNotFound, kCorruption.
  Result<SnapshotContents> Read(std::string_view id);
  Result<SnapshotVerification> Verify(std::string_view id, const std::stop_token& stop);
  // Keeps the snapshot until the hold is released. `holder` says who, for messages.
  Result<SnapshotHold> Hold(std::string_view id, std::string holder);

  // kFailedPrecondition while it is held. What lies below it after a list that cannot be read is
  // left to RemoveUnfinished().
  Result<> Remove(std::string_view id);
  // Removes what is neither among the newest `keep` nor younger than the age nor held; tells how
  // many. A snapshot whose list cannot be read counts, and stays. So does `newest`, the one taken
  // last: by their names others are newer when the clock went back, or when a process before this
  // one took them in the same second.
  Result<size_t> RemoveStale(const SnapshotRetention& retention, UnixNanos now,
                             std::string_view newest);
  // Removes folders that no list names. Only while nothing is being taken. Nothing is removed while
  // a list cannot be read: what it names is not known.
  Result<> RemoveUnfinished();

  // The snapshot whose folders are complete and durable begins to exist. kResourceExhausted when
  // the list would be too long.
  Result<> Publish(const SnapshotContents& contents);
  // Whether nothing of this name exists in `folder`.
  Result<bool> IsFree(std::string_view folder, std::string_view name);
  bool HasContents(std::string_view id);

 private:
  Result<std::vector<std::string>> Ids();
  Result<> RemoveListed(const std::string& id);

  FileSystem& fs_;
  RandomSource& random_;
  SnapshotHolds holds_;
};

}  // namespace ficus
