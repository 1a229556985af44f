#include "engine/io/io_verdict.h"

#include <string>

#include "engine/base/stop.h"

namespace ficus {
namespace {

// The files on which an acknowledgement rests.
bool CarriesAcknowledgedData(FileClass file_class) {
  return file_class == FileClass::kLog || file_class == FileClass::kFlush ||
         file_class == FileClass::kMerge || file_class == FileClass::kManifest;
}

bool IsSideJob(FileClass file_class) {
  return file_class == FileClass::kTool || file_class == FileClass::kBackup;
}

// After a failed sync nobody knows what is on the device: the kernel drops the pages, and a second
// sync reports success. The same holds for a log file that refused a part of a record.
bool LosesDurability(IoOp op, ErrorCode code, FileClass file_class, FileSpace space) {
  if (!CarriesAcknowledgedData(file_class)) return false;
  switch (op) {
    case IoOp::kSync:
      return true;
    case IoOp::kSyncDirectory:
      // The directory itself is gone, and with it the names that should have become durable.
      return code != ErrorCode::kNotFound;
    case IoOp::kRename:
      // Other codes say that nothing happened.
      return code == ErrorCode::kIo;
    case IoOp::kWrite:
      return file_class == FileClass::kLog &&
             !(code == ErrorCode::kNoSpace && space == FileSpace::kUnreserved);
    case IoOp::kTruncate:
      return file_class == FileClass::kLog;
    default:
      return false;
  }
}

}  // namespace

std::string_view IoOpName(IoOp op) {
  switch (op) {
    case IoOp::kOpen:
      return "open";
    case IoOp::kRead:
      return "read";
    case IoOp::kWrite:
      return "write";
    case IoOp::kSync:
      return "fsync";
    case IoOp::kAllocate:
      return "allocate";
    case IoOp::kTruncate:
      return "truncate";
    case IoOp::kRename:
      return "rename";
    case IoOp::kLink:
      return "link";
    case IoOp::kRemove:
      return "remove";
    case IoOp::kCreateDirectory:
      return "create directory";
    case IoOp::kSyncDirectory:
      return "fsync directory";
    case IoOp::kList:
      return "list";
    case IoOp::kStatus:
      return "look at";
    case IoOp::kLock:
      return "lock";
  }
  return "unknown";
}

IoVerdict ClassifyIoError(IoOp op, const Error& error, FileClass file_class, FileSpace space) {
  // Cancelled: not attempted because an operation before it failed, and that one has a verdict.
  if (error.code == ErrorCode::kCancelled) return IoVerdict::kRefuse;
  if (LosesDurability(op, error.code, file_class, space)) return IoVerdict::kStop;
  if (IsSideJob(file_class)) return IoVerdict::kRefuse;
  if (error.code == ErrorCode::kNoSpace) return IoVerdict::kReadOnly;
  if (error.code == ErrorCode::kResourceExhausted) return IoVerdict::kBackOff;
  const bool unreadable = error.code == ErrorCode::kIo || error.code == ErrorCode::kCorruption;
  if (op == IoOp::kRead && unreadable) return IoVerdict::kSetAside;
  return IoVerdict::kRefuse;
}

Error EnforceVerdict(IoOp op, Error error, FileClass file_class, FileSpace space) {
  if (ClassifyIoError(op, error, file_class, space) == IoVerdict::kStop) {
    StopProcess(error.message + " (" + std::string(FileClassName(file_class)) + ")");
  }
  return error;
}

}  // namespace ficus
