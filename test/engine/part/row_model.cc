#include "test/engine/part/row_model.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

#include <catch2/catch.hpp>

#include "engine/base/bytes.h"
#include "engine/model/tag_value.h"
#include "engine/part/block_codec.h"
#include "engine/part/block_header.h"

namespace ficus {
namespace {

struct ModelColumn {
  uint32_t id;
  ColumnType type;
};
constexpr ModelColumn kColumns[] = {{1, ColumnType::kInt64},       {2, ColumnType::kFloat64},
                                    {3, ColumnType::kString},      {4, ColumnType::kBinary},
                                    {9, ColumnType::kInt64},       {20, ColumnType::kStringArray},
                                    {21, ColumnType::kInt64Array}, {300, ColumnType::kTimestamp}};

bool OneIn(SeededRandom& random, uint64_t n) { return random.Below(n) == 0; }

std::string RandomText(SeededRandom& random) {
  if (OneIn(random, 4)) return "service-" + std::to_string(random.Next());
  return "name" + std::to_string(random.Below(5));
}

uint64_t RandomFloat(SeededRandom& random) {
  switch (random.Below(6)) {
    case 0:
      return 0x7ff8dead0000beef;  // NaN with a payload
    case 1:
      return 0x8000000000000000;  // -0.0
    case 2:
      return random.Next();
    default:
      return std::bit_cast<uint64_t>(static_cast<double>(random.Below(100000)) / 100.0);
  }
}

void AppendRandom(SeededRandom& random, ColumnValues& column) {
  switch (column.type()) {
    case ColumnType::kInt64:
      column.AppendWord(OneIn(random, 50) ? random.Next() : random.Below(1000));
      break;
    case ColumnType::kTimestamp:
      column.AppendWord(static_cast<uint64_t>(kModelEpoch) + random.Below(1000));
      break;
    case ColumnType::kFloat64:
      column.AppendWord(RandomFloat(random));
      break;
    case ColumnType::kString:
    case ColumnType::kBinary:
      column.AppendCell(OneIn(random, 20) ? "" : RandomText(random));
      break;
    case ColumnType::kStringArray: {
      std::vector<std::string> values(random.Below(4));
      for (std::string& value : values) value = RandomText(random);
      column.AppendCell(EncodeStringArray(values));
      break;
    }
    case ColumnType::kInt64Array: {
      std::vector<int64_t> values(random.Below(4));
      for (int64_t& value : values) value = static_cast<int64_t>(random.Next());
      column.AppendCell(EncodeInt64Array(values));
      break;
    }
  }
}

RowBatch MakeRandomBatch(SeededRandom& random, const RandomRows& shape, SubjectId subject) {
  RowBatch batch;
  batch.subject = subject;
  for (size_t row = 0; row < shape.rows; ++row) {
    if (shape.regular) {
      batch.series.push_back(RandomSeries(row % shape.series));
      const auto minute = static_cast<int64_t>(row / shape.series % shape.timestamps);
      batch.timestamps.push_back(kModelEpoch + minute * 60 * kNanosPerSecond);
    } else {
      const uint64_t index =
          shape.skewed ? std::min<uint64_t>(shape.series - 1,
                                            static_cast<uint64_t>(std::countr_zero(random.Next())))
                       : random.Below(shape.series);
      batch.series.push_back(RandomSeries(index));
      const auto step = static_cast<int64_t>(random.Below(shape.timestamps));
      batch.timestamps.push_back(kModelEpoch + step * (OneIn(random, 10) ? 777 : 1'000'000));
    }
    batch.versions.push_back(OneIn(random, 2) ? batch.timestamps.back()
                                              : static_cast<int64_t>(random.Below(5)));
    if (shape.tombstones && (OneIn(random, 30) || !batch.tombstones.empty())) {
      batch.tombstones.resize(row);
      batch.tombstones.push_back(OneIn(random, 5));
    }
  }
  for (const ModelColumn& known : kColumns) {
    if (OneIn(random, 3)) continue;
    ColumnValues column(ColumnId(known.id), known.type);
    const uint64_t nulls = random.Below(4);
    for (size_t row = 0; row < shape.rows; ++row) {
      if (nulls == 3 || (nulls > 0 && OneIn(random, nulls * 3))) {
        column.AppendNull();
      } else {
        AppendRandom(random, column);
      }
    }
    batch.columns.push_back(std::move(column));
  }
  return batch;
}

}  // namespace

ModelRow RowOf(const RowBatch& batch, size_t row, const std::vector<ColumnId>* columns) {
  ModelRow model;
  model.version = batch.versions[row];
  model.tombstone = batch.IsTombstone(row);
  for (const ColumnValues& column : batch.columns) {
    const bool wanted = columns == nullptr ||
                        std::find(columns->begin(), columns->end(), column.id()) != columns->end();
    if (!wanted || column.IsNull(row)) continue;
    std::string& value = model.values[column.id().value()];
    if (IsFixed(column.type())) {
      PutLittle(value, column.word(row));
    } else {
      value = column.cell(row);
    }
  }
  return model;
}

void RowModel::Add(const RowBatch& batch) {
  for (size_t row = 0; row < batch.rows(); ++row) {
    const ModelKey key = {batch.subject.value(), batch.series[row].value(), batch.timestamps[row]};
    ModelRow model = RowOf(batch, row, nullptr);
    const auto [place, is_new] = rows_.try_emplace(key, model);
    if (!is_new && model.version > place->second.version) place->second = std::move(model);
  }
}

ModelRows RowModel::Select(const ScanRequest& request) const {
  ModelRows selected;
  for (const auto& [key, row] : rows_) {
    const auto& [subject, series, time] = key;
    if (subject != request.subject.value() || !request.times.Contains(time)) continue;
    if (!request.all_series && std::find(request.series.begin(), request.series.end(),
                                         SeriesId(series)) == request.series.end()) {
      continue;
    }
    ModelRow& copy = selected[key] = row;
    std::erase_if(copy.values, [&](const auto& value) {
      return std::find(request.columns.begin(), request.columns.end(), ColumnId(value.first)) ==
             request.columns.end();
    });
  }
  return selected;
}

void RowModel::DropSubject(SubjectId subject) {
  std::erase_if(rows_, [&](const auto& row) { return std::get<0>(row.first) == subject.value(); });
}

void RowModel::DropBefore(UnixNanos time) {
  std::erase_if(rows_, [&](const auto& row) { return std::get<2>(row.first) < time; });
}

void RowModel::DropTombstones() {
  std::erase_if(rows_, [&](const auto& row) { return row.second.tombstone; });
}

namespace {

// The rows of an unread run, which are what its header and its columns one by one say.
void ReadUnread(UnreadRun& unread, const ScanRequest& request, RowBatch& run) {
  const BlockHeader header = unread.header();
  REQUIRE(request.unread != ScanRequest::Unread::kNone);
  std::vector<ColumnValues> columns;
  for (const BlockColumn& column : header.columns) {
    if (!std::binary_search(request.columns.begin(), request.columns.end(), column.id)) continue;
    auto values = unread.ReadColumn(column);
    REQUIRE(values.has_value());
    REQUIRE(HasTheseBounds(column, *values));
    columns.push_back(*std::move(values));
  }
  REQUIRE(unread.ReadRows(run).has_value());
  REQUIRE(run.rows() == header.rows);
  const bool of_one_series =
      run.series.front() == header.first_series && run.series.back() == header.first_series;
  REQUIRE(of_one_series);
  REQUIRE(run.Times() == header.times);
  REQUIRE(run.tombstones.empty());
  const bool same_columns = run.columns == columns;
  REQUIRE(same_columns);
}

}  // namespace

size_t AllCellBytes(const RowBatch& batch) {
  size_t bytes = 0;
  for (const ColumnValues& column : batch.columns) {
    if (!IsFixed(column.type())) bytes += column.bytes().size();
  }
  return bytes;
}

ModelRows Drain(RowCursor& cursor, const ScanRequest& request) {
  ModelRows rows;
  RowBatch run;
  for (;;) {
    UnreadRun* unread = nullptr;
    auto found = cursor.NextRun(run, unread);
    INFO((found.has_value() ? "" : found.error().ToString()));
    REQUIRE(found.has_value());
    if (!found.value()) return rows;
    if (unread != nullptr) ReadUnread(*unread, request, run);
    REQUIRE(run.rows() > 0);
    REQUIRE(run.rows() <= kBlockRowsMax);
    REQUIRE(run.subject == request.subject);
    for (const ColumnValues& column : run.columns) {
      REQUIRE(column.rows() == run.rows());
      REQUIRE(std::find(request.columns.begin(), request.columns.end(), column.id()) !=
              request.columns.end());
    }
    for (size_t row = 0; row < run.rows(); ++row) {
      const ModelKey key = {run.subject.value(), run.series[row].value(), run.timestamps[row]};
      const bool ascends = rows.empty() || rows.rbegin()->first < key;
      REQUIRE(ascends);
      rows.emplace_hint(rows.end(), key, RowOf(run, row, nullptr));
    }
  }
}

SubjectId RandomSubject(uint64_t index) { return SubjectId(SeededRandom(index * 2 + 1).Next()); }
SeriesId RandomSeries(uint64_t index) { return SeriesId(SeededRandom(index * 2).Next()); }

std::vector<ColumnId> AllModelColumns() {
  std::vector<ColumnId> ids;
  for (const ModelColumn& column : kColumns) ids.emplace_back(column.id);
  return ids;
}

std::vector<RowBatch> MakeRandomBatches(SeededRandom& random, const RandomRows& shape) {
  std::vector<RowBatch> batches;
  for (uint64_t subject = 0; subject < shape.subjects; ++subject) {
    if (shape.subjects > 1 && OneIn(random, 3)) continue;
    batches.push_back(MakeRandomBatch(random, shape, RandomSubject(subject)));
  }
  return batches;
}

ScanRequest MakeRandomRequest(SeededRandom& random, const RandomRows& shape) {
  ScanRequest request;
  request.subject = RandomSubject(random.Below(shape.subjects));
  request.all_series = OneIn(random, 3);
  const uint64_t wanted = OneIn(random, 2) ? 2 : shape.series;
  for (uint64_t i = 0; i < wanted; ++i) {
    request.series.push_back(RandomSeries(random.Below(shape.series + 2)));
  }
  std::sort(request.series.begin(), request.series.end());
  request.series.erase(std::unique(request.series.begin(), request.series.end()),
                       request.series.end());
  if (OneIn(random, 2)) {
    const auto span =
        static_cast<int64_t>(shape.timestamps) * (shape.regular ? 60 * kNanosPerSecond : 1'000'000);
    const auto at = [&] {
      return kModelEpoch + static_cast<int64_t>(random.Below(static_cast<uint64_t>(span)));
    };
    request.times = {at(), at()};
    if (request.times.end < request.times.begin) {
      std::swap(request.times.begin, request.times.end);
    }
  }
  for (const ColumnId id : AllModelColumns()) {
    if (!OneIn(random, 3)) request.columns.push_back(id);
  }
  request.unread = static_cast<ScanRequest::Unread>(random.Below(3));
  return request;
}

std::vector<SeriesEntry> ModelEntries(const RandomRows& shape) {
  std::vector<SeriesEntry> entries;
  for (uint64_t subject = 0; subject < shape.subjects; ++subject) {
    for (uint64_t series = 0; series < shape.series; ++series) {
      entries.push_back({RandomSubject(subject), RandomSeries(series),
                         "subject" + std::to_string(subject) + "|series" + std::to_string(series)});
    }
  }
  std::sort(entries.begin(), entries.end(), [](const SeriesEntry& a, const SeriesEntry& b) {
    return std::tie(a.subject, a.series) < std::tie(b.subject, b.series);
  });
  return entries;
}

RowBatch PlainBatch(uint64_t subject, const std::vector<PlainRow>& rows) {
  RowBatch batch;
  batch.subject = SubjectId(subject);
  ColumnValues values(kPlainColumn, ColumnType::kInt64);
  for (const PlainRow& row : rows) {
    batch.series.emplace_back(row.series);
    batch.timestamps.push_back(row.timestamp);
    batch.versions.push_back(row.version);
    values.AppendWord(static_cast<uint64_t>(row.value));
  }
  batch.columns.push_back(std::move(values));
  return batch;
}

RowBatch CellBatch(uint64_t subject, const std::vector<PlainRow>& rows, size_t cell_bytes) {
  RowBatch batch = PlainBatch(subject, rows);
  ColumnValues cells(kPlainColumn, ColumnType::kString);
  for (const PlainRow& row : rows) {
    cells.AppendCell(std::string(cell_bytes, static_cast<char>('a' + row.value % 26)));
  }
  batch.columns = {std::move(cells)};
  return batch;
}

ScanRequest PlainScan(uint64_t subject) {
  ScanRequest request;
  request.subject = SubjectId(subject);
  request.all_series = true;
  request.columns = {kPlainColumn};
  return request;
}

}  // namespace ficus
