// Rows in memory, sorted, immutable: what the log has and no file has yet.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/log_position.h"
#include "engine/base/memory_ledger.h"
#include "engine/model/row_batch.h"
#include "engine/part/row_source.h"

namespace ficus {

// Threads: any. Lifetime: shared by the snapshots that name it.
class MemPart {
 public:
  // `batches`: oldest first in log order, any order of rows; sorted here, losers dropped. The
  // columns of those of one subject agree (CHECKed). `entries`: series that the batches introduce.
  // `reservation` (MemoryConsumer::kMemParts) is held until the last reader lets go.
  static std::shared_ptr<const MemPart> Create(std::vector<RowBatch> batches,
                                               std::vector<SeriesEntry> entries, LogPosition first,
                                               LogPosition last, int64_t created_monotonic,
                                               MemoryReservation reservation);

  // One mem part with the rows of several that are neighbours in log order, oldest first.
  static std::shared_ptr<const MemPart> Merge(
      const std::vector<std::shared_ptr<const MemPart>>& parts, MemoryReservation reservation);

  virtual ~MemPart() = default;

  virtual LogPosition first_position() const = 0;
  virtual LogPosition last_position() const = 0;
  virtual int64_t created_monotonic() const = 0;  // of the oldest batch in it
  virtual size_t rows() const = 0;
  virtual size_t memory_bytes() const = 0;
  virtual TimeRange times() const = 0;
  // Ascending by subject; each sorted and without losers.
  virtual const std::vector<RowBatch>& batches() const = 0;
  // Ascending by (subject, series), distinct.
  virtual const std::vector<SeriesEntry>& entries() const = 0;

  virtual bool MayContain(const ScanRequest& request) const = 0;
  // Runs of rows are charged to `ledger`; the cursor gives kResourceExhausted.
  virtual std::unique_ptr<RowCursor> Scan(ScanRequest request, MemoryLedger& ledger) const = 0;
};

// The batches of mem parts by subject, those of one subject in the order of `parts`, which they
// live as long as.
std::map<SubjectId, std::vector<const RowBatch*>> BatchesOf(
    const std::vector<std::shared_ptr<const MemPart>>& parts);

}  // namespace ficus
