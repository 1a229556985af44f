// A part's index in memory: the sparse index and the primary blocks used last, decoded.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/model/ids.h"
#include "engine/part/block_header.h"
#include "engine/part/file_window.h"
#include "engine/part/primary_index.h"
#include "engine/part/section_file.h"

namespace ficus {

using SparseIndex = std::vector<PrimaryEntry>;
using PrimaryBlock = std::vector<BlockHeader>;

// What is cached is charged to the ledger it was read with (MemoryConsumer::kCaches); where the
// ledger refuses, the index is read again by the next one. All members: any thread; no lock is held
// during a read.
class PartIndex {
 public:
  // `footer` names the sections that every part has.
  PartIndex(FileNumber number, const SectionFooter& footer);

  // With `ledger` null nothing is kept.
  Result<std::shared_ptr<const SparseIndex>> Load(File& file, MemoryLedger* ledger) const;

  // The primary block of `entry`, one of the sparse index. `window` reads the primary section.
  Result<std::shared_ptr<const PrimaryBlock>> LoadPrimary(FileWindow& window,
                                                          const PrimaryEntry& entry,
                                                          MemoryLedger* ledger) const;

  uint64_t data_end() const { return data_.offset + data_.bytes; }
  uint64_t primary_end() const { return primary_.offset + primary_.bytes; }
  const Section& data() const { return data_; }

 private:
  struct Cached {
    uint64_t offset;
    std::shared_ptr<const PrimaryBlock> block;
    MemoryReservation memory;
  };

  std::shared_ptr<const PrimaryBlock> Find(uint64_t offset) const;
  void Keep(uint64_t offset, const std::shared_ptr<const PrimaryBlock>& block,
            MemoryLedger& ledger) const;

  const FileNumber number_;
  const Section data_;
  const Section primary_;
  const Section meta_;

  mutable Mutex mutex_;
  mutable std::shared_ptr<const SparseIndex> sparse_ GUARDED_BY(mutex_);
  mutable MemoryReservation sparse_memory_ GUARDED_BY(mutex_);
  mutable std::list<Cached> cached_ GUARDED_BY(mutex_);  // the one used last first
  mutable size_t cached_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace ficus
