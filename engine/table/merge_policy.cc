#include "engine/table/merge_policy.h"

#include <algorithm>

#include "engine/base/check.h"

namespace ficus {
namespace {

// What a window of neighbours would cost and gain.
struct Window {
  size_t begin = 0;
  size_t end = 0;
  uint64_t bytes = 0;
  uint64_t largest = 0;
  TimeRange times;
  uint64_t overlapping = 0;  // neighbours whose times overlap what lies before them in the window

  size_t parts() const { return end - begin; }
  // The other inputs weigh at least as much as the largest: each row is then rewritten a
  // logarithmic number of times.
  bool Balanced() const { return bytes >= 2 * largest; }
  // How many parts like the largest are in it.
  double Score() const { return static_cast<double>(bytes) / static_cast<double>(largest); }

  void Grow(const PartInfo& part) {
    if (parts() == 0) {
      times = part.times;
    } else {
      overlapping += times.Overlaps(part.times) ? 1 : 0;
      times = {std::min(times.begin, part.times.begin), std::max(times.end, part.times.end)};
    }
    bytes += part.file_bytes;
    largest = std::max(largest, part.file_bytes);
    ++end;
  }
};

// Rows that overlap in time are read together and hide each other, so their parts go first; then
// the window that writes least for what it merges; then the smaller one.
bool Better(const Window& a, const Window& b) {
  if (b.parts() == 0) return true;
  const bool a_overlaps = a.overlapping > 0;
  const bool b_overlaps = b.overlapping > 0;
  if (a_overlaps != b_overlaps) return a_overlaps;
  const double a_score = a.Score();
  const double b_score = b.Score();
  if (a_score != b_score) return a_score > b_score;
  return a.bytes < b.bytes;
}

// For a table with too many parts: the window that costs least per part removed.
bool Cheaper(const Window& a, const Window& b) {
  if (b.parts() == 0) return true;
  const auto cost = [](const Window& window) {
    return static_cast<double>(window.bytes) / static_cast<double>(window.parts() - 1);
  };
  return cost(a) < cost(b);
}

template <typename Visit>
void ForEachWindow(const std::vector<PartInfo>& parts, const std::vector<bool>& barrier,
                   const MergeLimits& limits, Visit visit) {
  for (size_t begin = 0; begin < parts.size(); ++begin) {
    Window window;
    window.begin = window.end = begin;
    for (size_t i = begin; i < parts.size() && i - begin < limits.parts_max; ++i) {
      if (i > begin && barrier[i]) break;
      if (window.bytes + parts[i].file_bytes > limits.output_bytes_max) break;
      window.Grow(parts[i]);
      if (window.parts() >= 2) visit(window);
    }
  }
}

}  // namespace

MergeChoice ChooseMerge(const std::vector<PartInfo>& parts, const std::vector<bool>& barrier,
                        const MergeLimits& limits) {
  CHECK(barrier.size() == parts.size());
  Window best;
  Window cheapest;
  ForEachWindow(parts, barrier, limits, [&](const Window& window) {
    if (window.parts() >= limits.parts_min && window.Balanced() && Better(window, best)) {
      best = window;
    }
    if (Cheaper(window, cheapest)) cheapest = window;
  });
  if (best.parts() > 0) return {best.begin, best.end};
  if (parts.size() > limits.table_parts_max && cheapest.parts() > 0) {
    return {cheapest.begin, cheapest.end};
  }
  return {};
}

MergeChoice ChooseFinalMerge(const std::vector<PartInfo>& parts, const std::vector<bool>& barrier,
                             const MergeLimits& limits) {
  CHECK(barrier.size() == parts.size());
  Window best;
  ForEachWindow(parts, barrier, limits, [&](const Window& window) {
    if (Better(window, best)) best = window;
  });
  return {best.begin, best.end};
}

}  // namespace ficus
