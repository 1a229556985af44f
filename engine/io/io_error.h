// How an errno becomes an Error: the only place where the numbers of the operating system are read.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "engine/base/error.h"
#include "engine/io/io_verdict.h"

namespace ficus {

// "fsync wal/1.log: Input/output error". kNoSpace: ENOSPC, EDQUOT, EFBIG. kResourceExhausted:
// EMFILE, ENFILE, ENOMEM, and EINTR, EAGAIN when retrying did not help. kNotFound: ENOENT.
// kAlreadyExists: EEXIST. kFailedPrecondition: ENOTEMPTY. kCancelled: ECANCELED. Others: kIo.
Error IoError(IoOp op, std::string_view path, int error_number);

// "read p: end of file at 17", kIo.
Error EndOfFileError(std::string_view path, uint64_t size_bytes);

// The sync that was not attempted because a write to the file failed.
Error SyncCancelledError(std::string_view path);

// How long FileSystem::Lock tries, and what it says when that was not enough (kUnavailable).
inline constexpr std::chrono::milliseconds kLockPatience{250};
Error LockHeldError(std::string_view path);

}  // namespace ficus
