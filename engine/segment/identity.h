// The small files that say what a directory is: a group's and a segment's identity.
//
// Layout: FILE-FORMAT.md, "Identity files". Written once, never changed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/model/catalog.h"
#include "engine/model/ids.h"
#include "engine/model/time_range.h"

namespace ficus {

struct GroupIdentity {
  GroupId id;
  Catalog catalog = Catalog::kMeasure;
  uint32_t shard_count = 1;  // of a catalog without segments
  std::string name;
  friend bool operator==(const GroupIdentity&, const GroupIdentity&) = default;
};

struct SegmentIdentity {
  GroupId group;
  // Random. A segment that is made again after its removal has the same times, and another
  // incarnation.
  uint64_t incarnation = 0;
  TimeRange times;
  uint32_t shard_count = 1;
  friend bool operator==(const SegmentIdentity&, const SegmentIdentity&) = default;
};

inline constexpr uint64_t kIdentityBytesMax = 4096;
inline constexpr uint32_t kShardCountMax = 4096;
inline constexpr std::string_view kGroupIdentityFile = "identity";
inline constexpr std::string_view kSegmentIdentityFile = "segment";

std::string EncodeGroupIdentity(const GroupIdentity& identity);
std::string EncodeSegmentIdentity(const SegmentIdentity& identity);
// kCorruption for foreign bytes, kUnsupportedVersion for a later version.
Result<GroupIdentity> DecodeGroupIdentity(std::string_view bytes);
Result<SegmentIdentity> DecodeSegmentIdentity(std::string_view bytes);

}  // namespace ficus
