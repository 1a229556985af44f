#include "engine/part/part_writer.h"

#include <limits>

#include <catch2/catch.hpp>

#include "engine/io/faulty_file_system.h"
#include "test/engine/part/part_disk.h"
#include "test/engine/part/row_model.h"

namespace ficus {
namespace {

// `rows` rows for each of the series, in order.
RowBatch Series(const std::vector<size_t>& rows) {
  std::vector<PlainRow> plain;
  for (size_t series = 0; series < rows.size(); ++series) {
    for (size_t i = 0; i < rows[series]; ++i) {
      plain.push_back({series + 1, static_cast<int64_t>(i) * 1000, 1, static_cast<int64_t>(i % 7)});
    }
  }
  return PlainBatch(1, plain);
}

// Rows of one series with a value in each column.
struct ColumnRange {
  uint32_t first;
  uint32_t count;
};
RowBatch WideBatch(size_t rows, ColumnRange columns) {
  RowBatch batch = Series({rows});
  batch.columns.clear();
  for (uint32_t i = 0; i < columns.count; ++i) {
    ColumnValues values(ColumnId(columns.first + i), ColumnType::kInt64);
    for (size_t row = 0; row < rows; ++row) {
      values.AppendWord(row % 2 == 0 ? i : ~uint64_t{0} >> 1);
    }
    batch.columns.push_back(std::move(values));
  }
  return batch;
}

// (series, rows) of each block.
using Blocks = std::vector<std::pair<uint32_t, uint32_t>>;
Blocks BlocksOf(const Part& part) {
  REQUIRE(part.Verify(FileClass::kTool).has_value());
  Blocks blocks;
  for (const BlockHeader& header : HeadersOf(part)) blocks.emplace_back(header.series, header.rows);
  return blocks;
}

}  // namespace

TEST_CASE("short series share a block, long ones have their own", "[part]") {
  PartDisk disk;
  REQUIRE(BlocksOf(*disk.Write(Series({1, 1, 1}))) == Blocks{{3, 3}});
  REQUIRE(BlocksOf(*disk.Write(Series({40, 40, 100, 1, 200}))) ==
          Blocks{{2, 80}, {1, 100}, {2, 201}});
  // Too few rows to be a block of their own join the long series behind them.
  REQUIRE(BlocksOf(*disk.Write(Series({3, 100, 100}))) == Blocks{{2, 103}, {1, 100}});
  REQUIRE(BlocksOf(*disk.Write(Series({8192, 8200}))) == Blocks{{1, 8192}, {1, 8192}, {1, 8}});
}

TEST_CASE("a shared block ends once it is full enough", "[part]") {
  PartDisk disk;
  const auto part = disk.Write(Series(std::vector<size_t>(100, 50)));
  const Blocks blocks = BlocksOf(*part);
  REQUIRE(blocks.front() == std::pair<uint32_t, uint32_t>{21, 1050});
  REQUIRE(blocks.size() == 5);
}

TEST_CASE("without shared blocks every block ends with its series", "[part]") {
  PartDisk disk;
  PartOptions options = disk.Options();
  options.shared_blocks = false;
  const auto part = disk.Write({Series({1, 2, 100, 9000})}, {}, options);
  REQUIRE(BlocksOf(*part) == Blocks{{1, 1}, {1, 2}, {1, 100}, {1, 8192}, {1, 808}});
}

TEST_CASE("rows may come in any pieces", "[part]") {
  PartDisk disk;
  const RowBatch rows = Series({1, 30, 1, 500, 20, 9000, 1});
  const auto whole = disk.Write(rows);
  PartOptions options = disk.Options();
  options.number = whole->info().number;
  auto writer = PartWriter::Create(*disk.fs, disk.random, kShard, options);
  REQUIRE(writer.has_value());
  for (size_t begin = 0; begin < rows.rows(); begin += 37) {
    REQUIRE((*writer)->Add(rows, {begin, std::min(begin + 37, rows.rows())}).has_value());
  }
  const auto info = (*writer)->Finish();
  REQUIRE(info.has_value());
  REQUIRE(*info == whole->info());
}

TEST_CASE("large cells end a block early, and one huge row has its own", "[part]") {
  PartDisk disk;
  RowBatch batch = Series({4});
  ColumnValues text(ColumnId(9), ColumnType::kBinary);
  text.AppendCell(std::string(1 << 20, 'a'));
  text.AppendCell(std::string(900 << 10, 'b'));
  text.AppendCell(std::string(5 << 20, 'c'));
  text.AppendCell("d");
  batch.columns.push_back(text);
  const auto part = disk.Write(batch);
  REQUIRE(BlocksOf(*part) == Blocks{{1, 2}, {1, 1}, {1, 1}});

  ColumnValues huge(ColumnId(9), ColumnType::kBinary);
  huge.AppendCell(std::string(kRowBytesMax + 1, 'x'));
  RowBatch one = Series({1});
  one.columns.push_back(huge);
  auto writer = PartWriter::Create(*disk.fs, disk.random, kShard, disk.Options());
  REQUIRE(writer.has_value());
  REQUIRE((*writer)->Add(one).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("columns come and go; one without a value is not written", "[part]") {
  PartDisk disk;
  RowBatch first = PlainBatch(1, {{1, 10, 1, 1}});
  RowBatch second = PlainBatch(1, {{2, 10, 1, 1}});
  ColumnValues nulls(ColumnId(3), ColumnType::kString);
  nulls.AppendNull();
  ColumnValues text(ColumnId(5), ColumnType::kString);
  text.AppendCell("x");
  first.columns = {nulls};
  second.columns = {text};
  const auto part = disk.Write({first, second}, {}, disk.Options());
  const auto headers = HeadersOf(*part);
  REQUIRE(headers.size() == 1);
  REQUIRE(headers[0].columns.size() == 1);
  REQUIRE(headers[0].columns[0].id == ColumnId(5));
  const auto rows = part->ReadBlock(headers[0], FileClass::kTool);
  REQUIRE(rows.has_value());
  REQUIRE(rows->columns[0].IsNull(0));
  REQUIRE(rows->columns[0].cell(1) == "x");
}

TEST_CASE("rows of as many columns as a subject may have are written and read", "[part][columns]") {
  PartDisk disk;
  const RowBatch rows = WideBatch(2, {1, 65'536});
  const auto part = disk.Write(rows);
  REQUIRE(part->Verify(FileClass::kTool).has_value());
  const auto headers = HeadersOf(*part);
  REQUIRE(headers.size() == 1);
  REQUIRE(part->ReadBlock(headers[0], FileClass::kTool).value() == rows);
}

TEST_CASE("many columns with bounds end no flush", "[part][columns]") {
  PartDisk disk;
  const auto part = disk.Write(WideBatch(140, {1, 28'000}));
  REQUIRE(part->Verify(FileClass::kTool).has_value());
  REQUIRE(HeadersOf(*part)[0].columns[7].has_bounds);
}

TEST_CASE("a block ends before it would have more columns than it may", "[part][columns]") {
  constexpr uint32_t kMany = kBlockColumnsMax / 2 + 1;
  const RowBatch older = WideBatch(2, {1, kMany});
  RowBatch newer = WideBatch(1, {kMany + 1, kMany});
  newer.timestamps = {2'000};
  PartDisk disk;
  const auto part = disk.Write({older, newer}, {}, disk.Options());
  REQUIRE(part->Verify(FileClass::kTool).has_value());
  const auto headers = HeadersOf(*part);
  REQUIRE(headers.size() == 2);
  REQUIRE(part->ReadBlock(headers[0], FileClass::kTool).value() == older);
  REQUIRE(part->ReadBlock(headers[1], FileClass::kTool).value() == newer);

  // The same rows in one batch, in which each lacks what it never had.
  RowBatch both = older;
  REQUIRE(AppendRows(both, newer, {0, 1}).has_value());
  REQUIRE(both.columns.size() > kBlockColumnsMax);
  const auto same = disk.Write(both);
  REQUIRE(same->Verify(FileClass::kTool).has_value());
  REQUIRE(same->ReadBlock(HeadersOf(*same)[0], FileClass::kTool).value() == older);
  REQUIRE(same->ReadBlock(HeadersOf(*same)[1], FileClass::kTool).value() == newer);
}

TEST_CASE("the more columns, the fewer rows in a block", "[part][columns]") {
  PartDisk disk;
  const auto part = disk.Write(WideBatch(1000, {1, 6000}));
  REQUIRE(BlocksOf(*part) == Blocks{{1, 699}, {1, 301}});
  REQUIRE(BlocksOf(*disk.Write(WideBatch(8192, {1, 20}))) == Blocks{{1, 8192}});
}

TEST_CASE("entries go into the file as they come", "[part]") {
  PartDisk disk;
  auto writer = PartWriter::Create(*disk.fs, disk.random, kShard, disk.Options());
  REQUIRE(writer.has_value());
  REQUIRE((*writer)->Add(PlainBatch(1, {{1, 10, 1, 1}})).has_value());
  uint64_t bytes = 0;
  for (uint64_t series = 0; series < 10'000; ++series) {
    const SeriesEntry entry = {SubjectId(1), SeriesId(series), std::to_string(series * series)};
    REQUIRE((*writer)->AddSeriesEntry(entry).has_value());
    if (series % 2'000 != 0) continue;
    REQUIRE((*writer)->bytes() > bytes);
    bytes = (*writer)->bytes();
  }
  const auto info = (*writer)->Finish();
  REQUIRE(info.has_value());
  REQUIRE(disk.Open(*info)->ReadSeriesEntries(FileClass::kTool)->size() == 10'000);
}

TEST_CASE("the extremes of time and version come back", "[part]") {
  PartDisk disk;
  constexpr auto kMin = std::numeric_limits<int64_t>::min();
  constexpr auto kMax = std::numeric_limits<int64_t>::max();
  const RowBatch rows = PlainBatch(
      1, {{0, kMin, kMax, kMin}, {0, 0, kMin, kMax}, {0, kMax - 1, kMax, 0}, {~0ULL, -1, -1, -1}});
  const auto part = disk.Write(rows);
  REQUIRE(part->info().times == TimeRange{kMin, kMax});
  REQUIRE(part->ReadBlock(HeadersOf(*part)[0], FileClass::kTool).value() == rows);
  REQUIRE(part->Verify(FileClass::kTool).has_value());

  auto writer = PartWriter::Create(*disk.fs, disk.random, kShard, disk.Options());
  REQUIRE((*writer)->Add(PlainBatch(1, {{1, kMax, 1, 1}})).error().code ==
          ErrorCode::kInvalidArgument);
}

TEST_CASE("a writer that is not finished leaves nothing", "[part]") {
  PartDisk disk;
  {
    auto writer = PartWriter::Create(*disk.fs, disk.random, kShard, disk.Options());
    REQUIRE(writer.has_value());
    REQUIRE((*writer)->Add(Series({100})).has_value());
    REQUIRE((*writer)->pending_rows() > 0);
  }
  REQUIRE(disk.fs->List(kShard)->empty());
}

TEST_CASE("a write that fails is reported and leaves nothing", "[part]") {
  PartDisk disk;
  const auto faulty = FaultyFileSystem::Create(*disk.fs);
  FaultRule rule;
  rule.op = IoOp::kWrite;
  rule.error_number = 28;  // no space
  faulty->AddRule(rule);
  auto writer = PartWriter::Create(*faulty, disk.random, kShard, disk.Options());
  REQUIRE(writer.has_value());
  REQUIRE((*writer)->Add(Series({100})).has_value());
  const auto info = (*writer)->Finish();
  REQUIRE(!info.has_value());
  REQUIRE(info.error().code == ErrorCode::kNoSpace);
  writer->reset();
  REQUIRE(disk.fs->List(kShard)->empty());
}

TEST_CASE("bounds are those of the values, and absent where a float is no number", "[part]") {
  PartDisk disk;
  RowBatch batch = Series({600});
  ColumnValues floats(ColumnId(8), ColumnType::kFloat64);
  ColumnValues broken(ColumnId(9), ColumnType::kFloat64);
  for (int i = 0; i < 600; ++i) {
    floats.AppendWord(std::bit_cast<uint64_t>(i * 0.5 - 10));
    broken.AppendWord(
        std::bit_cast<uint64_t>(i == 5 ? std::numeric_limits<double>::quiet_NaN() : 1.0 * i));
  }
  batch.columns.push_back(floats);
  batch.columns.push_back(broken);
  const auto headers = HeadersOf(*disk.Write(batch));
  const auto& columns = headers[0].columns;
  REQUIRE(columns[0].has_bounds);
  REQUIRE(static_cast<int64_t>(columns[0].min_word) == 0);
  REQUIRE(static_cast<int64_t>(columns[0].max_word) == 6);
  REQUIRE(columns[0].values == 600);
  int64_t sum = 0;
  for (const uint64_t word : batch.columns[0].words()) sum += static_cast<int64_t>(word);
  REQUIRE(static_cast<int64_t>(columns[0].sum_word) == sum);
  REQUIRE(columns[1].has_bounds);
  REQUIRE(std::bit_cast<double>(columns[1].min_word) == -10.0);
  REQUIRE(std::bit_cast<double>(columns[1].max_word) == 289.5);
  REQUIRE(!columns[2].has_bounds);
}

}  // namespace ficus
