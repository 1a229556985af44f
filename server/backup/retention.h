// Which backups stay: a pure function of what there is.
//
// Only sound backups (committed, not degraded, not found damaged) count for a rule. Of each of the
// newest N hours, days, weeks (Monday first) and months that have a sound backup, the newest one
// stays: ages play no part, so a pause in the backups or a clock that jumps removes nothing. The
// newest `min` sound ones and the newest `min` verified ones stay, at least one of the latter.
// Unsound ones stay where a rule has no sound one to show for the same hour, day, ..., as many as
// the rule's N; they never take the place of a sound one.
// What is held, pending or of another tool stays, and what cannot be judged.
//
// Scopes are apart: the rule counts for the backups of each by themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "server/backup/backup_spec.h"

namespace ficus {

struct BackupFact {
  std::string timedir;
  std::string scope;  // backup_scope.h
  UnixNanos taken_at = 0;
  bool verified = false;    // implies sound
  bool degraded = false;    // lacks something since it was made
  bool damaged = false;     // a verification found damage
  bool held = false;        // a restore reads it
  bool unfinished = false;  // a run writes there, or none has committed
  bool foreign = false;     // not committed by this node
  std::string unread;       // why nobody knows what it is worth; empty: it is known
};

struct KeepDecision {
  std::string timedir;
  bool keep = true;
  std::string reason;  // "newest of the day 2026-11-20", "held", "no rule keeps it"
};

struct RetentionClock {
  UnixNanos now = 0;
  // The wall clock has moved by more than an hour against the monotonic one since it was last
  // trusted.
  bool stepped = false;
  // An operator has said that the time is right.
  bool confirmed = false;
};

// The newest backup may be this much ahead of the clock.
inline constexpr int64_t kClockToleranceNanos = kNanosPerHour;

// A decision for each fact, in their order. kFailedPrecondition, and nothing may be removed, when
// the clock has stepped or the newest backup lies in the future and nobody has confirmed the time.
// `civil_time` unset: UTC.
Result<std::vector<KeepDecision>> DecideRetention(const std::vector<BackupFact>& facts,
                                                  const KeepRule& rule, const CivilTime& civil_time,
                                                  const RetentionClock& clock);

}  // namespace ficus
