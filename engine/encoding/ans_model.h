// The model of the entropy coder: bins of the values' range and how often each is used.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/encoding/bit_stream.h"

namespace ficus {

inline constexpr int kAnsTableLogMin = 5;
inline constexpr int kAnsTableLogMax = 11;

// The values low .. low + 2^width - 1, used in `weight` of 2^table_log cases.
struct AnsBin {
  uint64_t low = 0;
  int width = 0;
  uint32_t weight = 0;
};

struct AnsModel {
  int table_log = 0;
  int range_width = 0;  // all values are below 2^range_width
  // Ascending; weights at least 1 and together 2^table_log. Ranges without values have no bin.
  std::vector<AnsBin> bins;

  // Bits of the stored model and of the symbols and offsets of the values it was made for.
  double bits = 0;

  uint32_t table_size() const { return uint32_t{1} << table_log; }
};

// Finds the bin of a value.
class AnsBinFinder {
 public:
  explicit AnsBinFinder(const AnsModel& model);

  // `value` lies in one of the bins.
  uint32_t BinOf(uint64_t value) const {
    const size_t cell = value >> shift_;
    uint32_t first = firsts_[cell];
    uint32_t last = firsts_[cell + 1];
    // The last bin that does not begin above the value.
    while (first < last) {
      const uint32_t middle = (first + last + 1) / 2;
      if (lows_[middle] <= value) {
        first = middle;
      } else {
        last = middle - 1;
      }
    }
    return first;
  }

 private:
  std::vector<uint64_t> lows_;
  // By the leading bits of a value: the bin that the smallest such value would be in.
  std::vector<uint16_t> firsts_;
  int shift_;
};

// The model with the fewest bits for model and data. `values` are sorted and not empty. Nothing
// when it would need too many bins.
std::optional<AnsModel> MakeAnsModel(std::span<const uint64_t> sorted_values);

void WriteAnsModel(const AnsModel& model, BitWriter& out);
// Nothing for bits that are no model.
std::optional<AnsModel> ReadAnsModel(BitReader& reader);

}  // namespace ficus
