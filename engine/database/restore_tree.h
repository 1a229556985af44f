// The files of a restored tree before it is anybody's: given their new group ids, checked against
// each other, read for their schema.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/database/schema_store.h"
#include "engine/io/file_system.h"
#include "engine/model/catalog.h"
#include "engine/model/ids.h"
#include "engine/segment/group_store.h"

namespace ficus {

// Small files that say which group they belong to: identities, segments' metadata, manifests.
// `path` is below a catalog's data: "sw_metric/seg-20261120/segment". Others are copied as they
// are.
bool NamesItsGroup(std::string_view path);
inline constexpr uint64_t kGroupNamingFileBytesMax = 64 << 20;

// The same file for the group `id`. kCorruption: not what its name says, or not of `group`.
Result<std::string> WithGroupId(std::string_view path, std::string_view bytes,
                                std::string_view group, GroupId id);

struct StagedGroup {
  Catalog catalog = Catalog::kMeasure;
  std::string name;
  GroupId id;
};

// Reads every byte of a group below `data` (a catalog's data folder): identities, segments and
// manifests are of this group, manifests name only files that are there, as they are there, and
// every part and run holds what its format promises. kCorruption names the first file that does
// not. `visited` is called after each file, with its size.
struct VerifiedTree {
  uint64_t files = 0;
  uint64_t bytes = 0;
};
Result<VerifiedTree> VerifyGroupTree(FileSystem& fs, const std::string& data,
                                     const StagedGroup& group, std::stop_token stop);

// Highest position and SCN that any manifest below `directory` recorded, of whatever log. What
// cannot be read is left out: a tree that is replaced may be damaged.
GroupStore::Recorded HighestRecorded(FileSystem& fs, const std::string& directory);

// What the group `_schema` below `data` holds; changes nothing. kCorruption as ReadStoredSchema.
Result<StoredSchema> ReadSchemaTree(FileSystem& fs, const std::string& data, MemoryLedger& ledger);

// Where both have the one shard of `_schema`: the numbers of files and epochs that the one below
// `data` gives from now on are above those that the one below `other` has given.
Result<> RaiseSchemaNumbers(FileSystem& fs, RandomSource& random, const std::string& data,
                            const std::string& other);

// Makes every name below `directory`, which exists, durable.
Result<> SyncTree(FileSystem& fs, const std::string& directory);

}  // namespace ficus
