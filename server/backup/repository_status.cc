#include "server/backup/repository_status.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "server/backup/backup_scope.h"
#include "server/backup/utc_time.h"

namespace ficus {
namespace {

// "14 m", "3 h", "9 d": one unit is enough to know whether to worry.
std::string AgeText(int64_t nanos) {
  const int64_t minutes = nanos / (60 * kNanosPerSecond);
  if (minutes < 0) return "in the future";
  if (minutes < 120) return fmt::format("{} m old", minutes);
  if (minutes < 48 * 60) return fmt::format("{} h old", minutes / 60);
  return fmt::format("{} d old", minutes / (24 * 60));
}

std::string PointText(const RestorePoint& point, std::string_view what) {
  return fmt::format("{}Z ({}, {}, {})", UtcText(point.taken_at).substr(0, 19), point.timedir, what,
                     AgeText(point.age_nanos));
}

void Improve(std::optional<RestorePoint>& best, const BackupEntry& entry, UnixNanos now) {
  const UnixNanos taken_at = entry.commit->taken_at;
  if (best && best->taken_at >= taken_at) return;
  // Two times of 64 bits may be further apart than 64 bits hold.
  int64_t age = 0;
  if (__builtin_sub_overflow(now, taken_at, &age)) age = now < taken_at ? INT64_MIN : INT64_MAX;
  best = RestorePoint{entry.timedir, taken_at, age};
}

// A commit of before scopes were written is taken for one of the whole node.
bool IsOfNode(const BackupEntry& entry) {
  return entry.state == BackupState::kCommitted &&
         (entry.commit->scope.empty() || entry.commit->scope == kNodeScope);
}

}  // namespace

RepositoryStatus StatusOf(const RepositoryListing& listing, UnixNanos now) {
  RepositoryStatus status;
  status.unread = listing.unread.size();
  const bool has_node = std::any_of(listing.backups.begin(), listing.backups.end(), IsOfNode);
  for (const BackupEntry& entry : listing.backups) {
    switch (entry.state) {
      case BackupState::kCommitted:
        ++status.committed;
        if (entry.verified()) ++status.verified;
        if (has_node && !IsOfNode(entry)) break;
        Improve(status.newest_committed, entry, now);
        if (entry.verified()) Improve(status.newest_verified, entry, now);
        break;
      case BackupState::kDegraded:
        ++status.degraded;
        break;
      case BackupState::kDamaged:
        ++status.damaged;
        break;
      case BackupState::kUnfinished:
        ++status.unfinished;
        break;
      case BackupState::kExpired:
        ++status.expired;
        break;
    }
  }
  return status;
}

std::string RepositoryStatus::Sentence() const {
  if (!newest_committed) return "There is no backup to restore.";
  if (!newest_verified) {
    return "You can restore to " + PointText(*newest_committed, "not verified") +
           ". No backup has been verified.";
  }
  std::string text = "You can restore to " + PointText(*newest_verified, "verified") + ".";
  if (newest_committed->timedir != newest_verified->timedir) {
    text += " A newer one is there: " + PointText(*newest_committed, "not verified") + ".";
  }
  return text;
}

}  // namespace ficus
