// The journal of a backup run as it may be found on a damaged disk.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/check.h"
#include "server/backup/run_journal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  uint64_t readable = 0;
  const auto history = ficus::DecodeJournal(bytes, readable);
  CHECK(readable <= size);
  if (!history) return 0;
  // What could be read can be read again, and says the same.
  uint64_t again = 0;
  const auto same = ficus::DecodeJournal(bytes.substr(0, readable), again);
  CHECK(same.has_value() && again == readable && same->done == history->done);
  return 0;
}
