#include "bench/load/recorded_points.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <limits>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "bench/load/csv_table.h"
#include "engine/base/check.h"

namespace ficus::load {
namespace {

constexpr size_t kTableBytesMax = size_t{256} << 20;

constexpr size_t kPod = 0;
constexpr size_t kService = 1;
constexpr size_t kEdge = 2;

// "CpuUsageRate(%)" -> "cpu_usage_rate": names without signs that a query language would stumble
// on.
std::string FieldName(std::string_view column) {
  std::string name;
  for (const char c : column.substr(0, column.find('('))) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !name.empty()) name += '_';
    name += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// The tables of a folder, put together.
class Recording {
 public:
  Recording() : measures_(3) {
    measures_[kPod] = {"pod_metrics", "default", {"pod"}, 1, {}, "1m"};
    measures_[kService] = {"front_service", "default", {"service"}, 1, {}, "1m"};
    measures_[kEdge] = {"edge_latency",
                        "default",
                        {"edge", "seen_from"},
                        2,
                        {{"latency_p50", FieldKind::kFloat}},
                        "1m"};
  }

  // `name` is the file's, without its folder.
  Result<> Add(std::string_view name, const CsvTable& table) {
    if (table.header.size() < 3) return {};
    if (table.header[2] == "PodName") return AddGauges(kPod, table);
    if (table.header[2] == "ServiceName") return AddGauges(kService, table);
    if (table.header[0] == "time" && table.header[1] == "timestamp") {
      const bool source = name.find("source") != std::string_view::npos;
      return AddEdges(source ? "source" : "destination", table);
    }
    return {};
  }

  std::vector<RecordedRow>& rows() { return rows_; }
  std::vector<MeasureShape>& measures() { return measures_; }

 private:
  Result<> AddGauges(size_t measure, const CsvTable& table) {
    std::vector<FieldShape> fields;
    for (size_t i = 3; i < table.header.size(); ++i) {
      fields.push_back({FieldName(table.header[i]), FieldKind::kFloat});
    }
    std::vector<FieldShape>& known = measures_[measure].fields;
    if (known.empty()) known = fields;
    if (known != fields) return Error{ErrorCode::kCorruption, "its columns differ from another's"};
    for (size_t i = 0; i < table.rows.size(); ++i) {
      ASSIGN_OR_RETURN(const int64_t time, TimeOf(table, i));
      RecordedRow row{time, measure, {table.rows[i][2]}, {}};
      for (size_t k = 3; k < table.rows[i].size(); ++k) {
        ASSIGN_OR_RETURN(const Cell cell, CellOf(table, i, k));
        row.cells.push_back(cell);
      }
      rows_.push_back(std::move(row));
    }
    return {};
  }

  Result<> AddEdges(const std::string& side, const CsvTable& table) {
    for (size_t i = 0; i < table.rows.size(); ++i) {
      ASSIGN_OR_RETURN(const int64_t time, TimeOf(table, i));
      for (size_t k = 2; k < table.rows[i].size(); ++k) {
        ASSIGN_OR_RETURN(const Cell cell, CellOf(table, i, k));
        rows_.push_back({time, kEdge, {table.header[k], side}, {cell}});
      }
    }
    return {};
  }

  static Result<int64_t> TimeOf(const CsvTable& table, size_t row) {
    if (const auto time = ParseTime(table.rows[row][0])) return *time;
    return Error{ErrorCode::kCorruption,
                 fmt::format("row {}: no time: {}", row + 1, table.rows[row][0])};
  }

  static Result<Cell> CellOf(const CsvTable& table, size_t row, size_t column) {
    const std::string& text = table.rows[row][column];
    if (text.empty()) return Cell::Null();
    if (const auto number = ParseNumber(text)) return Cell::Float(*number);
    return Error{ErrorCode::kCorruption, fmt::format("row {}: no number: {}", row + 1, text)};
  }

  std::vector<MeasureShape> measures_;
  std::vector<RecordedRow> rows_;
};

Result<std::vector<std::string>> TablesOf(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    if (EndsWith(at->path().string(), ".csv.gz")) paths.push_back(at->path().string());
  }
  if (failed) return Error{ErrorCode::kIo, fmt::format("list {}: {}", folder, failed.message())};
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<> AddTable(const std::string& path, Recording& recording) {
  ASSIGN_OR_RETURN(const std::string text, ReadGzip(path, kTableBytesMax));
  ASSIGN_OR_RETURN(const CsvTable table, ParseCsv(text));
  return recording.Add(std::filesystem::path(path).filename().string(), table);
}

}  // namespace

Result<std::unique_ptr<RecordedPoints>> RecordedPoints::Load(const std::string& folder,
                                                             const RecordedOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<std::string> paths, TablesOf(folder));
  Recording recording;
  for (const std::string& path : paths) {
    Result<> added = AddTable(path, recording);
    if (!added) return std::move(added).error().With("read table " + path);
  }
  if (recording.rows().empty()) {
    return Error{ErrorCode::kNotFound, "no recorded metrics in " + folder};
  }
  return std::unique_ptr<RecordedPoints>(
      new RecordedPoints(options, std::move(recording.measures()), std::move(recording.rows())));
}

RecordedPoints::RecordedPoints(const RecordedOptions& options, std::vector<MeasureShape> measures,
                               std::vector<RecordedRow> rows)
    : options_(options), measures_(std::move(measures)), streams_(options.streams) {
  CHECK(options.streams > 0 && options.copies > 0);
  int64_t last = std::numeric_limits<int64_t>::min();
  for (const RecordedRow& row : rows) last = std::max(last, row.timestamp_ms);
  // Rows of one moment stay together by measure, in the order of their tables.
  std::stable_sort(rows.begin(), rows.end(), [](const RecordedRow& a, const RecordedRow& b) {
    return std::pair(a.timestamp_ms, a.measure) < std::pair(b.timestamp_ms, b.measure);
  });
  std::set<std::pair<size_t, std::vector<std::string>>> series;
  for (RecordedRow& row : rows) {
    row.timestamp_ms += options.end_ms - last;
    series.emplace(row.measure, row.tags);
    // All rows of a series go by one stream, or the later of two equal times might come first.
    const size_t stream = std::hash<std::string>{}(row.tags[0]) % options.streams;
    streams_[stream].push_back(std::move(row));
  }
  series_ = series.size() * options.copies;
}

uint64_t RecordedPoints::PointsPerRound(uint32_t stream) const {
  return streams_[stream].size() * options_.copies;
}

void RecordedPoints::Get(uint32_t stream, uint64_t sequence, Point& point) const {
  const uint64_t round = PointsPerRound(stream);
  CHECK(round > 0) << stream;
  const RecordedRow& row = streams_[stream][sequence % round / options_.copies];
  const uint64_t copy = sequence / round * options_.copies + sequence % options_.copies;
  point.measure = row.measure;
  point.timestamp_ms = row.timestamp_ms;
  std::string name = fmt::format("{}-{}", row.tags[0], copy);
  std::string_view tags[2] = {name, row.tags.size() > 1 ? row.tags[1] : std::string_view()};
  EncodeTagsInto(tags, row.tags.size(), point.tags);
  point.cells = row.cells;
}

}  // namespace ficus::load
