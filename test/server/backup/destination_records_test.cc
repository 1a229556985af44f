#include "server/backup/destination_records.h"

#include <catch2/catch.hpp>

namespace ficus {

TEST_CASE("owner and lease come back as they were written", "[backup][records]") {
  const NodeRecord node = {0x1234};
  REQUIRE(*DecodeNode(EncodeNode(node)) == node);
  LeaseRecord lease;
  lease.owner = 7;
  lease.run = "20261120T093000Z-0000000000000001";
  lease.generation = 12;
  lease.nonce = 99;
  lease.expires_at = 1795167000123456789;
  lease.released = true;
  REQUIRE(*DecodeLease(EncodeLease(lease)) == lease);
}

TEST_CASE("no flipped or missing byte of owner and lease goes unnoticed", "[backup][records]") {
  const std::string node = EncodeNode({0x1234});
  LeaseRecord record;
  record.run = "a";
  const std::string lease = EncodeLease(record);
  REQUIRE(!DecodeNode(lease));
  REQUIRE(!DecodeLease(node));
  for (size_t at = 0; at < node.size(); ++at) {
    CAPTURE(at);
    std::string flipped = node;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    REQUIRE(!DecodeNode(flipped));
    REQUIRE(!DecodeNode(node.substr(0, at)));
  }
  for (size_t at = 0; at < lease.size(); ++at) {
    CAPTURE(at);
    std::string flipped = lease;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    REQUIRE(!DecodeLease(flipped));
    REQUIRE(!DecodeLease(lease.substr(0, at)));
  }
}

}  // namespace ficus
