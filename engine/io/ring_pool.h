// Which thread uses which ring of a file system.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "engine/io/uring_ring.h"

namespace ficus {

// Each calling thread gets a ring of its own with its first operation and keeps it until the thread
// or the pool ends. A thread that cannot have one (kRingsMax reached, no descriptors, no memory)
// takes its turn at a shared ring. All members: any thread.
class RingPool : public std::enable_shared_from_this<RingPool> {
 public:
  static constexpr size_t kRingsMax = 64;
  // File systems that one thread keeps rings for; the one unused for longest goes first.
  static constexpr size_t kPoolsPerThreadMax = 8;

  // kUnavailable when not even the shared ring can be set up.
  static Result<std::shared_ptr<RingPool>> Create(uint32_t entries, size_t rings_max);

  // Calls `use` with a ring that nobody else uses meanwhile. False, and `use` is not called: the
  // shared ring is broken, and no other can be set up now.
  [[nodiscard]] bool With(const std::function<void(UringRing&)>& use);

  // Rings that threads hold.
  size_t ring_count() const;

 private:
  class ThreadRings;

  RingPool(uint32_t entries, size_t rings_max) : entries_(entries), rings_max_(rings_max) {}

  UringRing* RingOfThread();
  UringRing* AddRing();
  void RemoveRing(UringRing* ring);
  bool WithShared(const std::function<void(UringRing&)>& use);

  const uint32_t entries_;
  const size_t rings_max_;

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<UringRing>> rings_ GUARDED_BY(mutex_);
  size_t reserved_ GUARDED_BY(mutex_) = 0;  // in rings_ or being set up

  Mutex shared_mutex_;  // held while the shared ring is used: its users wait for each other
  std::unique_ptr<UringRing> shared_ GUARDED_BY(shared_mutex_);
};

}  // namespace ficus
