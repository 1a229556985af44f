#include "bench/load/generated_points.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "engine/base/check.h"

namespace ficus::load {
namespace {

constexpr size_t kCallsPerMinute = 0;
constexpr size_t kResponseTime = 1;
constexpr size_t kMachineLoad = 2;
constexpr size_t kMeasureCount = 3;

// The finaliser of SplitMix64: neighbouring inputs give unrelated outputs.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// A wave of one day between 0 and 1000, by time only.
int64_t Daily(int64_t timestamp_ms) {
  constexpr int64_t kDay = 86'400'000;
  const int64_t in_day = timestamp_ms % kDay;
  return std::abs(in_day * 2 - kDay) * 1000 / kDay;
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string Base64(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i += 3) {
    uint32_t word = 0;
    const size_t taken = std::min<size_t>(3, text.size() - i);
    for (size_t k = 0; k < 3; ++k) {
      word = word << 8 | (k < taken ? static_cast<unsigned char>(text[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      out += k <= taken ? kBase64[word >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out;
}

MeasureShape Shape(std::string name, std::vector<FieldShape> fields) {
  return {std::move(name), "default", {"entity_id", "layer"}, 1, std::move(fields), "1m"};
}

}  // namespace

GeneratedPoints::GeneratedPoints(const GeneratedLayout& layout) : layout_(layout) {
  CHECK(layout.series > 0 && layout.streams > 0 && layout.step_ms > 0);
  const uint64_t entities = EntityCount(0);
  tags_.reserve(entities);
  for (uint64_t entity = 0; entity < entities; ++entity) tags_.push_back(EncodeTags(Tags(entity)));
}

const std::vector<MeasureShape>& GeneratedPoints::Measures() {
  static const std::vector<MeasureShape> shapes = {
      Shape("service_cpm", {{"value", FieldKind::kInt}, {"total", FieldKind::kInt}}),
      Shape(
          "service_resp_time",
          {{"value", FieldKind::kInt}, {"summation", FieldKind::kInt}, {"count", FieldKind::kInt}}),
      Shape("meter_vm_cpu_percentage", {{"value", FieldKind::kFloat}})};
  return shapes;
}

std::vector<std::string> GeneratedPoints::Tags(uint64_t entity) {
  static constexpr std::string_view kLayers[] = {"GENERAL", "MESH", "K8S_SERVICE", "OS_LINUX"};
  // SkyWalking's id of a service: its name in base 64, and whether it is a real one.
  return {Base64(fmt::format("agent::service-{:06}", entity)) + ".1",
          std::string(kLayers[entity % 4])};
}

void GeneratedPoints::Cells(size_t measure, uint64_t entity, int64_t timestamp_ms,
                            std::vector<Cell>& cells) {
  const uint64_t noise =
      Mix(Mix(entity * kMeasureCount + measure) ^ static_cast<uint64_t>(timestamp_ms));
  const auto level = static_cast<int64_t>(Mix(entity) % 2000) + 20;
  const int64_t calls =
      level + level * Daily(timestamp_ms) / 1000 + static_cast<int64_t>(noise % 16);
  const int64_t millis = 5 + level / 10 + static_cast<int64_t>(noise >> 32) % 24;
  cells.clear();
  switch (measure) {
    case kCallsPerMinute:
      cells.push_back(Cell::Int(calls));
      cells.push_back(Cell::Int(calls));
      return;
    case kResponseTime:
      cells.push_back(Cell::Int(millis));
      cells.push_back(Cell::Int(millis * calls));
      cells.push_back(Cell::Int(calls));
      return;
    case kMachineLoad:
      cells.push_back(Cell::Float(static_cast<double>((calls * 7 + millis) % 10'000) / 100));
      return;
  }
  CHECK(false) << measure;
}

uint64_t GeneratedPoints::EntityCount(size_t measure) const {
  return layout_.series / kMeasureCount + (measure < layout_.series % kMeasureCount ? 1 : 0);
}

uint64_t GeneratedPoints::EntitiesOfStream(size_t measure, uint32_t stream) const {
  const uint64_t all = EntityCount(measure);
  return stream < all ? (all - stream - 1) / layout_.streams + 1 : 0;
}

uint64_t GeneratedPoints::PointsPerRound(uint32_t stream) const {
  uint64_t points = 0;
  for (size_t measure = 0; measure < kMeasureCount; ++measure) {
    points += EntitiesOfStream(measure, stream);
  }
  return points;
}

uint64_t GeneratedPoints::Offset(size_t measure, uint64_t entity) const {
  const auto stream = static_cast<uint32_t>(entity % layout_.streams);
  uint64_t offset = entity / layout_.streams;
  for (size_t before = 0; before < measure; ++before) offset += EntitiesOfStream(before, stream);
  return offset;
}

std::optional<uint64_t> GeneratedPoints::TickAt(int64_t timestamp_ms) const {
  const int64_t since = timestamp_ms - layout_.start_ms;
  if (since < 0 || since % layout_.step_ms != 0) return std::nullopt;
  return static_cast<uint64_t>(since / layout_.step_ms);
}

void GeneratedPoints::Get(uint32_t stream, uint64_t sequence, Point& point) const {
  const uint64_t round = PointsPerRound(stream);
  CHECK(round > 0) << stream;
  uint64_t rest = sequence % round;
  size_t measure = 0;
  for (; rest >= EntitiesOfStream(measure, stream); ++measure) {
    rest -= EntitiesOfStream(measure, stream);
  }
  const uint64_t entity = rest * layout_.streams + stream;
  point.measure = measure;
  point.timestamp_ms = Time(sequence / round);
  point.tags = tags_[entity];
  Cells(measure, entity, point.timestamp_ms, point.cells);
}

}  // namespace ficus::load
