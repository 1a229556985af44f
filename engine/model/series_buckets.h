// Rows, or runs of rows, distributed by their series ids: the first pass of sorting them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ficus {

template <typename Slot>
struct SeriesBuckets {
  std::vector<Slot> slots;
  std::vector<uint32_t> ends;  // of each bucket, in `slots`
};

// Distributes `count` items over about as many buckets as there are items, by the leading bits in
// which ids from `low` to `high` differ; those of one bucket keep their order. `series_of(i)` is
// the id of an item, `slot_of(i)` what is kept of it. Series ids are hashes, so a bucket holds
// little besides one series.
template <typename Slot, typename SeriesOf, typename SlotOf>
void Distribute(size_t count, uint64_t low, uint64_t high, const SeriesOf& series_of,
                const SlotOf& slot_of, SeriesBuckets<Slot>& buckets) {
  buckets.slots.resize(count);
  buckets.ends.clear();
  if (count == 0) return;
  const int spread_bits = static_cast<int>(std::bit_width(high - low));
  const int bucket_bits = std::min(spread_bits, static_cast<int>(std::bit_width(count)));
  const int shift = spread_bits - bucket_bits;
  const auto bucket_of = [&](size_t i) {
    return static_cast<size_t>((series_of(i) - low) >> shift);
  };
  std::vector<uint32_t>& ends = buckets.ends;
  ends.resize((size_t{1} << bucket_bits) + 1);
  for (size_t i = 0; i < count; ++i) ++ends[bucket_of(i) + 1];
  for (size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
  // Placing a bucket's items moves its start to its end.
  for (size_t i = 0; i < count; ++i) buckets.slots[ends[bucket_of(i)]++] = slot_of(i);
  ends.pop_back();
}

}  // namespace ficus
