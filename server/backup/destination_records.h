// The two records that keep writers of a destination apart: whom it belongs to, and who may write.
// Texts as in record_text.h; layout: FILE-FORMAT.md, "Backup records".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/result.h"

namespace ficus {

// `_meta/node`, written once: a prefix belongs to one node.
struct NodeRecord {
  uint64_t node_id = 0;
  friend bool operator==(const NodeRecord&, const NodeRecord&) = default;
};

// `_meta/lease`. Overwritten, never deleted: not every store can delete on a condition.
struct LeaseRecord {
  uint64_t owner = 0;  // node id
  std::string run;
  uint64_t generation = 0;  // one more with each owner
  uint64_t nonce = 0;  // another one in each write: tells ours from others' after a lost answer
  UnixNanos expires_at = 0;
  bool released = false;
  friend bool operator==(const LeaseRecord&, const LeaseRecord&) = default;
};

std::string EncodeNode(const NodeRecord& record);
std::string EncodeLease(const LeaseRecord& record);
// kCorruption, kUnsupportedVersion.
Result<NodeRecord> DecodeNode(std::string_view bytes);
Result<LeaseRecord> DecodeLease(std::string_view bytes);

}  // namespace ficus
