// What a node must answer, told from the journal alone: every acknowledged point with its value,
// and no point that was never sent. Points that were sent and not acknowledged may be there or not.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/generated_points.h"
#include "bench/load/journal.h"
#include "bench/load/measure_reader.h"

namespace ficus::load {

// Counts of points; the first offences also as text.
struct Findings {
  uint64_t acknowledged = 0;  // points that must be there
  uint64_t unanswered = 0;    // points there that were sent and never acknowledged
  uint64_t missing = 0;       // acknowledged and not there
  uint64_t wrong = 0;         // there with another value, or twice
  uint64_t never_sent = 0;    // there and never sent
  std::vector<std::string> examples;

  uint64_t offences() const { return missing + wrong + never_sent; }
  void Note(std::string example);
};

class Oracle {
 public:
  // The runs of one group.
  explicit Oracle(std::vector<JournalRun> runs);

  // Entities 0 to EntityCount(measure) - 1 may have points.
  uint64_t EntityCount(size_t measure) const;
  // An upper bound of the points of one series.
  uint64_t PointsPerSeriesMax() const;
  // Includes the time of every point that was sent; begin_ms 0 and end_ms 0 when there is none.
  int64_t begin_ms() const { return begin_ms_; }
  int64_t end_ms() const { return end_ms_; }

  // Compares what the node said about a series from `begin_ms` to `end_ms`, both included: all its
  // points there, in any order.
  void Check(size_t measure, uint64_t entity, int64_t begin_ms, int64_t end_ms,
             std::vector<ReadPoint> points, Findings& findings) const;

 private:
  struct Run {
    JournalRun journal;
    std::unique_ptr<GeneratedPoints> points;
  };

  bool WasSent(size_t measure, uint64_t entity, int64_t timestamp_ms) const;
  // Times at which the series must have a point, ascending, each once.
  std::vector<int64_t> AckedTimes(size_t measure, uint64_t entity, int64_t begin_ms,
                                  int64_t end_ms) const;

  std::vector<Run> runs_;
  int64_t begin_ms_ = 0;
  int64_t end_ms_ = 0;
};

}  // namespace ficus::load
