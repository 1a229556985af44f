#include "engine/table/snapshot.h"

#include <algorithm>
#include <utility>

#include <boost/unordered/unordered_flat_set.hpp>

#include "engine/part/merge.h"

namespace ficus {
namespace {

// The series that were met. Many are charged to MemoryConsumer::kQueries, where there is a ledger.
class SeenSeries {
 public:
  explicit SeenSeries(MemoryLedger* ledger) : ledger_(ledger) {}

  size_t size() const { return series_.size(); }
  // Whether it was not met before. False after a refusal, too.
  bool Add(SeriesId series) {
    if (series_.size() == room_) outcome_ = MakeRoom();
    return outcome_.has_value() && series_.insert(series.value()).second;
  }
  const Result<>& outcome() const { return outcome_; }

 private:
  static constexpr size_t kFewSeries = 1024;
  // A slot and its share of empty ones, and the table before while the next is filled.
  static constexpr size_t kSeriesBytes = 4 * sizeof(uint64_t);

  Result<> MakeRoom() {
    if (ledger_ != nullptr) {
      const size_t bytes = 2 * room_ * kSeriesBytes;
      if (reservation_.bytes() > 0) {
        RETURN_IF_ERROR(reservation_.Resize(bytes));
      } else {
        ASSIGN_OR_RETURN(reservation_, ledger_->Reserve(MemoryConsumer::kQueries, bytes));
      }
    }
    room_ *= 2;
    return Ok();
  }

  MemoryLedger* const ledger_;
  boost::unordered_flat_set<uint64_t> series_;
  size_t room_ = kFewSeries;
  MemoryReservation reservation_;
  Result<> outcome_;
};

// The entries of `part` for `subject`.
std::pair<std::vector<SeriesEntry>::const_iterator, std::vector<SeriesEntry>::const_iterator>
EntriesOf(const MemPart& part, SubjectId subject) {
  const std::vector<SeriesEntry>& entries = part.entries();
  const auto begin = std::lower_bound(
      entries.begin(), entries.end(), subject,
      [](const SeriesEntry& entry, SubjectId wanted) { return entry.subject < wanted; });
  const auto end = std::find_if(begin, entries.end(),
                                [&](const SeriesEntry& entry) { return entry.subject != subject; });
  return {begin, end};
}

}  // namespace

Result<> Snapshot::ScanSeries(SubjectId subject, const IndexRun::Visit& visit,
                              MemoryLedger* cache) const {
  // One run alone has each series once.
  if (mem_parts.empty() && runs.size() == 1) {
    return runs.front().run->ScanSubject(subject, visit, cache);
  }
  SeenSeries seen(cache);
  bool stopped = false;
  const auto visit_new = [&](SeriesId series, std::string_view entity) {
    if (seen.Add(series)) stopped = !visit(series, entity);
    return !stopped && seen.outcome().has_value();
  };
  for (const auto& mem_part : mem_parts) {
    const auto [begin, end] = EntriesOf(*mem_part, subject);
    for (auto entry = begin; entry != end; ++entry) {
      if (!visit_new(entry->series, entry->entity)) return seen.outcome();
    }
  }
  for (const SnapshotRun& run : runs) {
    RETURN_IF_ERROR(run.run->ScanSubject(subject, visit_new, cache));
    RETURN_IF_ERROR(seen.outcome());
    if (stopped) return Ok();
  }
  return Ok();
}

Result<> Snapshot::LookupSeries(SubjectId subject, const std::vector<SeriesId>& series,
                                const IndexRun::Visit& visit, MemoryLedger* cache) const {
  SeenSeries seen(cache);
  bool stopped = false;
  const auto visit_new = [&](SeriesId found, std::string_view entity) {
    if (seen.Add(found)) stopped = !visit(found, entity);
    return !stopped && seen.outcome().has_value();
  };
  for (const auto& mem_part : mem_parts) {
    const auto [begin, end] = EntriesOf(*mem_part, subject);
    for (auto entry = begin; entry != end; ++entry) {
      if (!std::binary_search(series.begin(), series.end(), entry->series)) continue;
      if (!visit_new(entry->series, entry->entity)) return seen.outcome();
    }
  }
  for (const SnapshotRun& run : runs) {
    if (stopped || seen.size() == series.size()) break;
    RETURN_IF_ERROR(run.run->Lookup(subject, series, visit_new, cache));
    RETURN_IF_ERROR(seen.outcome());
  }
  return Ok();
}

Result<std::unique_ptr<RowCursor>> Snapshot::Scan(const ScanRequest& request,
                                                  MemoryLedger& ledger) const {
  std::vector<std::unique_ptr<RowCursor>> cursors;
  for (const SnapshotPart& part : parts) {
    if (!part.part->MayContain(request)) continue;
    ASSIGN_OR_RETURN(std::unique_ptr<RowCursor> cursor, part.part->Scan(request, ledger));
    cursors.push_back(std::move(cursor));
  }
  for (const auto& mem_part : mem_parts) {
    if (mem_part->MayContain(request)) cursors.push_back(mem_part->Scan(request, ledger));
  }
  return MergeCursors(std::move(cursors), ledger);
}

size_t Snapshot::rows() const {
  size_t rows = 0;
  for (const SnapshotPart& part : parts) rows += part.part->info().rows;
  for (const auto& mem_part : mem_parts) rows += mem_part->rows();
  return rows;
}

uint64_t Snapshot::file_bytes() const {
  uint64_t bytes = 0;
  for (const SnapshotPart& part : parts) bytes += part.part->info().file_bytes;
  for (const SnapshotRun& run : runs) bytes += run.run->info().file_bytes;
  return bytes;
}

size_t Snapshot::memory_bytes() const {
  size_t bytes = 0;
  for (const auto& mem_part : mem_parts) bytes += mem_part->memory_bytes();
  return bytes;
}

}  // namespace ficus
