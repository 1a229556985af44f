// How a file appears under its final name: written aside, synced, renamed, directory synced. Never
// half.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// "<path>.<16 hex digits>.tmp": never reused, because a dead process's writes may still land under
// an old name.
std::string TemporaryName(std::string_view path, RandomSource& random);
bool IsTemporaryName(std::string_view name);

// Replaces (or creates) `path` with `contents`, durably, at once: readers see the old or the new
// file. On an error before the rename the old file is untouched and no temporary stays, as far as
// the disk lets us; when only the directory sync failed, a crash may show either file.
Result<> PublishFile(FileSystem& fs, RandomSource& random, std::string_view path,
                     std::string_view contents, FileClass file_class);

// Removes the temporary of something that failed; an error is logged, for there is nothing else to
// be done.
void RemoveTemporary(FileSystem& fs, std::string_view path);

// The whole of a file of at most `bytes_max` bytes; kCorruption when it is larger.
Result<std::string> ReadWholeFile(FileSystem& fs, std::string_view path, uint64_t bytes_max,
                                  FileClass file_class);

// Creates `path` and its missing parents and makes each name on the way durable, also those that
// exist already: whoever made them may not have synced them yet.
Result<> CreateDirectories(FileSystem& fs, std::string_view path,
                           FileClass file_class = FileClass::kManifest);

// Removes `path` and everything below it; of a symbolic link only the link. Missing is fine. Not
// durable before SyncDirectory of the parent.
Result<> RemoveTree(FileSystem& fs, std::string_view path);

}  // namespace ficus
