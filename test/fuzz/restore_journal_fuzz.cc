// Any bytes are a restore journal or an error. The checksum is mended, so that the fields are
// reached; what is read is written again and must be the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/base/bytes.h"
#include "engine/database/restore_journal.h"
#include "engine/encoding/checksum.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  for (int round = 0; round < 2; ++round) {
    const auto journal = ficus::DecodeRestoreJournal(bytes);
    if (journal.has_value()) {
      const auto again = ficus::DecodeRestoreJournal(ficus::EncodeRestoreJournal(*journal));
      if (!again.has_value() || !(*again == *journal)) std::abort();
    }
    if (size < 4) return 0;
    bytes.resize(size - 4);
    ficus::PutLittle(bytes, ficus::Crc32c(bytes));
  }
  return 0;
}
