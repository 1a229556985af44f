// Decoded blocks of immutable files, the ones used last, so that a hot block is neither read, nor
// verified, nor decoded again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "engine/base/memory_ledger.h"
#include "engine/base/mutex.h"

namespace ficus {

// Bounded by the ledger alone: what is kept is charged to it (MemoryConsumer::kCaches), and where
// it refuses, the blocks used longest ago go. All members: any thread; no block is freed under the
// lock.
class BlockCache {
 public:
  // The one that all parts and index runs of the process share.
  static BlockCache& ForProcess();

  // The block of `owner` (FileCache::NewOwner) at `offset` of its file, or null. T is the type that
  // was kept there.
  template <typename T>
  std::shared_ptr<const T> Find(uint64_t owner, uint64_t offset) {
    return std::static_pointer_cast<const T>(FindAny({owner, offset}));
  }

  // Keeps a block of `bytes` until others need its room, or until Drop. A block that is there
  // already stays.
  template <typename T>
  void Keep(uint64_t owner, uint64_t offset, std::shared_ptr<const T> block, size_t bytes,
            MemoryLedger& ledger) {
    KeepAny({owner, offset}, std::move(block), bytes, ledger);
  }

  // The owner is going away; before the ledger of its blocks.
  void Drop(uint64_t owner);

  size_t size() const;

 private:
  using Block = std::shared_ptr<const void>;
  struct Place {
    uint64_t owner;
    uint64_t offset;
  };
  struct Entry {
    Place place;
    Block block;
    MemoryReservation memory;
  };
  using Entries = std::list<Entry>;
  using Offsets = boost::unordered_flat_map<uint64_t, Entries::iterator>;

  Block FindAny(const Place& place);
  void KeepAny(const Place& place, Block block, size_t bytes, MemoryLedger& ledger);
  // Reserves, letting go of the blocks used longest ago while that is refused; they go to `gone`.
  // Nothing is reserved where that does not help.
  MemoryReservation MakeRoom(size_t bytes, MemoryLedger& ledger, Entries& gone);
  void Remove(Entries::iterator entry, Entries& gone) REQUIRES(mutex_);

  mutable Mutex mutex_;
  Entries entries_ GUARDED_BY(mutex_);  // the one used last first
  boost::unordered_flat_map<uint64_t, Offsets> places_ GUARDED_BY(mutex_);  // by owner
};

}  // namespace ficus
