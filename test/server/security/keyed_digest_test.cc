#include "server/security/keyed_digest.h"

#include <catch2/catch.hpp>

#include "server/security/digest_set.h"

namespace ficus {
namespace {

TEST_CASE("texts have the same digest when each of them is the same", "[security]") {
  SeededRandom random(1);
  const DigestKey key(random);
  REQUIRE(SameDigest(key.Of({"a", "b"}), key.Of({"a", "b"})));
  REQUIRE_FALSE(SameDigest(key.Of({"a", "b"}), key.Of({"ab", ""})));
  REQUIRE_FALSE(SameDigest(key.Of({"a", "b"}), key.Of({"", "ab"})));
  REQUIRE_FALSE(SameDigest(key.Of({"a"}), key.Of({"a", ""})));
  REQUIRE_FALSE(SameDigest(key.Of({"a"}), key.Of({"b"})));
}

TEST_CASE("another process has another digest", "[security]") {
  SeededRandom one(1);
  SeededRandom two(2);
  REQUIRE_FALSE(SameDigest(DigestKey(one).Of({"a"}), DigestKey(two).Of({"a"})));
}

TEST_CASE("a full set of digests forgets the oldest", "[security]") {
  SeededRandom random(1);
  const DigestKey key(random);
  DigestSet set(2);
  set.Add(key.Of({"a"}));
  set.Add(key.Of({"a"}));
  set.Add(key.Of({"b"}));
  REQUIRE(set.Has(key.Of({"a"})));
  set.Add(key.Of({"c"}));
  REQUIRE(set.size() == 2);
  REQUIRE_FALSE(set.Has(key.Of({"a"})));
  REQUIRE(set.Has(key.Of({"b"})));
  REQUIRE(set.Has(key.Of({"c"})));
  set.Clear();
  REQUIRE_FALSE(set.Has(key.Of({"c"})));
}

}  // namespace
}  // namespace ficus
