#include "engine/io/ring_pool.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"

namespace ficus {

// The rings of one thread, most recently used last; given back when the thread ends.
class RingPool::ThreadRings {
 public:
  static ThreadRings& Mine() {
    thread_local ThreadRings rings;
    return rings;
  }

  ThreadRings() = default;
  ~ThreadRings() {
    for (const Entry& entry : entries_) GiveBack(entry);
  }
  ThreadRings(const ThreadRings&) = delete;
  ThreadRings& operator=(const ThreadRings&) = delete;

  // Null when this thread has none of that pool.
  UringRing* Find(const RingPool* pool) {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [pool](const Entry& entry) {
      // Another pool may have come to lie where one was that is gone.
      return entry.address == pool && !entry.pool.expired();
    });
    if (found == entries_.end()) return nullptr;
    std::rotate(found, found + 1, entries_.end());
    return entries_.back().ring;
  }

  void Add(const std::shared_ptr<RingPool>& pool, UringRing* ring) {
    const auto kept = std::remove_if(entries_.begin(), entries_.end(),
                                     [](const Entry& entry) { return entry.pool.expired(); });
    entries_.erase(kept, entries_.end());
    if (entries_.size() >= kPoolsPerThreadMax) {
      GiveBack(entries_.front());
      entries_.erase(entries_.begin());
    }
    entries_.push_back({pool, pool.get(), ring});
  }

  void Forget(const UringRing* ring) {
    const auto kept = std::remove_if(entries_.begin(), entries_.end(),
                                     [ring](const Entry& entry) { return entry.ring == ring; });
    entries_.erase(kept, entries_.end());
  }

 private:
  struct Entry {
    std::weak_ptr<RingPool> pool;
    const RingPool* address;
    UringRing* ring;
  };

  static void GiveBack(const Entry& entry) {
    if (const auto pool = entry.pool.lock(); pool != nullptr) pool->RemoveRing(entry.ring);
  }

  std::vector<Entry> entries_;
};

Result<std::shared_ptr<RingPool>> RingPool::Create(uint32_t entries, size_t rings_max) {
  ASSIGN_OR_RETURN(auto shared, UringRing::Create(entries, UringRing::Use::kShared));
  std::shared_ptr<RingPool> pool(new RingPool(entries, rings_max));
  MutexLock lock(pool->shared_mutex_);
  pool->shared_ = std::move(shared);
  return pool;
}

bool RingPool::With(const std::function<void(UringRing&)>& use) {
  UringRing* ring = RingOfThread();
  if (ring == nullptr) return WithShared(use);
  use(*ring);
  if (!ring->broken()) return true;
  ThreadRings::Mine().Forget(ring);
  RemoveRing(ring);
  return true;
}

UringRing* RingPool::RingOfThread() {
  ThreadRings& mine = ThreadRings::Mine();
  UringRing* ring = mine.Find(this);
  if (ring != nullptr) return ring;
  ring = AddRing();
  if (ring != nullptr) mine.Add(shared_from_this(), ring);
  return ring;
}

UringRing* RingPool::AddRing() {
  {
    MutexLock lock(mutex_);
    if (reserved_ >= rings_max_) return nullptr;
    ++reserved_;
  }
  auto created = UringRing::Create(entries_, UringRing::Use::kOneThread);
  MutexLock lock(mutex_);
  if (!created) {
    --reserved_;
    LogDebug("io.shared_ring", "a thread shares a ring: {}", created.error().ToString());
    return nullptr;
  }
  rings_.push_back(*std::move(created));
  return rings_.back().get();
}

void RingPool::RemoveRing(UringRing* ring) {
  std::unique_ptr<UringRing> removed;  // closed after the lock is gone: that takes a while
  MutexLock lock(mutex_);
  const auto found = std::find_if(rings_.begin(), rings_.end(), [ring](const auto& candidate) {
    return candidate.get() == ring;
  });
  if (found == rings_.end()) return;
  removed = std::move(*found);
  rings_.erase(found);
  --reserved_;
}

bool RingPool::WithShared(const std::function<void(UringRing&)>& use) {
  MutexLock lock(shared_mutex_);
  if (shared_->broken()) {
    auto created = UringRing::Create(entries_, UringRing::Use::kShared);
    if (!created) {
      LogDebug("io.no_ring", "plain calls do for now: {}", created.error().ToString());
      return false;
    }
    shared_ = *std::move(created);
  }
  use(*shared_);
  return true;
}

size_t RingPool::ring_count() const {
  MutexLock lock(mutex_);
  return rings_.size();
}

}  // namespace ficus
