// Moving trees and files between their place and a restore's folders, so that a crash at any point
// leaves each of them in one of the two.
//
// A directory has one name and moves as a whole. A file that moves to another directory may be
// found under both names after a crash: the later name counts, and the earlier one is removed.
// Every function may be repeated after a crash or an error, and then goes on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/database/restore_journal.h"
#include "engine/io/file_system.h"

namespace ficus {

// Durably moves `from`, a file or a directory, to `to`, whose parents are made where they are
// missing. Nothing happens when there is no `from`. kAlreadyExists when something else is at `to`.
Result<> MoveDurably(FileSystem& fs, std::string_view from, std::string_view to);

Result<bool> PathExists(FileSystem& fs, std::string_view path);

// What of the root, and what of the log's directory, a restore of the whole node replaces, as it
// lies there now.
Result<std::vector<std::string>> ListReplaced(FileSystem& fs);
Result<std::vector<std::string>> ListReplacedLog(FileSystem& log_fs);

// `journal` is in state kMovingIn: what it lists goes aside, what was staged takes its place.
Result<> MoveWholeNodeIn(FileSystem& fs, FileSystem& log_fs, const RestoreJournal& journal);
// `journal` is in state kMovingBack: the reverse. A log and an identity that were made meanwhile
// are deleted: no client was told of anything in them.
Result<> MoveWholeNodeBack(FileSystem& fs, FileSystem& log_fs, const RestoreJournal& journal);

}  // namespace ficus
