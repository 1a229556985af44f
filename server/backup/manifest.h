// What a committed backup is made of: the manifest lists every object, the commit record makes the
// manifest count, the verification record says what was read back.
//
// All three are JSON with a checksum of their own; layout: FILE-FORMAT.md, "Backup records". The
// commit record is the only commit point: a time directory without one is unfinished, whatever
// lies in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/log_position.h"
#include "engine/base/result.h"
#include "engine/model/catalog.h"
#include "engine/model/ids.h"
#include "server/backup/sha256.h"

namespace ficus {

// Where files of a catalog lie in a time directory and where its marker lies below the root.
enum class TimedirForm : uint8_t {
  kReleased,  // <timedir>/<folder>/<group>/...       <root>/<folder>/time-dir
  kSeed,      // <timedir>/<folder>/data/<group>/...  <root>/<folder>-time-dir
};

struct BackupObject {
  std::string folder;  // "measure", ..., "schema-property"
  std::string path;    // below the folder's data: "sw_metric/seg-20261120/shard-0/2a.part"
  std::string key;     // below the destination's prefix
  uint64_t size_bytes = 0;
  Sha256 sha256{};
  // Of the local file (SnapshotFile): with group and path a cache key for sha256, never more.
  GroupId group;
  uint32_t checksum = 0;
  bool is_section_file = false;
  friend bool operator==(const BackupObject&, const BackupObject&) = default;
};

struct BackupGroup {
  std::string name;
  GroupId id;
  friend bool operator==(const BackupGroup&, const BackupGroup&) = default;
};

struct BackupCatalog {
  std::string folder;
  Catalog catalog = Catalog::kMeasure;
  std::vector<BackupGroup> groups;  // an empty one is listed, too
  friend bool operator==(const BackupCatalog&, const BackupCatalog&) = default;
};

struct BackupManifest {
  std::string run;      // id of the run that wrote it
  std::string timedir;  // "2026-11-20" or "2026-11-20-09"
  uint64_t generation = 1;
  TimedirForm form = TimedirForm::kReleased;
  std::string job;  // name in the configuration; empty for a run by hand
  uint64_t node_id = 0;
  LogId log;
  LogPosition position;
  Scn scn;
  UnixNanos taken_at = 0;  // of the snapshot: the point that a restore goes back to
  bool whole_node = true;
  std::string scope;  // what was asked for (backup_scope.h); empty: from before it was written
  std::vector<BackupCatalog> catalogs;
  std::vector<BackupObject> objects;  // by key
  // What is missing, in words; not empty: the backup is degraded, never verified.
  std::vector<std::string> missing;
  friend bool operator==(const BackupManifest&, const BackupManifest&) = default;
};

struct CommitRecord {
  std::string run;
  std::string timedir;
  uint64_t generation = 1;
  uint64_t node_id = 0;
  uint64_t lease_generation = 0;  // of the lease under which it was written
  std::string job;
  std::string manifest_key;
  uint64_t manifest_bytes = 0;
  Sha256 manifest_sha256{};
  uint64_t object_count = 0;
  uint64_t object_bytes = 0;
  UnixNanos taken_at = 0;
  UnixNanos committed_at = 0;
  bool degraded = false;
  std::string scope;  // of the manifest
  friend bool operator==(const CommitRecord&, const CommitRecord&) = default;
};

enum class VerifyLevel : uint8_t { kQuick, kSample, kFull };

// "quick", "sample", "full"
std::string_view VerifyLevelName(VerifyLevel level);

struct DamagedObject {
  std::string key;
  std::string reason;  // "missing", "has 17 bytes, not 18", "has another sha256", ...
  friend bool operator==(const DamagedObject&, const DamagedObject&) = default;
};

struct VerificationRecord {
  std::string timedir;
  uint64_t generation = 1;
  std::string commit_run;  // the run whose commit was verified
  VerifyLevel level = VerifyLevel::kFull;
  uint64_t objects_read = 0;
  uint64_t bytes_read = 0;
  UnixNanos verified_at = 0;
  std::vector<DamagedObject> damaged;  // by key; not empty: the verification failed
  // What else was seen, in words: objects that no manifest names, a damaged older record.
  std::vector<std::string> notes;
  friend bool operator==(const VerificationRecord&, const VerificationRecord&) = default;
};

// Whether `verification` makes the backup of `commit` a verified one: every object of that very
// commit was read back and nothing was missing or damaged. A degraded backup never is.
bool CountsAsVerified(const CommitRecord& commit, const VerificationRecord& verification);

inline constexpr uint64_t kBackupManifestBytesMax = uint64_t{1} << 30;
inline constexpr uint64_t kRecordBytesMax = uint64_t{1} << 20;
// A verification record may have to name every object.
inline constexpr uint64_t kVerificationBytesMax = uint64_t{1} << 28;

// The commit record of `manifest`, whose encoded form is `manifest_bytes`.
CommitRecord CommitOf(const BackupManifest& manifest, std::string_view manifest_bytes,
                      uint64_t lease_generation, UnixNanos committed_at);

// What decoding asks of a record's content, for those who are about to write one: names and paths
// that stay in their folder, no folder, group or object twice, objects sorted by key, each key the
// FileKey of its folder and path. kCorruption names the first that is wrong.
Result<> CheckManifest(const BackupManifest& manifest);

// JSON text, a fact on each line, the checksum of the text in the last one. Text that is not UTF-8
// is mended with U+FFFD.
std::string EncodeBackupManifest(const BackupManifest& manifest);
std::string EncodeCommit(const CommitRecord& commit);
std::string EncodeVerification(const VerificationRecord& verification);
// kCorruption for foreign or damaged bytes, kUnsupportedVersion for a later version or a required
// feature this build does not know. A key or path that could leave its folder is corruption, too.
Result<BackupManifest> DecodeBackupManifest(std::string_view bytes);
Result<CommitRecord> DecodeCommit(std::string_view bytes);
Result<VerificationRecord> DecodeVerification(std::string_view bytes);

// The manifest that `commit` made count: `bytes` must have its length and sha256, and the content
// its run, time directory, generation, node and counts; kCorruption otherwise.
Result<BackupManifest> DecodeManifestOf(const CommitRecord& commit, std::string_view bytes);

}  // namespace ficus
