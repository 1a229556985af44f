// What a committed backup is made of: the manifest lists every object, the commit record makes the
// manifest count, the verification record says what was read back.
//
// All three are JSON with a checksum of their own; layout: FILE-FORMAT.md, "Backup records". The
// commit record is the only commit point: a time directory without one is unfinished, whatever
// lies in it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/log_position.h"
#include "engine/base/result.h"
#include "engine/model/catalog.h"
#include "engine/model/ids.h"

namespace ficus {

using Sha256 = std::array<uint8_t, 32>;

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
  friend bool operator==(const CommitRecord&, const CommitRecord&) = default;
};

enum class VerifyLevel : uint8_t { kQuick, kSample, kFull };

struct VerificationRecord {
  std::string timedir;
  uint64_t generation = 1;
  std::string commit_run;  // the run whose commit was verified
  VerifyLevel level = VerifyLevel::kFull;
  uint64_t objects_read = 0;
  uint64_t bytes_read = 0;
  UnixNanos verified_at = 0;
  std::vector<std::string> damaged;  // keys; not empty: the verification failed
  friend bool operator==(const VerificationRecord&, const VerificationRecord&) = default;
};

inline constexpr uint64_t kManifestBytesMax = uint64_t{1} << 30;
inline constexpr uint64_t kRecordBytesMax = uint64_t{1} << 20;

std::string EncodeManifest(const BackupManifest& manifest);
std::string EncodeCommit(const CommitRecord& commit);
std::string EncodeVerification(const VerificationRecord& verification);
// kCorruption for foreign or damaged bytes, kUnsupportedVersion for a later version. A key or path
// that could leave its folder is corruption, too.
Result<BackupManifest> DecodeManifest(std::string_view bytes);
Result<CommitRecord> DecodeCommit(std::string_view bytes);
Result<VerificationRecord> DecodeVerification(std::string_view bytes);

}  // namespace ficus
