// RocksDB with the same points.
//
// Key: series and time, big-endian; value: version and field. Batches as they come, Bloom filter,
// blocks of 16 KiB, zstd, level style for 512 MB.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <rocksdb/db.h>

#include "bench/harness/sample_points.h"

namespace ficus::bench {

class RocksStore {
 public:
  explicit RocksStore(const std::string& folder);

  // A batch, encoded; making it is not part of the cost of a store.
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  static Pairs Encoded(const std::vector<SamplePoint>& points);
  // `sync`: the log is synced before it returns.
  void Write(const Pairs& pairs, bool sync);
  // Flushes, and compacts everything.
  void Settle();
  uint64_t FileBytes();

  Totals All();
  Totals OneSeries(uint32_t series);
  // By series.
  std::unordered_map<uint32_t, int64_t> Sums();

 private:
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace ficus::bench
