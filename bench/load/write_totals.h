// What all streams of a run have done, counted while they run.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "bench/load/latency_histogram.h"
#include "engine/base/mutex.h"

namespace ficus::load {

// All members: any thread.
class WriteTotals {
 public:
  // Each counts one point once, whatever was sent again.
  std::atomic<uint64_t> issued{0};
  std::atomic<uint64_t> acknowledged{0};
  std::atomic<uint64_t> refused{0};
  std::atomic<uint64_t> sent_again{0};
  std::atomic<uint64_t> reconnects{0};
  LatencyHistogram latency;  // of acknowledgements, from the last time the point was sent

  void Refuse(const std::string& status) {
    refused.fetch_add(1, std::memory_order_relaxed);
    const MutexLock lock(mutex_);
    ++refusals_[status];
  }

  // By the status of the reply.
  std::map<std::string, uint64_t> Refusals() const {
    const MutexLock lock(mutex_);
    return refusals_;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, uint64_t> refusals_ GUARDED_BY(mutex_);
};

}  // namespace ficus::load
