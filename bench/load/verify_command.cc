#include "bench/load/verify_command.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bench/load/channel.h"
#include "bench/load/journal.h"
#include "bench/load/measure_reader.h"
#include "bench/load/oracle.h"
#include "engine/base/clock.h"

namespace ficus::load {
namespace {

constexpr uint64_t kPointsPerQuery = 5'000;
constexpr uint64_t kEntitiesPerQuery = 1'000;
// Looked at on both sides of what was sent, for points that nobody sent.
constexpr int64_t kMarginMillis = 3'600'000;

// One measure of one group, read in pieces that fit in a message.
class MeasureCheck {
 public:
  MeasureCheck(const std::shared_ptr<grpc::Channel>& channel, const std::string& group,
               size_t measure, const Oracle& oracle, Findings& findings)
      : reader_(channel, group, GeneratedPoints::Measures()[measure]),
        measure_(measure),
        oracle_(oracle),
        findings_(findings) {}

  Result<> Run() {
    const uint64_t entities = oracle_.EntityCount(measure_);
    const uint64_t per_series = std::max<uint64_t>(oracle_.PointsPerSeriesMax(), 1);
    const uint64_t batch = std::clamp(kPointsPerQuery / per_series, uint64_t{1}, kEntitiesPerQuery);
    for (uint64_t first = 0; first < entities; first += batch) {
      RETURN_IF_ERROR(CheckEntities(first, std::min(first + batch, entities)));
    }
    ASSIGN_OR_RETURN(const uint64_t counted, reader_.Count(Everything()));
    if (counted != read_) {
      // Series that were never sent are found only here.
      findings_.never_sent += counted > read_ ? counted - read_ : 0;
      findings_.missing += counted < read_ ? read_ - counted : 0;
      findings_.Note(fmt::format("{}: the node counts {} points and returns {}",
                                 reader_.shape().name, counted, read_));
    }
    return {};
  }

  uint64_t read() const { return read_; }

 private:
  ReadRange Everything() const {
    return {oracle_.begin_ms() - kMarginMillis, oracle_.end_ms() + kMarginMillis, {}};
  }

  Result<> CheckEntities(uint64_t first, uint64_t end) {
    ReadRange range = Everything();
    std::unordered_map<std::string, uint64_t> known;
    for (uint64_t entity = first; entity < end; ++entity) {
      range.entities.push_back(GeneratedPoints::Tags(entity)[0]);
      known[range.entities.back()] = entity;
    }
    std::map<uint64_t, int64_t> sums;
    // A series of very many points is read piece by piece.
    const uint64_t pieces = oracle_.PointsPerSeriesMax() / kPointsPerQuery + 1;
    const int64_t whole_end = range.end_ms;
    const int64_t piece = (range.end_ms - range.begin_ms) / static_cast<int64_t>(pieces) + 1;
    for (; range.begin_ms <= whole_end; range.begin_ms += piece) {
      range.end_ms = std::min(range.begin_ms + piece - 1, whole_end);
      RETURN_IF_ERROR(CheckPiece(range, known, sums));
    }
    if (reader_.shape().fields[0].kind != FieldKind::kInt) return {};
    range.begin_ms = Everything().begin_ms;
    range.end_ms = whole_end;
    return CheckSums(range, known, sums);
  }

  Result<> CheckPiece(const ReadRange& range,
                      const std::unordered_map<std::string, uint64_t>& known,
                      std::map<uint64_t, int64_t>& sums) {
    const uint32_t limit = 4'000'000;
    ASSIGN_OR_RETURN(std::vector<ReadPoint> points,
                     reader_.Read(range, limit, ReadOrder::kOldestFirst));
    read_ += points.size();
    std::map<uint64_t, std::vector<ReadPoint>> by_entity;
    for (const auto& [name, entity] : known) by_entity[entity];
    for (ReadPoint& point : points) {
      const auto found = known.find(point.tags[0]);
      if (found == known.end()) {
        ++findings_.never_sent;
        findings_.Note("not asked for: entity " + point.tags[0]);
        continue;
      }
      if (point.cells[0].kind == Cell::Kind::kInt) sums[found->second] += point.cells[0].integer;
      by_entity[found->second].push_back(std::move(point));
    }
    for (auto& [entity, of_entity] : by_entity) {
      oracle_.Check(measure_, entity, range.begin_ms, range.end_ms, std::move(of_entity),
                    findings_);
    }
    return {};
  }

  // The node's own sums must be those of the points it returned.
  Result<> CheckSums(const ReadRange& range, const std::unordered_map<std::string, uint64_t>& known,
                     const std::map<uint64_t, int64_t>& expected) {
    ASSIGN_OR_RETURN(const auto sums, reader_.Sums(range));
    if (sums.size() != expected.size()) {
      ++findings_.wrong;
      findings_.Note(fmt::format("{}: sums of {} series instead of {}", reader_.shape().name,
                                 sums.size(), expected.size()));
    }
    for (const auto& [name, sum] : sums) {
      const auto found = known.find(name);
      const auto want = found == known.end() ? expected.end() : expected.find(found->second);
      if (want != expected.end() && want->second == sum) continue;
      ++findings_.wrong;
      findings_.Note(fmt::format("{}: wrong sum of {}", reader_.shape().name, name));
    }
    return {};
  }

  const MeasureReader reader_;
  const size_t measure_;
  const Oracle& oracle_;
  Findings& findings_;
  uint64_t read_ = 0;
};

Result<> VerifyGroup(const std::shared_ptr<grpc::Channel>& channel, const std::string& group,
                     std::vector<JournalRun> runs) {
  const int64_t began = SystemClock().Monotonic();
  const size_t run_count = runs.size();
  const Oracle oracle(std::move(runs));
  Findings findings;
  uint64_t read = 0;
  for (size_t measure = 0; measure < GeneratedPoints::Measures().size(); ++measure) {
    MeasureCheck check(channel, group, measure, oracle, findings);
    RETURN_IF_ERROR(check.Run());
    read += check.read();
  }
  const double seconds = static_cast<double>(SystemClock().Monotonic() - began) * 1e-9;
  fmt::print(
      "verify {}: {} points read in {:.1f} s; {} acknowledged by {} runs: {} missing, {} wrong; "
      "{} sent and never answered are there; {} never sent\n",
      group, read, seconds, findings.acknowledged, run_count, findings.missing, findings.wrong,
      findings.unanswered, findings.never_sent);
  for (const std::string& example : findings.examples) fmt::print("  {}\n", example);
  if (findings.offences() == 0) return {};
  return Error{ErrorCode::kCorruption, fmt::format("group {} is not what was written", group)};
}

}  // namespace

Result<> VerifyJournal(const std::string& address, const std::string& journal) {
  ASSIGN_OR_RETURN(std::vector<JournalRun> runs, ReadJournal(journal));
  std::map<std::string, std::vector<JournalRun>> groups;
  for (JournalRun& run : runs) {
    const std::string group = run.group;
    groups[group].push_back(std::move(run));
  }
  if (groups.empty()) return Error{ErrorCode::kNotFound, "the journal has no run"};
  const auto channel = Connect(address);
  for (auto& [group, of_group] : groups) {
    RETURN_IF_ERROR(VerifyGroup(channel, group, std::move(of_group)));
  }
  return {};
}

}  // namespace ficus::load
