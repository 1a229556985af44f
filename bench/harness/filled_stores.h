// The engine and RocksDB with the same points, flushed and merged.
#pragma once

#include "bench/harness/bench_options.h"
#include "bench/harness/engine.h"
#include "bench/harness/sample_points.h"
#include "bench/harness/scratch_folder.h"
#include "bench/yardstick/rocks_store.h"

namespace ficus::bench {

class FilledStores {
 public:
  FilledStores(const BenchOptions& options, const SamplePoints& points)
      : points_(points),
        engine_folder_(options.scratch),
        rocks_folder_(options.scratch),
        engine_(engine_folder_.path()),
        rocks_(rocks_folder_.path()) {
    for (size_t i = 0; i < points_.batches(); ++i) {
      const std::vector<SamplePoint> batch = points_.Batch(i);
      engine_.Write(engine_.Keyed(batch));
      rocks_.Write(RocksStore::Encoded(batch), false);
    }
    engine_.Flush();
    engine_.Merge();
    rocks_.Settle();
  }

  const SamplePoints& points() const { return points_; }
  Engine& engine() { return engine_; }
  RocksStore& rocks() { return rocks_; }

 private:
  const SamplePoints points_;
  const ScratchFolder engine_folder_;
  const ScratchFolder rocks_folder_;
  Engine engine_;
  RocksStore rocks_;
};

}  // namespace ficus::bench
