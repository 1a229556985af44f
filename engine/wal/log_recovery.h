// What happens to a log before anybody relies on it: read, judged, its torn tail cut, synced.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/wal/log_reader.h"

namespace ficus {

// What to do about damage: the node refuses to go on by itself; the operator may accept the loss.
enum class OnDamage : uint8_t { kRefuse, kSetAside };

// A log ready to be relied on.
struct RecoveredLog {
  std::unique_ptr<LogReader> reader;  // of the log as it is after recovery
  bool torn_tail = false;
  bool damaged = false;  // something durable was set aside
  LogPosition highest;   // at least the last one; also those set aside
};

// Errors as in Log::Open; on kCorruption and kUnsupportedVersion nothing was changed. Damaged bytes
// and files behind the damage stay in the directory (LostFileName). Repeating it after a crash at
// any point gives the same log; so does repeating it after kCancelled, by `stop`. The caller holds
// the directory's lock.
Result<RecoveredLog> RecoverLog(FileSystem& fs, RandomSource& random, OnDamage on_damage,
                                const std::stop_token& stop);

// Removes what a dead process left half made, durably.
Result<> RemoveLogTemporaries(FileSystem& fs);

}  // namespace ficus
