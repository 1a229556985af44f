// One function decides what a failed disk operation means, and one place acts on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

enum class IoOp : uint8_t {
  kOpen,
  kRead,
  kWrite,
  kSync,
  kAllocate,
  kTruncate,
  kRename,
  kLink,
  kRemove,
  kCreateDirectory,
  kSyncDirectory,
  kList,
  kStatus,
  kLock,
};
inline constexpr size_t kIoOpCount = static_cast<size_t>(IoOp::kLock) + 1;

// "open", "fsync", ...: the words of error messages and metric labels.
std::string_view IoOpName(IoOp op);

enum class IoVerdict : uint8_t {
  kRefuse,    // this request or job fails; the node goes on
  kBackOff,   // descriptors or memory are short: give some back and try later
  kReadOnly,  // no space: the node takes no writes until there is some
  kSetAside,  // the file cannot be read: name it, serve the rest; set it aside if it is damaged
  kStop,      // durability can no longer be promised: stop the process
};

// Whether the space that a write needs was allocated before. A file that was not created through
// this handle counts as reserved.
enum class FileSpace : uint8_t { kUnreserved, kReserved };

// What `error`, of `op` on a file of `file_class`, means for the node. `error` comes from IoError
// (io_error.h), so EINTR, EAGAIN and short transfers were retried before.
//
// A failed sync or directory sync of log, flush, merge, manifest, and a rename of them that the
// device refused: kStop. A failed write or truncation of the log: kStop, except no space for a log
// file whose space was not reserved yet. Otherwise no space: kReadOnly; too many open files, no
// memory: kBackOff; a failed read: kSetAside. Tools and backups: kRefuse, whatever it is.
//
// A directory that cannot be opened for its sync counts as one whose sync failed: the names are
// changed, and nobody can tell the caller that they are not. SyncDirectory itself waits for
// descriptors.
IoVerdict ClassifyIoError(IoOp op, const Error& error, FileClass file_class,
                          FileSpace space = FileSpace::kReserved);

// Returns `error` unless its verdict is kStop: then it stops the process. Every implementation of
// FileSystem hands each of its errors through here, with no operation in flight and no lock held.
Error EnforceVerdict(IoOp op, Error error, FileClass file_class,
                     FileSpace space = FileSpace::kReserved);

}  // namespace ficus
