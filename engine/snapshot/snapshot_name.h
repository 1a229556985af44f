// What snapshots and their folders are called, as BanyanDB calls them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/model/catalog.h"

namespace ficus {

inline constexpr std::string_view kSchemaSnapshotFolder = "schema-property";
// Of the lists, below the root.
inline constexpr std::string_view kSnapshotsDirectory = "snapshots";

// "20261120093015-0000002A": UTC, and a number that tells snapshots of one second apart.
std::string SnapshotName(UnixNanos at, uint32_t sequence);
bool IsSnapshotName(std::string_view name);
// kInvalidArgument for anything that IsSnapshotName refuses: a name comes from outside and becomes
// a path.
Result<> CheckSnapshotName(std::string_view name);

// Folder of a catalog below the root; of property groups that are no schemas.
std::string_view SnapshotCatalogFolder(Catalog catalog);
// The folders in the order in which a snapshot lists them: "schema-property", "property",
// "measure", "stream", "trace". -1 for another name.
int SnapshotFolderRank(std::string_view folder);
inline constexpr std::string_view kSnapshotFolders[] = {kSchemaSnapshotFolder, "property",
                                                        "measure", "stream", "trace"};

// "<folder>/snapshots/<name>": what is removed as a whole.
std::string SnapshotTree(std::string_view folder, std::string_view name);
// "snapshots/<id>.contents"
std::string SnapshotContentsPath(std::string_view id);
// The id of a file name made by SnapshotContentsPath; false for other names.
bool ParseSnapshotContentsName(std::string_view file_name, std::string& id);

}  // namespace ficus
