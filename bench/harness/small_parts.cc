#include "bench/harness/small_parts.h"

namespace ficus::bench {

void SmallParts::Write(size_t rows_per_shard) {
  ++version_;
  const size_t series = rows_per_shard * kShards;
  std::vector<SamplePoint> points;
  points.reserve(static_cast<size_t>(days_) * series);
  for (int64_t day = 0; day < days_; ++day) {
    for (size_t i = 0; i < series; ++i) {
      // A nanosecond later each time: no row hides another.
      points.push_back({static_cast<uint32_t>(i), newest_ - day * kNanosPerDay + version_,
                        static_cast<int64_t>(i)});
    }
  }
  rows_ += points.size();
  engine_->Write(engine_->Keyed(points, version_));
}

}  // namespace ficus::bench
