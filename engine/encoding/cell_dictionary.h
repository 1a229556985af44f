// The distinct cells of a run and which of them stands where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ficus {

struct CellDictionary {
  std::vector<std::string_view> values;  // ascending; views of the run's bytes
  std::vector<uint64_t> codes;           // one per cell: its index in values
};

// Nothing when there are more than `values_max` distinct cells. `offsets` and `bytes` as for
// EncodeCells.
std::optional<CellDictionary> MakeCellDictionary(std::span<const uint32_t> offsets,
                                                 std::string_view bytes, size_t values_max);

}  // namespace ficus
