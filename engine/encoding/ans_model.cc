#include "engine/encoding/ans_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "engine/base/check.h"

namespace ficus {
namespace {

constexpr int kTableLogBits = 4;
constexpr int kRangeWidthBits = 7;
constexpr size_t kBinsMax = size_t{1} << (kAnsTableLogMax - 1);

// What a used and an unused leaf of the tree cost in the stored model, while the table's size is
// not known yet.
constexpr double kUsedLeafBits = 10;
constexpr double kEmptyLeafBits = 2;
constexpr double kSplitBits = 1;

// The largest offset in a range of 2^width values.
uint64_t LastOf(int width) { return width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1; }

// Cuts a range of sorted values in halves as long as that saves bits.
class BinTree {
 public:
  explicit BinTree(std::span<const uint64_t> sorted)
      : sorted_(sorted),
        log_total_(std::log2(static_cast<double>(sorted.size()))),
        count_min_(std::max<size_t>(3, sorted.size() >> kAnsTableLogMax)) {}

  // Appends the bins of sorted[begin, end), which lie in [low, low + 2^width); returns their bits.
  double Cut(size_t begin, size_t end, uint64_t low, int width) {
    if (begin == end) return kEmptyLeafBits;
    const size_t count = end - begin;
    const double whole = LeafBits(count, width);
    if (width > 0 && count >= count_min_) {
      const size_t bins_before = bins_.size();
      const uint64_t middle = low + (uint64_t{1} << (width - 1));
      const auto first = sorted_.begin() + static_cast<ptrdiff_t>(begin);
      const auto last = sorted_.begin() + static_cast<ptrdiff_t>(end);
      const auto cut = static_cast<size_t>(std::lower_bound(first, last, middle) - sorted_.begin());
      const double halves =
          kSplitBits + Cut(begin, cut, low, width - 1) + Cut(cut, end, middle, width - 1);
      if (halves < whole) return halves;
      bins_.resize(bins_before);
    }
    bins_.push_back({low, width, static_cast<uint32_t>(count)});
    return whole;
  }

  // Bins with counts instead of weights.
  std::vector<AnsBin> TakeBins() { return std::move(bins_); }

 private:
  double LeafBits(size_t count, int width) const {
    const auto n = static_cast<double>(count);
    return n * (log_total_ - std::log2(n) + width) + kUsedLeafBits;
  }

  std::span<const uint64_t> sorted_;
  double log_total_;
  // Fewer values cannot repay a second bin, or have no weight in the largest table.
  size_t count_min_;
  std::vector<AnsBin> bins_;
};

// Weights near the counts' shares of 2^table_log, each at least 1. There are at most half as many
// bins as table places.
std::vector<uint32_t> Weights(const std::vector<AnsBin>& counted, size_t total, int table_log) {
  const auto size = int64_t{1} << table_log;
  std::vector<uint32_t> weights;
  int64_t missing = size;
  for (const AnsBin& bin : counted) {
    const double share =
        static_cast<double>(bin.weight) * static_cast<double>(size) / static_cast<double>(total);
    weights.push_back(std::max(uint32_t{1}, static_cast<uint32_t>(std::lround(share))));
    missing -= weights.back();
  }
  // The bin where one place more gains the most, or one less costs the least.
  while (missing != 0) {
    const int step = missing > 0 ? 1 : -1;
    size_t best = weights.size();
    double best_gain = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
      if (step < 0 && weights[i] == 1) continue;
      const auto weight = static_cast<double>(weights[i]);
      const double gain = counted[i].weight * std::log2((weight + step) / weight);
      if (best == weights.size() || gain > best_gain) {
        best = i;
        best_gain = gain;
      }
    }
    CHECK(best < weights.size());
    weights[best] = static_cast<uint32_t>(static_cast<int>(weights[best]) + step);
    missing -= step;
  }
  return weights;
}

double SymbolBits(const std::vector<AnsBin>& counted, const std::vector<uint32_t>& weights,
                  int table_log) {
  double bits = 0;
  for (size_t i = 0; i < counted.size(); ++i) {
    bits += counted[i].weight * (table_log - std::log2(static_cast<double>(weights[i])));
  }
  return bits;
}

// The preorder of the tree with `bins` as its used leaves: 1 split; 00 empty leaf; 01 and
// weight - 1 used leaf.
class TreeWriter {
 public:
  TreeWriter(const AnsModel& model, BitWriter& out) : model_(model), out_(out) {}

