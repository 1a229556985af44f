// One function decides what a failed disk operation means.
#pragma once

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

enum class IoVerdict : uint8_t {
  kRefuse,    // this request or job fails; the node goes on
  kBackOff,   // descriptors or memory are short: give some back and try later
  kReadOnly,  // no space: the node takes no writes until there is some
  kSetAside,  // the file is damaged or unreadable: name it, set it aside, serve the rest
  kStop,      // durability can no longer be promised: stop the process
};

// EINTR, EAGAIN and short transfers never come here: File retries them.
//
// A failed sync, rename or directory sync of log, flush, merge, manifest: kStop. Any error on a log
// file that is already allocated (op other than kOpen, kAllocate, kRead): kStop. No space on write
// or allocate: kReadOnly. Too many open files, no memory: kBackOff. A failed read of a part:
// kSetAside. Tools and backups: kRefuse.
IoVerdict ClassifyIoError(IoOp op, const Error& error, int error_number, FileClass file_class);

}  // namespace ficus
