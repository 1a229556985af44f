// Owner and lease of a destination, as a store may hand them out.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/check.h"
#include "server/backup/destination_records.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto node = ficus::DecodeNode(bytes);
  if (node) CHECK(ficus::DecodeNode(ficus::EncodeNode(*node)).value() == *node);
  const auto lease = ficus::DecodeLease(bytes);
  if (lease) CHECK(ficus::DecodeLease(ficus::EncodeLease(*lease)).value() == *lease);
  return 0;
}
