// The distinct words of a run and which of them stands where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ficus {

struct Dictionary {
  std::vector<uint64_t> values;  // ascending as signed numbers
  std::vector<uint64_t> codes;   // one per word: its index in values
};

// Nothing when there are more than `values_max` distinct words.
std::optional<Dictionary> MakeDictionary(std::span<const uint64_t> words, size_t values_max);

}  // namespace ficus
