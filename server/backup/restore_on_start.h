// A restore that the node asks for itself, before it opens: because markers say so, as BanyanDB's
// tools leave them, or because its root is empty.
//
// A marker is a file with the name of a time directory, `<folder>/time-dir` or `<folder>-time-dir`
// below the root. It counts once: the journal of the restore names it, and the start that ends the
// restore removes it or renames it to `<marker>.failed`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "server/backup/restore_job.h"
#include "server/backup/restore_plan.h"

namespace ficus {

enum class RestorePolicy : uint8_t {
  kNever,
  kMarkers,
  // The newest verified backup of a whole node, else the newest; none: an empty node. A staging
  // that was begun goes on.
  kIfEmpty,
};

// What the markers below a root ask for.
struct MarkedRestore {
  std::string timedir;
  std::vector<std::string> folders;  // "measure", ..., "schema-property"
  std::vector<std::string> files;    // the markers
};
// None when there are no markers. kFailedPrecondition: they name different time directories, or one
// names none; the text says which.
Result<std::optional<MarkedRestore>> ReadMarkers(FileSystem& fs);

// The request that they come to: the whole node when every catalog that the backup holds is marked,
// else those that are. kNotFound: there are no markers; else as ReadMarkers and Repository::Find.
Result<RestoreRequest> RequestOfMarkers(const RestoreParts& parts, std::stop_token stop);

// Neither data nor an identity lies below the root.
Result<bool> IsEmptyRoot(FileSystem& fs);

struct RestoreOnStart {
  RestorePolicy policy = RestorePolicy::kNever;
  size_t concurrency = 4;
  std::function<void(const RestoreProgress&)> progress;
};
// Stages what the policy asks for; Database::Open then goes on from the journal. None when nothing
// is to be done, or when a restore waits already. kCancelled: `stop`; the next start stages the
// rest. kMarkers: a restore that cannot be staged, for
// whatever reason but a stop, is logged, its markers are renamed to `<marker>.failed`, and the node
// starts as it is. kIfEmpty: an error is returned, and the node must not start: an empty one would
// begin a second history.
Result<std::optional<RestoreOutcome>> StageRestoreOnStart(const RestoreParts& parts,
                                                          const RestoreOnStart& wanted,
                                                          std::stop_token stop);

}  // namespace ficus
