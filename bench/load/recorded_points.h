// Points from recorded metrics: a folder of gzipped CSV tables, replayed as if they ended now, by
// several renamed copies of what was recorded.
//
// Tables, told by their header:
//
//     Time,TimeStamp,PodName,<gauge>...        a point for each row, measure pod_metrics
//     Time,TimeStamp,ServiceName,<gauge>...    the same, measure front_service
//     time,timestamp,<caller>_<callee>...      a point for each pair, measure edge_latency
//
// Other tables, such as those without time, are left out. The time is that of the first column: the
// second one is wrong in some recordings. Rows that are there twice are sent twice, and the later
// one wins. Empty cells are null.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/point_source.h"
#include "engine/base/result.h"

namespace ficus::load {

struct RecordedOptions {
  uint32_t streams = 1;  // at least 1
  uint32_t copies = 8;   // replayed side by side; at least 1
  int64_t end_ms = 0;    // the time of the last row
};

// A row of any table, ready to be copied.
struct RecordedRow {
  int64_t timestamp_ms = 0;
  size_t measure = 0;
  std::vector<std::string> tags;
  std::vector<Cell> cells;
};

class RecordedPoints final : public PointSource {
 public:
  // All *.csv.gz of `folder`. kNotFound when they hold no row; kIo; kCorruption names the file and
  // line that break the format.
  static Result<std::unique_ptr<RecordedPoints>> Load(const std::string& folder,
                                                      const RecordedOptions& options);

  const std::vector<MeasureShape>& measures() const override { return measures_; }
  uint64_t series() const override { return series_; }
  // A round is one replay of all rows by all copies; the next one has copies with new names.
  uint64_t PointsPerRound(uint32_t stream) const override;
  void Get(uint32_t stream, uint64_t sequence, Point& point) const override;

 private:
  RecordedPoints(const RecordedOptions& options, std::vector<MeasureShape> measures,
                 std::vector<RecordedRow> rows);

  const RecordedOptions options_;
  const std::vector<MeasureShape> measures_;
  std::vector<std::vector<RecordedRow>> streams_;  // each by time
  uint64_t series_ = 0;
};

}  // namespace ficus::load
