#include "engine/table/seal_line.h"

#include <utility>

namespace ficus {

void SealLine::Lift() {
  std::map<std::string, std::shared_ptr<const Snapshot>, std::less<>> dropped;
  MutexLock lock(mutex_);
  position_.store(0, std::memory_order_release);
  dropped.swap(kept_);
  lock.Unlock();
  // The last holder of a file starts its removal, which takes other locks.
  dropped.clear();
}

void SealLine::Keep(LogPosition position, const std::string& directory,
                    std::shared_ptr<const Snapshot> files) {
  MutexLock lock(mutex_);
  if (this->position() != position) return;
  kept_.try_emplace(directory, std::move(files));
}

std::shared_ptr<const Snapshot> SealLine::Kept(std::string_view directory) const {
  MutexLock lock(mutex_);
  const auto found = kept_.find(directory);
  return found == kept_.end() ? nullptr : found->second;
}

}  // namespace ficus
