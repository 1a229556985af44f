#include "engine/segment/identity.h"

#include <string>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("identities come back as they were", "[segment]") {
  const GroupIdentity group{GroupId(5), Catalog::kProperty, 3, "sw_metric"};
  REQUIRE(*DecodeGroupIdentity(EncodeGroupIdentity(group)) == group);
  const SegmentIdentity segment{GroupId(5), 9, {-10, 20}, 4};
  REQUIRE(*DecodeSegmentIdentity(EncodeSegmentIdentity(segment)) == segment);
}

TEST_CASE("every flipped bit and every cut of an identity is found", "[segment]") {
  const std::string bytes = EncodeGroupIdentity({GroupId(5), Catalog::kMeasure, 3, "group"});
  for (size_t i = 0; i < bytes.size(); ++i) {
    CAPTURE(i);
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 4);
    REQUIRE(DecodeGroupIdentity(flipped).error().code == ErrorCode::kCorruption);
    REQUIRE(DecodeGroupIdentity(bytes.substr(0, i)).error().code == ErrorCode::kCorruption);
  }
}

TEST_CASE("one kind of identity is not taken for the other", "[segment]") {
  const std::string group = EncodeGroupIdentity({GroupId(5), Catalog::kMeasure, 3, "group"});
  REQUIRE(DecodeSegmentIdentity(group).error().code == ErrorCode::kCorruption);
  const std::string segment = EncodeSegmentIdentity({GroupId(5), 9, {0, 1}, 1});
  REQUIRE(DecodeGroupIdentity(segment).error().code == ErrorCode::kCorruption);
}

TEST_CASE("an identity that means nothing is refused", "[segment]") {
  REQUIRE(!DecodeSegmentIdentity(EncodeSegmentIdentity({GroupId(5), 9, {20, 20}, 1})).has_value());
  REQUIRE(!DecodeSegmentIdentity(EncodeSegmentIdentity({GroupId(5), 9, {0, 20}, 0})).has_value());
  REQUIRE(
      !DecodeSegmentIdentity(EncodeSegmentIdentity({GroupId(5), 9, {0, 20}, kShardCountMax + 1}))
           .has_value());
}

}  // namespace
}  // namespace ficus
