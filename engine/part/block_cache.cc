#include "engine/part/block_cache.h"

#include <iterator>

namespace ficus {
namespace {

// What an entry takes besides its block.
constexpr size_t kEntryBytes = 192;

}  // namespace

BlockCache& BlockCache::ForProcess() {
  // Never destroyed: parts may outlive the static objects of other files.
  static BlockCache& cache = *new BlockCache();
  return cache;
}

BlockCache::Block BlockCache::FindAny(const Place& place) {
  MutexLock lock(mutex_);
  const auto owned = places_.find(place.owner);
  if (owned == places_.end()) return nullptr;
  const auto found = owned->second.find(place.offset);
  if (found == owned->second.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->block;
}

void BlockCache::KeepAny(const Place& place, Block block, size_t bytes, MemoryLedger& ledger) {
  Entries gone;
  MemoryReservation memory = MakeRoom(bytes + kEntryBytes, ledger, gone);
  if (memory.bytes() == 0) return;
  MutexLock lock(mutex_);
  Offsets& offsets = places_[place.owner];
  if (offsets.contains(place.offset)) return;
  entries_.push_front({place, std::move(block), std::move(memory)});
  offsets[place.offset] = entries_.begin();
}

MemoryReservation BlockCache::MakeRoom(size_t bytes, MemoryLedger& ledger, Entries& gone) {
  // Where others hold the memory, letting go of more than this would not help.
  for (size_t freed = 0;;) {
    gone.clear();
    if (ledger.HasRoom(MemoryConsumer::kCaches, bytes)) {
      auto memory = ledger.Reserve(MemoryConsumer::kCaches, bytes);
      if (memory.has_value()) return std::move(memory).value();
    }
    MutexLock lock(mutex_);
    if (entries_.empty() || freed >= bytes) return {};
    freed += entries_.back().memory.bytes();
    Remove(std::prev(entries_.end()), gone);
  }
}

void BlockCache::Remove(Entries::iterator entry, Entries& gone) {
  const auto owned = places_.find(entry->place.owner);
  owned->second.erase(entry->place.offset);
  if (owned->second.empty()) places_.erase(owned);
  gone.splice(gone.begin(), entries_, entry);
}

void BlockCache::Drop(uint64_t owner) {
  Entries gone;
  MutexLock lock(mutex_);
  const auto owned = places_.find(owner);
  if (owned == places_.end()) return;
  for (const auto& [offset, entry] : owned->second) gone.splice(gone.begin(), entries_, entry);
  places_.erase(owned);
}

size_t BlockCache::size() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace ficus
