// Where points come from. Any point of any stream can be asked for at any time, so that a client
// whose connection broke can send again what was not acknowledged.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/load/measure_shape.h"
#include "bench/load/point.h"

namespace ficus::load {

// All members: any thread. What they return never changes.
class PointSource {
 public:
  virtual ~PointSource() = default;

  virtual const std::vector<MeasureShape>& measures() const = 0;

  // How many series there are at most before the source repeats itself with new names.
  virtual uint64_t series() const = 0;

  // The share of all points that `stream` has, in points per round; 0 when it has none. A round
  // is a tick of all series, or one pass over recorded data.
  virtual uint64_t PointsPerRound(uint32_t stream) const = 0;

  // Point number `sequence` of `stream`; a stream with points never ends. Numbers follow time.
  virtual void Get(uint32_t stream, uint64_t sequence, Point& point) const = 0;
};

}  // namespace ficus::load
