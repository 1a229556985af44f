// The records beside the backups: who is writing, who is reading, what is going.
//
// All are texts as in record_text.h; layout: FILE-FORMAT.md, "Backup records". The order in which
// they are written is what keeps the four parties apart:
//
//     a run      puts its pending marker, then looks for a tombstone of its time directory: when
//                there is one, it removes the marker and does not write there
//     a restore  puts its hold, then looks for a tombstone of the time directory: when there is
//                one, it removes the hold and does not read there
//     a prune    puts a tombstone, then looks for markers and holds of the time directory: when
//                there is one, it removes the tombstone and leaves the backup alone
//
// Whoever comes second sees the first; two that meet may both step back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "server/backup/manifest.h"

namespace ficus {

// `_meta/pending/<run>`: there from before the first object until after the commit of a run.
struct PendingRecord {
  std::string run;
  std::string timedir;
  uint64_t generation = 1;
  uint64_t node_id = 0;
  uint64_t lease_generation = 0;
  std::string job;
  UnixNanos started_at = 0;
  friend bool operator==(const PendingRecord&, const PendingRecord&) = default;
};

// `_meta/hold/<id>`: somebody reads a time directory until `expires_at`; renewed by putting it
// again.
struct HoldRecord {
  std::string id;
  std::string timedir;
  std::string reason;  // "restore 5f2a... on host a", for people
  UnixNanos expires_at = 0;
  friend bool operator==(const HoldRecord&, const HoldRecord&) = default;
};

// `_meta/expired/<timedir>`: the backup is no longer one, whatever else lies there.
struct ExpiredRecord {
  std::string timedir;
  std::string reason;
  UnixNanos expired_at = 0;
  // When the last object had gone; 0 before. Until a grace later no run writes there, so that a
  // delete that was held up somewhere cannot hit what is new.
  UnixNanos emptied_at = 0;
  // All generations that were committed, oldest first: what the manifests have to be.
  std::vector<CommitRecord> commits;
  friend bool operator==(const ExpiredRecord&, const ExpiredRecord&) = default;
};

std::string EncodePending(const PendingRecord& pending);
std::string EncodeHold(const HoldRecord& hold);
std::string EncodeExpired(const ExpiredRecord& expired);
// Errors as DecodeCommit. Each is at most kRecordBytesMax long.
Result<PendingRecord> DecodePending(std::string_view bytes);
Result<HoldRecord> DecodeHold(std::string_view bytes);
Result<ExpiredRecord> DecodeExpired(std::string_view bytes);

}  // namespace ficus
