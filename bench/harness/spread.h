// A figure of several rounds.
#pragma once

#include <algorithm>
#include <vector>

namespace ficus::bench {

struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
};

// `values` holds at least one.
inline Spread SpreadOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

}  // namespace ficus::bench
