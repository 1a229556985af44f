#include "engine/io/io_error.h"

#include <cerrno>

#include <catch2/catch.hpp>

namespace ficus {

TEST_CASE("an errno becomes the code that says what the caller can do", "[io]") {
  const auto code = [](int error_number) { return IoError(IoOp::kWrite, "f", error_number).code; };
  for (const int full : {ENOSPC, EDQUOT, EFBIG}) REQUIRE(code(full) == ErrorCode::kNoSpace);
  for (const int scarce : {EMFILE, ENFILE, ENOMEM, EAGAIN, EINTR}) {
    REQUIRE(code(scarce) == ErrorCode::kResourceExhausted);
  }
  for (const int broken : {EIO, EROFS, EACCES, ESTALE, EBADF, EINVAL, ELOOP, EXDEV}) {
    REQUIRE(code(broken) == ErrorCode::kIo);
  }
  REQUIRE(code(ENOENT) == ErrorCode::kNotFound);
  REQUIRE(code(EEXIST) == ErrorCode::kAlreadyExists);
  REQUIRE(code(ENOTEMPTY) == ErrorCode::kFailedPrecondition);
  REQUIRE(IoError(IoOp::kSync, "wal/1.log", EIO).message == "fsync wal/1.log: Input/output error");
  REQUIRE(IoError(IoOp::kList, "", EIO).message == "list /: Input/output error");
  REQUIRE(IoError(IoOp::kRead, "f", 99'999).message == "read f: errno 99999");
}

TEST_CASE("errors without an errno say what happened", "[io]") {
  REQUIRE(EndOfFileError("f", 17) == Error{ErrorCode::kIo, "read f: end of file at 17"});
  REQUIRE(SyncCancelledError("f") ==
          Error{ErrorCode::kCancelled, "fsync f: a write before it failed"});
  REQUIRE(LockHeldError("LOCK").code == ErrorCode::kUnavailable);
}

}  // namespace ficus
