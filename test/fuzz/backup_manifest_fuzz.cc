// Any bytes are such a record or an error. The checksum is mended, so that the members are reached.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/backup/manifest.h"
#include "server/backup/record_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(ficus::DecodeBackupManifest(bytes));
  const ficus::Result<ficus::BackupManifest> record =
      ficus::DecodeBackupManifest(ficus::WithMendedChecksum(bytes));
  if (!record.has_value()) return 0;
  const ficus::Result<ficus::BackupManifest> again =
      ficus::DecodeBackupManifest(ficus::EncodeBackupManifest(*record));
  if (!again.has_value() || !(*again == *record)) std::abort();
  return 0;
}
