// Parses arbitrary text as the load client's journal.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bench/load/journal.h"
#include "engine/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto runs = ficus::load::ParseJournal(text);
  if (!runs.has_value()) {
    CHECK(runs.error().code == ficus::ErrorCode::kCorruption);
    return 0;
  }
  for (const ficus::load::JournalRun& run : *runs) CHECK(run.issued.size() == run.acked.size());
  return 0;
}
