// Which series of a shard a query needs, and their entities where those are needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/query/compiled_criteria.h"
#include "engine/query/memory_charge.h"
#include "engine/query/query_context.h"
#include "engine/table/snapshot.h"

namespace ficus {

// The series that criteria fix completely, by EQ and IN on every entity tag: their keys are
// computed, no index is scanned. Made once per group and query.
class SeriesCandidates {
 public:
  // False in known() when the criteria leave a tag open or name more than `series_max` series.
  static Result<SeriesCandidates> Make(const MeasureGroupPlan& plan, size_t series_max);

  bool known() const { return known_; }
  struct Candidate {
    SeriesId series;
    std::string key;
    SeriesVerdict verdict = SeriesVerdict::kAll;
  };
  // Ascending by series.
  const std::vector<Candidate>& all() const { return candidates_; }

 private:
  bool known_ = false;
  std::vector<Candidate> candidates_;
};

class SeriesSelection {
 public:
  enum class Method : uint8_t {
    kEverySeries,  // the index was not asked: entities are not known here
    kLookup,       // candidates, each verified against the stored entity
    kScan,         // every entity of the subject was read and judged
  };

  explicit SeriesSelection(MemoryLedger& ledger) : charge_(ledger) {}

  // `wants_keys`: the entity of each series is needed while its rows are read.
  static Result<SeriesSelection> Select(const QueryContext& context, const MeasureGroupPlan& plan,
                                        const SeriesCandidates& candidates,
                                        const Snapshot& snapshot, bool wants_keys);

  Method method() const { return method_; }
  // No index needed: rows of every series come.
  bool every_series() const { return every_series_; }
  // Ascending; what a scan asks for unless every_series().
  const std::vector<SeriesId>& ids() const { return ids_; }
  bool empty() const { return method_ != Method::kEverySeries && ids_.empty(); }

  struct Found {
    bool found = false;  // with kEverySeries: never
    SeriesVerdict verdict = SeriesVerdict::kAll;
    std::string_view key;  // empty unless kept
  };
  // `hint` starts at 0 and makes ascending searches cheap.
  Found Find(SeriesId series, size_t& hint) const;

 private:
  Result<> Add(SeriesId series, std::string_view key, SeriesVerdict verdict, bool keep_key);
  void Order();

  Method method_ = Method::kEverySeries;
  bool every_series_ = true;
  struct Entry {
    SeriesId series;
    uint64_t key_offset = 0;
    uint32_t key_bytes = 0;
    SeriesVerdict verdict = SeriesVerdict::kAll;
  };
  std::vector<Entry> entries_;
  std::vector<SeriesId> ids_;
  std::string keys_;
  MemoryCharge charge_;
};

}  // namespace ficus
