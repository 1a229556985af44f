#include "bench/load/oracle.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

namespace ficus::load {
namespace {

constexpr size_t kExamplesMax = 10;

std::string NameOf(size_t measure, uint64_t entity, int64_t timestamp_ms) {
  return fmt::format("{} entity {} at {} ms", GeneratedPoints::Measures()[measure].name, entity,
                     timestamp_ms);
}

std::string Join(const std::vector<Cell>& cells) {
  std::string text;
  for (const Cell& cell : cells) text += (text.empty() ? "" : ", ") + ToString(cell);
  return text;
}

// The ticks whose points, with numbers offset, offset + round, offset + 2 round ..., lie in a
// range.
struct Ticks {
  uint64_t first = 0;
  uint64_t end = 0;
};

Ticks TicksIn(uint64_t first, uint64_t end, uint64_t offset, uint64_t round) {
  const auto at_or_after = [&](uint64_t number) {
    return number <= offset ? 0 : (number - offset + round - 1) / round;
  };
  return {at_or_after(first), at_or_after(end)};
}

}  // namespace

void Findings::Note(std::string example) {
  if (examples.size() < kExamplesMax) examples.push_back(std::move(example));
}

Oracle::Oracle(std::vector<JournalRun> runs) {
  int64_t begin = std::numeric_limits<int64_t>::max();
  int64_t end = std::numeric_limits<int64_t>::min();
  for (JournalRun& run : runs) {
    auto points = std::make_unique<GeneratedPoints>(run.layout);
    for (uint32_t stream = 0; stream < run.layout.streams; ++stream) {
      const RangeSet& issued = run.issued[stream];
      const uint64_t round = points->PointsPerRound(stream);
      if (issued.size() == 0 || round == 0) continue;
      begin = std::min(begin, points->Time(issued.ranges().begin()->first / round));
      end = std::max(end, points->Time((issued.end() - 1) / round));
    }
    runs_.push_back({std::move(run), std::move(points)});
  }
  if (begin > end) return;
  begin_ms_ = begin;
  end_ms_ = end;
}

uint64_t Oracle::EntityCount(size_t measure) const {
  uint64_t count = 0;
  for (const Run& run : runs_) count = std::max(count, run.points->EntityCount(measure));
  return count;
}

uint64_t Oracle::PointsPerSeriesMax() const {
  uint64_t points = 0;
  for (const Run& run : runs_) {
    uint64_t ticks = 0;
    for (uint32_t stream = 0; stream < run.journal.layout.streams; ++stream) {
      const uint64_t round = run.points->PointsPerRound(stream);
      if (round > 0) ticks = std::max(ticks, run.journal.issued[stream].end() / round + 1);
    }
    points += ticks;
  }
  return points;
}

bool Oracle::WasSent(size_t measure, uint64_t entity, int64_t timestamp_ms) const {
  for (const Run& run : runs_) {
    if (entity >= run.points->EntityCount(measure)) continue;
    const auto tick = run.points->TickAt(timestamp_ms);
    if (!tick) continue;
    const auto stream = static_cast<uint32_t>(entity % run.journal.layout.streams);
    const uint64_t number =
        run.points->Offset(measure, entity) + *tick * run.points->PointsPerRound(stream);
    if (run.journal.issued[stream].Contains(number)) return true;
  }
  return false;
}

std::vector<int64_t> Oracle::AckedTimes(size_t measure, uint64_t entity, int64_t begin_ms,
                                        int64_t end_ms) const {
  std::vector<int64_t> times;
  for (const Run& run : runs_) {
    if (entity >= run.points->EntityCount(measure)) continue;
    const auto stream = static_cast<uint32_t>(entity % run.journal.layout.streams);
    const uint64_t offset = run.points->Offset(measure, entity);
    const uint64_t round = run.points->PointsPerRound(stream);
    for (const auto& [first, end] : run.journal.acked[stream].ranges()) {
      const Ticks ticks = TicksIn(first, end, offset, round);
      for (uint64_t tick = ticks.first; tick < ticks.end; ++tick) {
        const int64_t time = run.points->Time(tick);
        if (time >= begin_ms && time <= end_ms) times.push_back(time);
      }
    }
  }
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  return times;
}

void Oracle::Check(size_t measure, uint64_t entity, int64_t begin_ms, int64_t end_ms,
                   std::vector<ReadPoint> points, Findings& findings) const {
  const std::vector<int64_t> wanted = AckedTimes(measure, entity, begin_ms, end_ms);
  const std::vector<std::string> tags = GeneratedPoints::Tags(entity);
  findings.acknowledged += wanted.size();
  std::sort(points.begin(), points.end(),
            [](const ReadPoint& a, const ReadPoint& b) { return a.timestamp_ms < b.timestamp_ms; });
  std::vector<Cell> cells;
  auto want = wanted.begin();
  const auto miss_until = [&](int64_t time) {
    for (; want != wanted.end() && *want < time; ++want) {
      ++findings.missing;
      findings.Note("missing: " + NameOf(measure, entity, *want));
    }
  };
  for (size_t i = 0; i < points.size(); ++i) {
    const ReadPoint& point = points[i];
    if (i > 0 && points[i - 1].timestamp_ms == point.timestamp_ms) {
      ++findings.wrong;
      findings.Note("twice: " + NameOf(measure, entity, point.timestamp_ms));
      continue;
    }
    miss_until(point.timestamp_ms);
    const bool acknowledged = want != wanted.end() && *want == point.timestamp_ms;
    if (acknowledged) ++want;
    if (!acknowledged && !WasSent(measure, entity, point.timestamp_ms)) {
      ++findings.never_sent;
      findings.Note("never sent: " + NameOf(measure, entity, point.timestamp_ms));
      continue;
    }
    if (!acknowledged) ++findings.unanswered;
    GeneratedPoints::Cells(measure, entity, point.timestamp_ms, cells);
    if (point.cells != cells || point.tags != tags) {
      ++findings.wrong;
      findings.Note(fmt::format("wrong: {} is {}, should be {}",
                                NameOf(measure, entity, point.timestamp_ms), Join(point.cells),
                                Join(cells)));
    }
  }
  miss_until(std::numeric_limits<int64_t>::max());
}

}  // namespace ficus::load