  void Write(uint64_t low, int width) {
    if (next_ == model_.bins.size() || model_.bins[next_].low - low > LastOf(width)) {
      out_.Put(0b00, 2);
    } else if (model_.bins[next_].width == width) {
      out_.Put(0b10, 2);
      out_.Put(model_.bins[next_++].weight - 1, model_.table_log);
    } else {
      out_.Put(1, 1);
      Write(low, width - 1);
      Write(low + (uint64_t{1} << (width - 1)), width - 1);
    }
  }

 private:
  const AnsModel& model_;
  BitWriter& out_;
  size_t next_ = 0;
};

class TreeReader {
 public:
  TreeReader(AnsModel& model, BitReader& reader) : model_(model), reader_(reader) {}

  bool Read(uint64_t low, int width) {
    if (!reader_.ok()) return false;
    if (reader_.Take(1) != 0) {
      return width > 0 && Read(low, width - 1) &&
             Read(low + (uint64_t{1} << (width - 1)), width - 1);
    }
    if (reader_.Take(1) == 0) return true;
    const auto weight = static_cast<uint32_t>(reader_.Take(model_.table_log)) + 1;
    total_ += weight;
    if (total_ > model_.table_size()) return false;
    model_.bins.push_back({low, width, weight});
    return true;
  }

  uint32_t total() const { return total_; }

 private:
  AnsModel& model_;
  BitReader& reader_;
  uint32_t total_ = 0;
};

}  // namespace

AnsBinFinder::AnsBinFinder(const AnsModel& model) {
  constexpr int kLeadingBits = 10;
  shift_ = std::max(0, model.range_width - kLeadingBits);
  for (const AnsBin& bin : model.bins) lows_.push_back(bin.low);
  const size_t cells = size_t{1} << std::min(model.range_width, kLeadingBits);
  firsts_.resize(cells + 1, static_cast<uint16_t>(lows_.size() - 1));
  size_t bin = 0;
  for (size_t cell = 0; cell < cells; ++cell) {
    const uint64_t smallest = uint64_t{cell} << shift_;
    while (bin + 1 < lows_.size() && lows_[bin + 1] <= smallest) ++bin;
    firsts_[cell] = static_cast<uint16_t>(bin);
  }
}

std::optional<AnsModel> MakeAnsModel(std::span<const uint64_t> sorted_values) {
  AnsModel model;
  model.range_width = static_cast<int>(std::bit_width(sorted_values.back()));
  BinTree tree(sorted_values);
  tree.Cut(0, sorted_values.size(), 0, model.range_width);
  model.bins = tree.TakeBins();
  if (model.bins.size() > kBinsMax) return std::nullopt;

  std::vector<uint32_t> best_weights;
  double best_bits = 0;
  const int smallest =
      std::max(kAnsTableLogMin, static_cast<int>(std::bit_width(model.bins.size() - 1)) + 1);
  for (int table_log = smallest; table_log <= kAnsTableLogMax; ++table_log) {
    std::vector<uint32_t> weights = Weights(model.bins, sorted_values.size(), table_log);
    const double bits = SymbolBits(model.bins, weights, table_log) +
                        static_cast<double>(model.bins.size()) * table_log;
    if (!best_weights.empty() && bits >= best_bits) break;
    best_bits = bits;
    best_weights = std::move(weights);
    model.table_log = table_log;
  }
  model.bits = SymbolBits(model.bins, best_weights, model.table_log);
  for (size_t i = 0; i < model.bins.size(); ++i) {
    model.bits += static_cast<double>(model.bins[i].weight) * model.bins[i].width;
    model.bins[i].weight = best_weights[i];
  }
  std::string stored;
  BitWriter writer(stored);
  WriteAnsModel(model, writer);
  writer.Finish();
  model.bits += 8 * static_cast<double>(stored.size());
  return model;
}

void WriteAnsModel(const AnsModel& model, BitWriter& out) {
  out.Put(static_cast<uint64_t>(model.table_log), kTableLogBits);
  out.Put(static_cast<uint64_t>(model.range_width), kRangeWidthBits);
  TreeWriter(model, out).Write(0, model.range_width);
}

std::optional<AnsModel> ReadAnsModel(BitReader& reader) {
  AnsModel model;
  model.table_log = static_cast<int>(reader.Take(kTableLogBits));
  model.range_width = static_cast<int>(reader.Take(kRangeWidthBits));
  if (model.table_log < kAnsTableLogMin || model.table_log > kAnsTableLogMax) return std::nullopt;
  if (model.range_width > 64) return std::nullopt;
  TreeReader tree(model, reader);
  if (!tree.Read(0, model.range_width) || tree.total() != model.table_size() || !reader.ok()) {
    return std::nullopt;
  }
  return model;
}

}  // namespace ficus
