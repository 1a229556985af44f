// Any bytes are a list of a snapshot or an error. The checksum is mended, so that the fields behind
// it are reached.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "engine/snapshot/snapshot_contents.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(ficus::DecodeSnapshotContents(bytes));
  if (size < 4) return 0;
  bytes.resize(size - 4);
  ficus::PutLittle(bytes, ficus::Crc32c(bytes));
  const ficus::Result<ficus::SnapshotContents> contents = ficus::DecodeSnapshotContents(bytes);
  if (!contents.has_value()) return 0;
  const ficus::Result<ficus::SnapshotContents> again =
      ficus::DecodeSnapshotContents(ficus::EncodeSnapshotContents(*contents));
  if (!again.has_value() || !(*again == *contents)) std::abort();
  return 0;
}
