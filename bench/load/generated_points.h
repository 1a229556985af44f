// Points shaped like SkyWalking's metrics, each a closed form of its series and time.
//
// Three measures: calls per minute (integers), response times (integers), a percentage of a virtual
// machine (floats). A series is an entity of one measure: series n is entity n / 3 of measure n
// % 3. At each tick every series gets one point; stream k of K writes the entities e with e % K ==
// k. Nobody needs to keep what was written to know what must be read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/point_source.h"

namespace ficus::load {

struct GeneratedLayout {
  uint64_t series = 1000;  // at least 1
  uint32_t streams = 1;    // at least 1
  int64_t start_ms = 0;    // time of tick 0
  int64_t step_ms = 1000;  // between ticks, at least 1
  friend bool operator==(const GeneratedLayout&, const GeneratedLayout&) = default;
};

class GeneratedPoints final : public PointSource {
 public:
  explicit GeneratedPoints(const GeneratedLayout& layout);

  static const std::vector<MeasureShape>& Measures();

  // The tags of an entity, in the order of the measures' tags.
  static std::vector<std::string> Tags(uint64_t entity);
  // The fields of the point of this series at this time.
  static void Cells(size_t measure, uint64_t entity, int64_t timestamp_ms,
                    std::vector<Cell>& cells);

  const std::vector<MeasureShape>& measures() const override { return Measures(); }
  uint64_t series() const override { return layout_.series; }
  uint64_t PointsPerRound(uint32_t stream) const override;
  void Get(uint32_t stream, uint64_t sequence, Point& point) const override;

  const GeneratedLayout& layout() const { return layout_; }
  uint64_t EntityCount(size_t measure) const;
  // The number of the point of `entity` at tick 0 on its stream, which is entity % streams; the
  // point at tick t has t * PointsPerRound(stream) more.
  uint64_t Offset(size_t measure, uint64_t entity) const;
  int64_t Time(uint64_t tick) const {
    return layout_.start_ms + static_cast<int64_t>(tick) * layout_.step_ms;
  }
  // The tick at exactly this time, if there is one.
  std::optional<uint64_t> TickAt(int64_t timestamp_ms) const;

 private:
  uint64_t EntitiesOfStream(size_t measure, uint32_t stream) const;

  const GeneratedLayout layout_;
  std::vector<std::string> tags_;  // by entity, encoded
};

}  // namespace ficus::load
