// What the client writes: groups and measures as plain values, and how to make sure they exist.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>

#include "engine/base/result.h"

namespace ficus::load {

enum class FieldKind : uint8_t { kInt, kFloat };

struct FieldShape {
  std::string name;
  FieldKind kind = FieldKind::kInt;
  friend bool operator==(const FieldShape&, const FieldShape&) = default;
};

// One tag family with tags of type string; the first `entity_tags` of them identify a series.
struct MeasureShape {
  std::string name;
  std::string tag_family;
  std::vector<std::string> tags;
  size_t entity_tags = 1;
  std::vector<FieldShape> fields;
  std::string interval;
};

struct GroupShape {
  std::string name;
  uint32_t shards = 2;
  uint32_t ttl_days = 7;  // segments of one day
};

// Creates the group and the measures that are missing. What exists is taken as it is: the node
// refuses rows that do not fit, and refused rows are counted.
// kUnavailable when the node cannot be reached, else the node's own refusal.
Result<> EnsureSchema(const std::shared_ptr<grpc::Channel>& channel, const GroupShape& group,
                      const std::vector<MeasureShape>& measures);

// The measure as the node knows it; all tags must be strings and all fields numbers
// (kFailedPrecondition).
Result<MeasureShape> FetchMeasure(const std::shared_ptr<grpc::Channel>& channel,
                                  const std::string& group, const std::string& name);

}  // namespace ficus::load
