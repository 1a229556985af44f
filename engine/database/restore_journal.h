// How far a restore is: written by the tool that stages it, carried on by the next start of the
// node.
//
//     <root>/restore/journal                 this record; there is at most one
//     <root>/restore/LOCK                    held by whoever changes something below `restore`
//     <root>/restore/<id>/new/<catalog>/...  what was staged, laid out as below the root
//     <root>/restore/<id>/old/...            what it replaced, until it is discarded
//     <root>/restore/hold/<group id>         retention leaves this group alone
//     <log's directory>/restore-<id>/...     the log that a restore of the whole node replaced
//
// Layout of the record: FILE-FORMAT.md, "Restore journal".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/log_position.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/model/catalog.h"
#include "engine/model/ids.h"
#include "engine/schema/schema_object.h"

namespace ficus {

enum class RestoreState : uint8_t {
  kStaging = 1,     // files are being collected; the node takes no notice
  kReady = 2,       // all is staged and verified: the next start of the node goes on from here
  kMovingIn = 3,    // whole node: the trees are being exchanged
  kOpening = 4,     // whole node: exchanged, and never opened for a client since
  kMovingBack = 5,  // whole node: the exchange is being undone
  kDone = 6,
  kFailed = 7,  // the old tree is in its place
};
// "staging", "ready", ...
std::string_view RestoreStateName(RestoreState state);
// The next start of the node has something to do.
bool IsOpen(RestoreState state);

struct RestoredGroup {
  Catalog catalog = Catalog::kMeasure;
  std::string name;
  GroupId backup_id;  // in the backup
  GroupId id;         // from now on
  friend bool operator==(const RestoredGroup&, const RestoredGroup&) = default;
};

struct RestoreJournal {
  uint64_t id = 0;
  RestoreState state = RestoreState::kStaging;
  // False: only `whole_catalogs` and `groups`; everything else, and the log, stays.
  bool whole_node = true;

  // The backup.
  std::string source;  // URL of the destination
  std::string timedir;
  uint64_t generation = 0;
  std::string run;
  uint64_t backup_node_id = 0;
  LogPosition backup_position;
  Scn backup_scn;
  UnixNanos taken_at = 0;
  uint64_t file_count = 0;
  uint64_t file_bytes = 0;

  UnixNanos begun_at = 0;
  UnixNanos ended_at = 0;  // kDone and kFailed
  // Catalogs that hold nothing but the backup's groups afterwards.
  std::vector<Catalog> whole_catalogs;
  std::vector<RestoredGroup> groups;  // by catalog and name; never `_schema`
  // The schema of `groups`; none for the whole node, whose backup brings `_schema` along.
  std::vector<SchemaObject> objects;
  // Files below the root that asked for this restore: removed when it is done, renamed to
  // `<name>.failed` when it is not.
  std::vector<std::string> markers;

  // Known from kMovingIn on.
  uint64_t node_id = 0;
  LogPosition position;  // the new log's numbers are above
  Scn scn;
  std::vector<std::string> aside;      // names below the root that were there before
  std::vector<std::string> log_aside;  // names in the log's directory
  std::string reason;                  // kFailed

  friend bool operator==(const RestoreJournal&, const RestoreJournal&) = default;
};

inline constexpr std::string_view kRestoreDirectory = "restore";
inline constexpr std::string_view kRestoreJournalFile = "restore/journal";
inline constexpr std::string_view kRestoreLockFile = "restore/LOCK";
inline constexpr std::string_view kRetentionHoldDirectory = "restore/hold";
inline constexpr uint64_t kRestoreJournalBytesMax = uint64_t{256} << 20;

// "restore/<id>", "restore/<id>/new", "restore/<id>/old"; in the log's directory "restore-<id>".
std::string RestoreFolder(uint64_t id);
std::string StagedFolder(uint64_t id);
std::string AsideFolder(uint64_t id);
std::string LogAsideFolder(uint64_t id);

std::string EncodeRestoreJournal(const RestoreJournal& journal);
// kCorruption for foreign bytes and for names that could leave their folder, kUnsupportedVersion
// for a later version.
Result<RestoreJournal> DecodeRestoreJournal(std::string_view bytes);

// No value when there is none.
Result<std::optional<RestoreJournal>> ReadRestoreJournal(FileSystem& fs);
// Durable when it returns.
Result<> WriteRestoreJournal(FileSystem& fs, RandomSource& random, const RestoreJournal& journal);
// Durable when it returns; a missing one is fine.
Result<> RemoveRestoreJournal(FileSystem& fs);

// Retention of a restored group is on hold until somebody has looked at what came back: rows that
// outlived their time to live in the backup would go within a minute. Group ids are never reused,
// so a hold that outlives its group does no harm.
Result<> HoldRetention(FileSystem& fs, RandomSource& random, GroupId group);
// Durable when it returns; a missing hold is fine.
Result<> ReleaseRetention(FileSystem& fs, GroupId group);
Result<bool> IsRetentionHeld(FileSystem& fs, GroupId group);

}  // namespace ficus
