// Parses arbitrary text as a table of recorded metrics, and each of its cells as a time and as a
// number.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/csv_table.h"
#include "engine/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ficus::load::ParseTime(text);
  ficus::load::ParseNumber(text);
  const auto table = ficus::load::ParseCsv(text);
  if (!table.has_value()) {
    CHECK(table.error().code == ficus::ErrorCode::kCorruption);
    return 0;
  }
  for (const std::vector<std::string>& row : table->rows) {
    CHECK(row.size() == table->header.size());
    for (const std::string& cell : row) {
      ficus::load::ParseTime(cell);
      ficus::load::ParseNumber(cell);
    }
  }
  return 0;
}
