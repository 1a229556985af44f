// Any bytes are a manifest or an error. The checksum is mended, so that the fields behind it are
// reached.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "engine/table/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(ficus::DecodeManifest(bytes));
  if (size < 4) return 0;
  bytes.resize(size - 4);
  ficus::PutLittle(bytes, ficus::Crc32c(bytes));
  const ficus::Result<ficus::Manifest> manifest = ficus::DecodeManifest(bytes);
  if (!manifest.has_value()) return 0;
  const ficus::Result<ficus::Manifest> again =
      ficus::DecodeManifest(ficus::EncodeManifest(*manifest));
  if (!again.has_value() || !(*again == *manifest)) std::abort();
  return 0;
}
