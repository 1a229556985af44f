// Any bytes are a log record or an error; a record that was read is written again as one that reads
// the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/table/routed_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ficus::Result<ficus::LogRecord> record = ficus::DecodeLogRecord(bytes);
  if (!record.has_value()) return 0;
  const ficus::Result<ficus::LogRecord> again =
      ficus::DecodeLogRecord(ficus::EncodeLogRecord(*record));
  if (!again.has_value() || *again != *record) std::abort();
  return 0;
}
