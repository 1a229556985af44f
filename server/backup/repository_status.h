// "You can restore to X": what a destination is good for, from the facts in it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "server/backup/repository.h"

namespace ficus {

struct RestorePoint {
  std::string timedir;
  UnixNanos taken_at = 0;
  int64_t age_nanos = 0;  // negative when the clock is behind
};

struct RepositoryStatus {
  // Newest by the time of the snapshot; degraded and damaged backups are not restore points, nor
  // are those of a part of the node where one of the whole node is.
  std::optional<RestorePoint> newest_verified;
  std::optional<RestorePoint> newest_committed;
  size_t committed = 0;  // can be restored whole
  size_t verified = 0;   // of these
  size_t degraded = 0;
  size_t damaged = 0;
  size_t unfinished = 0;
  size_t expired = 0;
  size_t unread = 0;  // records

  // One sentence for people: "You can restore to 2026-11-20T09:00:00Z (2026-11-20-09, verified,
  // 14 m old)."
  std::string Sentence() const;
};

RepositoryStatus StatusOf(const RepositoryListing& listing, UnixNanos now);

}  // namespace ficus
