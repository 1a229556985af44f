#include "bench/load/query_command.h"

#include <chrono>
#include <cstdio>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "bench/load/channel.h"
#include "bench/load/measure_reader.h"
#include "engine/base/clock.h"

namespace ficus::load {
namespace {

std::string TimeText(int64_t millis) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(millis / 1000)), millis % 1000);
}

void PrintPoint(const ReadPoint& point, const MeasureShape& shape) {
  std::string line = TimeText(point.timestamp_ms);
  for (size_t i = 0; i < shape.tags.size(); ++i) {
    line += fmt::format("  {}={}", shape.tags[i], point.tags[i]);
  }
  for (size_t i = 0; i < shape.fields.size(); ++i) {
    line += fmt::format("  {}={}", shape.fields[i].name, ToString(point.cells[i]));
  }
  fmt::print("{}\n", line);
}

}  // namespace

Result<> PrintPoints(const QueryOptions& options) {
  const auto channel = Connect(options.address);
  ASSIGN_OR_RETURN(const MeasureShape shape, FetchMeasure(channel, options.group, options.measure));
  const MeasureReader reader(channel, options.group, shape);
  const int64_t now = SystemClock().Now() / kNanosPerMilli;
  ReadRange range{now - options.minutes * 60'000, now, {}};
  if (!options.entity.empty()) range.entities.push_back(options.entity);
  ASSIGN_OR_RETURN(const std::vector<ReadPoint> points,
                   reader.Read(range, options.limit, ReadOrder::kNewestFirst));
  for (const ReadPoint& point : points) PrintPoint(point, shape);
  ASSIGN_OR_RETURN(const uint64_t count, reader.Count(range));
  fmt::print("{} of {} points of {}.{} in the last {} minutes\n", points.size(), count,
             options.group, options.measure, options.minutes);
  return {};
}

}  // namespace ficus::load
