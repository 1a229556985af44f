// Which epochs and file numbers the shards of a node have given: none may be given twice.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/model/ids.h"

namespace ficus {

struct GivenNumbers {
  Epoch epoch;            // of the newest manifest
  uint32_t manifest = 0;  // its checksum
  FileNumber next_file;   // all below it were given
  // Name and checksum of every file that a manifest has named.
  std::map<std::string, uint32_t> files;
  friend bool operator==(const GivenNumbers&, const GivenNumbers&) = default;
};

// By the shard's directory, the group and the segment that it is of: what is made again under the
// name of something that is gone counts as another one.
using NumberHistory = std::map<std::string, GivenNumbers>;

// What the newest manifests on a node's disk say. While no job runs, every number below `next_file`
// has either been named or will never be.
Result<NumberHistory> ReadNumbers(FileSystem& fs);

// Whether `later` gives no number of `before` to anything else.
Result<> CheckNumbers(const NumberHistory& before, const NumberHistory& later);

// Adds what `later` has given to `history`.
void AddNumbers(NumberHistory& history, const NumberHistory& later);

}  // namespace ficus
