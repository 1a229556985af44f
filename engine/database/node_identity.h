// Who this node is and which log its data belongs to: the file `identity` in the root.
//
// Layout: FILE-FORMAT.md, "Identity files".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/log_position.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

struct NodeIdentity {
  uint64_t node_id = 0;
  LogId log;
  UnixNanos created_at = 0;
  friend bool operator==(const NodeIdentity&, const NodeIdentity&) = default;
};

std::string EncodeNodeIdentity(const NodeIdentity& identity);
// kCorruption for foreign bytes, kUnsupportedVersion for a later version.
Result<NodeIdentity> DecodeNodeIdentity(std::string_view bytes);

// No value when there is none yet.
Result<std::optional<NodeIdentity>> ReadNodeIdentity(FileSystem& fs);
Result<> WriteNodeIdentity(FileSystem& fs, RandomSource& random, const NodeIdentity& identity);

}  // namespace ficus
