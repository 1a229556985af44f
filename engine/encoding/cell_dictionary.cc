#include "engine/encoding/cell_dictionary.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "engine/encoding/checksum.h"

namespace ficus {
namespace {

constexpr uint32_t kFree = ~uint32_t{0};

struct Slot {
  uint32_t hash = 0;
  uint32_t code = kFree;
};

// Codes in order of first appearance; false when there are too many values.
bool Number(std::span<const uint32_t> offsets, std::string_view bytes, size_t values_max,
            CellDictionary& dictionary) {
  std::vector<Slot> slots(size_t{1} << std::bit_width(2 * values_max + 1));
  const size_t mask = slots.size() - 1;
  for (size_t i = 0; i < dictionary.codes.size(); ++i) {
    const std::string_view cell = bytes.substr(offsets[i], offsets[i + 1] - offsets[i]);
    const uint64_t full_hash = Xxh3(cell);
    const auto hash = static_cast<uint32_t>(full_hash >> 32);
    size_t at = full_hash & mask;
    while (slots[at].code != kFree &&
           (slots[at].hash != hash || dictionary.values[slots[at].code] != cell)) {
      at = (at + 1) & mask;
    }
    if (slots[at].code == kFree) {
      if (dictionary.values.size() == values_max) return false;
      slots[at] = {hash, static_cast<uint32_t>(dictionary.values.size())};
      dictionary.values.push_back(cell);
    }
    dictionary.codes[i] = slots[at].code;
  }
  return true;
}

}  // namespace

std::optional<CellDictionary> MakeCellDictionary(std::span<const uint32_t> offsets,
                                                 std::string_view bytes, size_t values_max) {
  CellDictionary dictionary;
  if (offsets.empty()) return dictionary;
  dictionary.codes.resize(offsets.size() - 1);
  if (!Number(offsets, bytes, values_max, dictionary)) return std::nullopt;

  const std::vector<std::string_view> values = dictionary.values;
  std::vector<uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return values[a] < values[b]; });
  std::vector<uint64_t> rank(values.size());
  for (size_t i = 0; i < order.size(); ++i) {
    rank[order[i]] = i;
    dictionary.values[i] = values[order[i]];
  }
  for (uint64_t& code : dictionary.codes) code = rank[code];
  return dictionary;
}

}  // namespace ficus
