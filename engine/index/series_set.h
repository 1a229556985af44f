// The series of one shard of one segment that are durable: a writer need not send their entity
// again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "engine/model/ids.h"

namespace ficus {

// All members: any thread; never blocks on I/O. About 24 bytes a series.
class SeriesSet {
 public:
  enum class Known : uint8_t {
    kNo,
    kYes,
    kCollision,  // the id is known, with another entity
  };

  // `ledger` is charged (MemoryConsumer::kIndex); memory that is needed for correctness is never
  // refused.
  explicit SeriesSet(MemoryLedger& ledger);
  ~SeriesSet();

  // `check` is SeriesCheckOf the entity.
  Known Find(SubjectId subject, SeriesId series, uint64_t check) const;
  // The same for many series of a subject; the three have one size.
  void Find(SubjectId subject, std::span<const SeriesId> series, std::span<const uint64_t> checks,
            std::span<Known> known) const;
  // Call only once the entry is durable and introduced. kCorruption for a collision; the first
  // entry stays.
  Result<> Insert(SubjectId subject, SeriesId series, uint64_t check);
  // The same for an entry that is older than what may be there: it stays.
  void Put(SubjectId subject, SeriesId series, uint64_t check);

  // Series whose entries are on their way: until this goes, their ids are taken. Outlived by the
  // sets. One thread at a time.
  class Claims {
   public:
    Claims() = default;
    ~Claims();
    Claims(const Claims&) = delete;
    Claims& operator=(const Claims&) = delete;

   private:
    friend class SeriesSet;
    struct Claim {
      const SeriesSet* set;
      SubjectId subject;
      SeriesId series;
    };
    std::vector<Claim> claims_;
  };
  // For a writer that is about to send the entries of new series, distinct: those that are neither
  // known nor claimed with another entity are kNo, and claimed. One of two writers that come at the
  // same time with different entities of an id finds kCollision. What Find tells does not change,
  // so a reader of the set may do it.
  void Claim(SubjectId subject, std::span<const SeriesId> series, std::span<const uint64_t> checks,
             std::span<Known> known, Claims& claims) const;

  size_t size() const;
  // Claims stay.
  void Clear();

 private:
  struct Rep;
  Rep* const rep_;
};

}  // namespace ficus
