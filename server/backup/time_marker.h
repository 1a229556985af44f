// The markers by which BanyanDB's tools say which time directory a node is to be restored from.
//
// A marker is a small file below the node's root with the name of a time directory. Its place has
// two forms: `<folder>/time-dir` as BanyanDB 0.8.0 and later have it, `<folder>-time-dir` as
// before.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "server/backup/manifest.h"

namespace ficus {

inline constexpr uint64_t kTimeMarkerBytesMax = 256;

// `folder` is one of kSnapshotFolders ("measure", ..., "schema-property").
std::string TimeMarkerPath(TimedirForm form, std::string_view folder);

// Writes one, durably, and removes the one of the other form, so that the two never disagree.
// kInvalidArgument for what is no name of a time directory or no folder of a catalog.
Result<> WriteTimeMarker(FileSystem& fs, RandomSource& random, TimedirForm form,
                         std::string_view folder, std::string_view timedir);

struct TimeMarker {
  std::string timedir;
  std::string path;  // of the file, the released form when there are both
};
// None when there is no marker. kFailedPrecondition: the two forms disagree, or one names no time
// directory; the text says which.
Result<std::optional<TimeMarker>> ReadTimeMarker(FileSystem& fs, std::string_view folder);

// Removes both forms, whatever they hold, durably; false when there was none.
Result<bool> RemoveTimeMarker(FileSystem& fs, std::string_view folder);

}  // namespace ficus
