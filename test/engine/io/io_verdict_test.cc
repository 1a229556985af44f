#include "engine/io/io_verdict.h"

#include <cerrno>
#include <set>

#include <catch2/catch.hpp>

#include "engine/base/stop.h"
#include "engine/io/io_error.h"

namespace ficus {
namespace {

IoVerdict Verdict(IoOp op, int error_number, FileClass file_class,
                  FileSpace space = FileSpace::kReserved) {
  return ClassifyIoError(op, IoError(op, "f", error_number), file_class, space);
}

}  // namespace

TEST_CASE("each operation has a name of its own", "[io]") {
  std::set<std::string_view> names;
  for (size_t op = 0; op < kIoOpCount; ++op) names.insert(IoOpName(static_cast<IoOp>(op)));
  REQUIRE(names.size() == kIoOpCount);
  REQUIRE(names.count("unknown") == 0);
  std::set<std::string_view> classes;
  for (size_t i = 0; i < kFileClassCount; ++i) {
    classes.insert(FileClassName(static_cast<FileClass>(i)));
  }
  REQUIRE(classes.size() == kFileClassCount);
  REQUIRE(classes.count("unknown") == 0);
}

TEST_CASE("a failed sync of what carries acknowledged data stops the process", "[io]") {
  const FileClass file_class =
      GENERATE(FileClass::kLog, FileClass::kFlush, FileClass::kMerge, FileClass::kManifest);
  for (const int error_number : {EIO, ENOSPC, EDQUOT, ENOMEM, EROFS}) {
    REQUIRE(Verdict(IoOp::kSync, error_number, file_class) == IoVerdict::kStop);
    REQUIRE(Verdict(IoOp::kSyncDirectory, error_number, file_class) == IoVerdict::kStop);
  }
  for (const int shortage : {EMFILE, ENFILE, ENOMEM}) {
    // Only after SyncDirectory has waited.
    REQUIRE(Verdict(IoOp::kSyncDirectory, shortage, file_class) == IoVerdict::kStop);
    REQUIRE(Verdict(IoOp::kRename, shortage, file_class) == IoVerdict::kBackOff);
    REQUIRE(Verdict(IoOp::kOpen, shortage, file_class) == IoVerdict::kBackOff);
  }
  REQUIRE(Verdict(IoOp::kRename, EIO, file_class) == IoVerdict::kStop);
  REQUIRE(Verdict(IoOp::kRename, EROFS, file_class) == IoVerdict::kStop);
  // These say that nothing has happened.
  REQUIRE(Verdict(IoOp::kRename, ENOENT, file_class) == IoVerdict::kRefuse);
  REQUIRE(Verdict(IoOp::kRename, ENOTEMPTY, file_class) == IoVerdict::kRefuse);
  REQUIRE(Verdict(IoOp::kRename, ENOSPC, file_class) == IoVerdict::kReadOnly);
  REQUIRE(Verdict(IoOp::kSyncDirectory, ENOENT, file_class) == IoVerdict::kRefuse);
  REQUIRE(Verdict(IoOp::kSync, ECANCELED, file_class) == IoVerdict::kRefuse);
}

TEST_CASE("a log file that refuses a write stops the process", "[io]") {
  REQUIRE(Verdict(IoOp::kWrite, EIO, FileClass::kLog) == IoVerdict::kStop);
  REQUIRE(Verdict(IoOp::kWrite, ENOSPC, FileClass::kLog) == IoVerdict::kStop);
  REQUIRE(Verdict(IoOp::kWrite, ENOMEM, FileClass::kLog) == IoVerdict::kStop);
  REQUIRE(Verdict(IoOp::kTruncate, EIO, FileClass::kLog) == IoVerdict::kStop);
  REQUIRE(Verdict(IoOp::kWrite, ENOSPC, FileClass::kLog, FileSpace::kUnreserved) ==
          IoVerdict::kReadOnly);
  REQUIRE(Verdict(IoOp::kWrite, EIO, FileClass::kLog, FileSpace::kUnreserved) == IoVerdict::kStop);
  REQUIRE(Verdict(IoOp::kAllocate, ENOSPC, FileClass::kLog) == IoVerdict::kReadOnly);
  REQUIRE(Verdict(IoOp::kOpen, EMFILE, FileClass::kLog) == IoVerdict::kBackOff);
}

TEST_CASE("other trouble is answered by what can be done about it", "[io]") {
  REQUIRE(Verdict(IoOp::kWrite, ENOSPC, FileClass::kFlush) == IoVerdict::kReadOnly);
  REQUIRE(Verdict(IoOp::kAllocate, EDQUOT, FileClass::kMerge) == IoVerdict::kReadOnly);
  REQUIRE(Verdict(IoOp::kWrite, EIO, FileClass::kFlush) == IoVerdict::kRefuse);
  REQUIRE(Verdict(IoOp::kOpen, EMFILE, FileClass::kQuery) == IoVerdict::kBackOff);
  REQUIRE(Verdict(IoOp::kRead, ENOMEM, FileClass::kQuery) == IoVerdict::kBackOff);
  REQUIRE(Verdict(IoOp::kRead, EIO, FileClass::kQuery) == IoVerdict::kSetAside);
  REQUIRE(Verdict(IoOp::kRead, EIO, FileClass::kMerge) == IoVerdict::kSetAside);
  REQUIRE(ClassifyIoError(IoOp::kRead, EndOfFileError("f", 7), FileClass::kQuery) ==
          IoVerdict::kSetAside);
  REQUIRE(Verdict(IoOp::kOpen, ENOENT, FileClass::kQuery) == IoVerdict::kRefuse);
}

TEST_CASE("tools and backups only hand the error back", "[io]") {
  const FileClass file_class = GENERATE(FileClass::kTool, FileClass::kBackup);
  for (size_t op = 0; op < kIoOpCount; ++op) {
    for (const int error_number : {EIO, ENOSPC, EMFILE, ENOENT}) {
      REQUIRE(Verdict(static_cast<IoOp>(op), error_number, file_class) == IoVerdict::kRefuse);
    }
  }
}

TEST_CASE("a snapshot whose sync fails is refused, not the node stopped", "[io]") {
  REQUIRE(Verdict(IoOp::kSync, EIO, FileClass::kSnapshot) == IoVerdict::kRefuse);
  REQUIRE(Verdict(IoOp::kSync, ENOSPC, FileClass::kSnapshot) == IoVerdict::kReadOnly);
}

TEST_CASE("an enforced verdict stops or hands the error back", "[io][stop]") {
  std::string why;
  const StopHandler handler([&why](std::string_view reason) {
    why = reason;
    throw ProcessStopped{why};
  });
  const Error error = IoError(IoOp::kSync, "wal/1.log", EIO);
  REQUIRE(EnforceVerdict(IoOp::kSync, error, FileClass::kBackup) == error);
  REQUIRE_THROWS_AS(EnforceVerdict(IoOp::kSync, error, FileClass::kLog), ProcessStopped);
  REQUIRE(why == "fsync wal/1.log: Input/output error (log)");
}

}  // namespace ficus
