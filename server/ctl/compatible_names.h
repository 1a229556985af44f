// The names `backup` and `restore` with the flags of BanyanDB's tools, as ficusctl's own words.
//
//     backup [run] --dest URL [--time-style daily] [--grpc-addr A]
//         ficusctl backup run --dest URL [--time-style daily] [--addr A]
//     restore run --source URL --stream-root-path D ...
//         ficusctl restore run --source URL --root D
//     restore timedir list|create|read|delete ...
//         ficusctl timedir list|create|read|delete ...
//
// Source of the flags: BanyanDB's documentation of backup and restore, and its tools' --help.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace ficus {

struct TranslatedCommand {
  std::vector<std::string> arguments;  // of ficusctl, without its name
  std::vector<std::string> warnings;   // about flags that decide nothing here
};

// Whether the program was called by one of the two names; `program` is argv[0].
bool IsCompatibleName(std::string_view program);

// `arguments` without argv[0]. kInvalidArgument names a flag that is not known or not given here,
// and what to use instead. A sub-command or flag of ficusctl itself is passed on as it is.
Result<TranslatedCommand> TranslateCommand(std::string_view program,
                                           const std::vector<std::string>& arguments);

}  // namespace ficus
