// The durable list of what a table consists of: one small file per epoch, written aside and
// renamed.
//
// Layout: FILE-FORMAT.md, "Manifest". Each is derived from the one before; the newest readable one
// is the truth. The one before it is kept until the next is durable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/log_position.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/index/index_run.h"
#include "engine/io/file_system.h"
#include "engine/model/ids.h"
#include "engine/part/part_info.h"

namespace ficus {

// A file that was live and turned out damaged or missing.
struct DamageRecord {
  FileNumber number;
  bool is_index = false;
  TimeRange times;
  std::string reason;
  friend bool operator==(const DamageRecord&, const DamageRecord&) = default;
};

struct Manifest {
  Epoch epoch;
  GroupId group;
  // Everything up to `flushed` of log `log` is in `parts`.
  LogId log;
  LogPosition flushed;
  Scn scn;
  FileNumber next_file;  // no file of this number or above was ever named, or listed as obsolete
  std::vector<PartInfo> parts;     // oldest first
  std::vector<IndexRunInfo> runs;  // oldest first
  std::vector<DamageRecord> damaged;
  // File names that were live, which are removed as soon as no reader holds them, and names of
  // files that jobs under way may have written. Found at start, they are removed.
  std::vector<std::string> obsolete;
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

inline constexpr uint64_t kManifestBytesMax = 64 << 20;

std::string EncodeManifest(const Manifest& manifest);
// kCorruption for anything that EncodeManifest did not make, kUnsupportedVersion for a later
// version.
Result<Manifest> DecodeManifest(std::string_view bytes);

// "000000000000002a.snp"
std::string ManifestFileName(Epoch epoch);
bool ParseManifestFileName(std::string_view name, Epoch& epoch);

// Publishes durably in `directory`. A failure to sync or rename stops the process (engine/io).
Result<> WriteManifest(FileSystem& fs, RandomSource& random, std::string_view directory,
                       const Manifest& manifest);

struct ManifestReading {
  bool found = false;        // false: a table without history
  Manifest manifest;         // the newest readable one
  std::vector<Epoch> older;  // epochs of the other manifest files
  // Why a newer manifest could not be read; the table must then not be written. None when the
  // newest was good.
  std::optional<Error> hole;
};
Result<ManifestReading> ReadNewestManifest(FileSystem& fs, std::string_view directory);

}  // namespace ficus
