#include "engine/encoding/dictionary.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace ficus {
namespace {

// Gives each distinct word the number of its first appearance.
class Numbers {
 public:
  explicit Numbers(size_t values_max)
      : slots_bits_(static_cast<int>(std::bit_width(2 * values_max + 1))),
        slots_(size_t{1} << slots_bits_, kFree),
        values_max_(values_max) {}

  // False when a new word would be one too many.
  bool Add(uint64_t word, uint64_t& number) {
    size_t slot = word * 0x9e3779b97f4a7c15 >> (64 - slots_bits_);
    while (slots_[slot] != kFree && values_[slots_[slot]] != word) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    if (slots_[slot] == kFree) {
      if (values_.size() == values_max_) return false;
      slots_[slot] = static_cast<uint32_t>(values_.size());
      values_.push_back(word);
    }
    number = slots_[slot];
    return true;
  }

  std::vector<uint64_t>& values() { return values_; }

 private:
  static constexpr uint32_t kFree = ~uint32_t{0};

  int slots_bits_;
  std::vector<uint32_t> slots_;
  std::vector<uint64_t> values_;
  size_t values_max_;
};

}  // namespace

std::optional<Dictionary> MakeDictionary(std::span<const uint64_t> words, size_t values_max) {
  Numbers numbers(values_max);
  Dictionary dictionary;
  dictionary.codes.resize(words.size());
  for (size_t i = 0; i < words.size(); ++i) {
    if (!numbers.Add(words[i], dictionary.codes[i])) return std::nullopt;
  }

  std::vector<uint64_t>& values = numbers.values();
  std::vector<uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return static_cast<int64_t>(values[a]) < static_cast<int64_t>(values[b]);
  });
  std::vector<uint64_t> rank(values.size());
  for (size_t i = 0; i < order.size(); ++i) {
    rank[order[i]] = i;
    dictionary.values.push_back(values[order[i]]);
  }
  for (uint64_t& code : dictionary.codes) code = rank[code];
  return dictionary;
}

}  // namespace ficus
