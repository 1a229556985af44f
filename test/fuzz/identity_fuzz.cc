// Any bytes are an identity or an error, of whatever kind. The checksum is mended, so that the
// fields are reached.
#include <cstdint>
#include <string>

#include "engine/base/bytes.h"
#include "engine/database/node_identity.h"
#include "engine/encoding/checksum.h"
#include "engine/segment/identity.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  for (int round = 0; round < 2; ++round) {
    static_cast<void>(ficus::DecodeGroupIdentity(bytes));
    static_cast<void>(ficus::DecodeSegmentIdentity(bytes));
    static_cast<void>(ficus::DecodeNodeIdentity(bytes));
    if (size < 4) return 0;
    bytes.resize(size - 4);
    ficus::PutLittle(bytes, ficus::Crc32c(bytes));
  }
  return 0;
}
