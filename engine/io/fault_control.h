// Faults in a running daemon, chosen from outside by a file.
//
// Only in builds with the switches of engine/base/planted_bug.h, and only when the environment
// variable FICUS_FAULT_CONTROL names a file. The file holds rules, one a line; whenever its text
// changes the rules are replaced and what waited goes on. A file that is missing or empty means no
// rule. A writer renames a whole file into its place.
//
//     <kill|cut|stall|fail|full> [op=<operation>] [class=<file class>] [path=<part of a path>]
//                                [skip=<number>] [times=<number>|ever]
//
// kill ends the process in place of the operation, cut behind half of a write. stall waits until
// the rules change. fail is EIO, full is ENOSPC. Operations are those of IoOpName and classes those
// of FileClassName, with '_' for spaces. The rest is as FaultRule says, once by default.
//
// Log lines tell what happens: "faults.obeyed" with the text of the file and "faults.stalled" with
// the number of operations that wait.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/faulty_file_system.h"
#include "engine/io/file_system.h"

namespace ficus {

class FaultControl {
 public:
  // Null when the build or the environment does not ask for it. A rule that makes no sense is
  // kInvalidArgument.
  static Result<std::unique_ptr<FaultControl>> FromEnvironment();
  // Lets everything go on and forgets its rules.
  virtual ~FaultControl() = default;

  // The file system under this control, which outlives what is done with it. Before the first
  // operation.
  virtual std::unique_ptr<FileSystem> Wrap(std::unique_ptr<FileSystem> fs) = 0;
};

// The rules of a control file; kInvalidArgument names the word that is wrong.
Result<std::vector<FaultRule>> ParseFaultRules(std::string_view text);

}  // namespace ficus
