#include "engine/part/part.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "engine/io/faulty_file_system.h"
#include "engine/part/entry_table.h"
#include "engine/part/file_cache.h"
#include "engine/part/section_file.h"
#include "test/engine/part/part_disk.h"
#include "test/engine/part/row_model.h"
#include "test/support/golden.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

// A part with every feature in few bytes: two subjects, series of their own and shared ones, every
// column type, nulls, versions, tombstones, entries.
std::shared_ptr<const Part> WriteSmallPart(PartDisk& disk) {
  RowBatch first = PlainBatch(0x1111, {{5, 1000, 1000, 7}, {9, 1000, 1000, 8}, {9, 2000, 2001, 9}});
  const std::vector<std::pair<uint32_t, ColumnType>> types = {
      {8, ColumnType::kFloat64},      {9, ColumnType::kString},      {10, ColumnType::kBinary},
      {11, ColumnType::kStringArray}, {12, ColumnType::kInt64Array}, {13, ColumnType::kTimestamp}};
  for (const auto& [id, type] : types) {
    ColumnValues column(ColumnId(id), type);
    for (size_t row = 0; row < 3; ++row) {
      if (row == 1) {
        column.AppendNull();
      } else if (IsFixed(type)) {
        column.AppendWord(0x3ff8000000000000 + row);
      } else if (type == ColumnType::kInt64Array) {
        column.AppendCell(std::string(8 * row, 'n'));
      } else {
        column.AppendCell(row == 0 ? "" : std::string("\x02hi", 3));
      }
    }
    first.columns.push_back(std::move(column));
  }
  std::vector<PlainRow> many;
  for (int64_t i = 0; i < 100; ++i) many.push_back({3, 1'000'000 * i, 5, i * i % 10});
  RowBatch second = PlainBatch(0x2222, many);
  second.tombstones.assign(100, false);
  second.tombstones[42] = true;
  return disk.Write({first, second},
                    {{SubjectId(0x1111), SeriesId(5), "svc|a"},
                     {SubjectId(0x1111), SeriesId(9), "svc|b"},
                     {SubjectId(0x2222), SeriesId(3), "top|c"}},
                    disk.Options(17, 19));
}

// All rows of the small part.
ModelRows RowsOf(PartDisk& disk, const Part& part) {
  ModelRows rows;
  for (const uint64_t subject : {0x1111, 0x2222}) {
    ScanRequest request = PlainScan(subject);
    for (uint32_t id = 8; id <= 13; ++id) request.columns.emplace_back(id);
    rows.merge(Drain(*disk.Scan(part, request), request));
  }
  return rows;
}

// Opens, verifies and scans bytes that may be anything. The error, or what the scan gave.
struct Outcome {
  std::string error;
  ErrorCode code = ErrorCode::kCorruption;
  ModelRows rows;
};

Outcome ReadAnything(PartDisk& disk, const std::string& path, const PartInfo* expected) {
  Outcome outcome;
  const auto part = Part::Open(*disk.fs, path, expected, FileClass::kTool);
  if (!part.has_value()) return {part.error().message, part.error().code, {}};
  if (const auto verified = (*part)->Verify(FileClass::kTool); !verified.has_value()) {
    outcome = {verified.error().message, verified.error().code, {}};
  }
  for (const uint64_t subject : {0x1111, 0x2222}) {
    ScanRequest request = PlainScan(subject);
    for (uint32_t id = 8; id <= 13; ++id) request.columns.emplace_back(id);
    auto cursor = (*part)->Scan(request, disk.ledger);
    REQUIRE(cursor.has_value());
    RowBatch rows;
    for (;;) {
      const auto found = (*cursor)->Next(rows);
      if (!found.has_value()) {
        REQUIRE(found.error().code == ErrorCode::kCorruption);
        REQUIRE(found.error().message.find(path) != std::string::npos);
        break;
      }
      if (!*found) break;
      for (size_t row = 0; row < rows.rows(); ++row) {
        outcome.rows[{subject, rows.series[row].value(), rows.timestamps[row]}] =
            RowOf(rows, row, nullptr);
      }
    }
  }
  return outcome;
}

}  // namespace

TEST_CASE("the entries of a part are listed a block at a time", "[part]") {
  PartDisk disk;
  std::vector<SeriesEntry> entries;
  for (uint64_t series = 0; series < 5 * kEntriesPerBlock; ++series) {
    entries.push_back({SubjectId(1), SeriesId(series), std::to_string(series)});
  }
  const auto written = disk.Write({PlainBatch(1, {{1, 10, 1, 1}})}, entries, disk.Options());
  const auto faults = FaultyFileSystem::Create(*disk.fs);
  const auto part =
      Part::Open(*faults, disk.PathOf(written->info().number), &written->info(), FileClass::kMerge);
  REQUIRE(part.has_value());
  const auto listed = (*part)->ListSeriesEntries(FileClass::kMerge);
  REQUIRE(listed.has_value());
  const uint64_t operations = faults->operations();
  SeriesEntry entry;
  for (const SeriesEntry& wanted : entries) {
    REQUIRE((*listed)->Next(entry).value());
    REQUIRE(entry == wanted);
    REQUIRE(faults->operations() - operations == entry.series.value() / kEntriesPerBlock + 1);
  }
  REQUIRE(!(*listed)->Next(entry).value());
}

TEST_CASE("the bytes of a small part are the format", "[part][golden]") {
  PartDisk disk;
  const auto part = WriteSmallPart(disk);
  const std::string bytes = disk.ReadFile(part->path());
  CheckGolden("part/small.part.hex", HexDump(std::as_bytes(std::span(bytes))));
}

TEST_CASE("a part tells what it holds without its blocks", "[part]") {
  PartDisk disk;
  const auto part = WriteSmallPart(disk);
  const PartInfo& info = part->info();
  REQUIRE(info.rows == 103);
  REQUIRE(info.series == 3);
  REQUIRE(info.times == TimeRange{0, 99'000'001});
  REQUIRE(info.first_position == LogPosition(17));
  REQUIRE(info.last_position == LogPosition(19));
  REQUIRE(info.generation == 0);
  REQUIRE(info.has_tombstones);
  REQUIRE(info.file_bytes == disk.ReadFile(part->path()).size());
  REQUIRE(part->Verify(FileClass::kTool).has_value());
  REQUIRE(part->ReadSeriesEntries(FileClass::kTool)->size() == 3);
}

TEST_CASE("opening a part reads its end once and keeps no descriptor", "[part]") {
  PartDisk disk;
  const auto written = WriteSmallPart(disk);
  const auto counting = FaultyFileSystem::Create(*disk.fs);
  const uint64_t before = counting->operations();
  const auto part = Part::Open(*counting, written->path(), nullptr, FileClass::kRecovery);
  REQUIRE(part.has_value());
  // Open, size, read.
  REQUIRE(counting->operations() - before <= 3);
  FileCache::ForProcess().Clear();
}

TEST_CASE("a part of another size or checksum than the manifest says is refused", "[part]") {
  PartDisk disk;
  const auto part = WriteSmallPart(disk);
  PartInfo expected = part->info();
  expected.checksum ^= 1;
  auto other = Part::Open(*disk.fs, part->path(), &expected, FileClass::kTool);
  REQUIRE(!other.has_value());
  REQUIRE(other.error().code == ErrorCode::kCorruption);
  REQUIRE(other.error().message.find(part->path()) != std::string::npos);

  // A file under the name of another.
  disk.WriteFile(disk.PathOf(FileNumber(77)), disk.ReadFile(part->path()));
  other = Part::Open(*disk.fs, disk.PathOf(FileNumber(77)), nullptr, FileClass::kTool);
  REQUIRE(!other.has_value());
  REQUIRE(other.error().code == ErrorCode::kCorruption);

  other = Part::Open(*disk.fs, disk.PathOf(FileNumber(78)), nullptr, FileClass::kTool);
  REQUIRE(!other.has_value());
  REQUIRE(other.error().code == ErrorCode::kNotFound);
}

TEST_CASE("no flipped byte of a part goes unnoticed", "[part][damage]") {
  PartDisk disk;
  const auto part = WriteSmallPart(disk);
  const ModelRows truth = RowsOf(disk, *part);
  const std::string good = disk.ReadFile(part->path());
  const std::string path = "shard/damaged";
  SeededRandom random(TestSeed(1));
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << random.Below(8)));
    disk.WriteFile(path, bad);
    const Outcome outcome = ReadAnything(disk, path, nullptr);
    CAPTURE(at, outcome.error);
    REQUIRE(!outcome.error.empty());
    REQUIRE(outcome.code == ErrorCode::kCorruption);
    REQUIRE(outcome.error.find(path) != std::string::npos);
    // A scan gives true rows or stops.
    const bool harmless =
        std::all_of(outcome.rows.begin(), outcome.rows.end(), [&](const auto& row) {
          const auto known = truth.find(row.first);
          return known != truth.end() && known->second == row.second;
        });
    REQUIRE(harmless);
  }
}

TEST_CASE("the error names the bytes that are bad", "[part][damage]") {
  PartDisk disk;
  const auto part = WriteSmallPart(disk);
  const BlockHeader header = HeadersOf(*part).back();
  const uint64_t at = header.columns[0].extent.offset;
  REQUIRE(disk.fs->FlipBits(part->path(), at, 1).has_value());
  RowBatch rows;
  const auto cursor = disk.Scan(*part, PlainScan(0x2222));
  const auto found = cursor->Next(rows);
  REQUIRE(!found.has_value());
  const std::string range = "bytes [" + std::to_string(header.keys.offset) + ", " +
                            std::to_string(header.keys.offset + header.bytes()) + ")";
  CAPTURE(found.error().message);
  REQUIRE(found.error().message.find(range) != std::string::npos);
  REQUIRE(!part->ReadBlock(header, FileClass::kTool).has_value());
  REQUIRE(!part->ReadRawBlock(header, FileClass::kTool).has_value());
}

TEST_CASE("a part cut anywhere, or with bytes added, is refused", "[part][damage]") {
  PartDisk disk;
  const auto part = WriteSmallPart(disk);
  const std::string good = disk.ReadFile(part->path());
  const std::string path = "shard/damaged";
  for (size_t bytes = 0; bytes < good.size(); ++bytes) {
    disk.WriteFile(path, std::string_view(good).substr(0, bytes));
    const auto opened = Part::Open(*disk.fs, path, nullptr, FileClass::kTool);
    CAPTURE(bytes);
    REQUIRE(!opened.has_value());
    REQUIRE(opened.error().code == ErrorCode::kCorruption);
  }
  disk.WriteFile(path, good + std::string(1, '\0'));
  REQUIRE(!Part::Open(*disk.fs, path, nullptr, FileClass::kTool).has_value());
  disk.WriteFile(path, std::string(1, '\0') + good);
  REQUIRE(!Part::Open(*disk.fs, path, nullptr, FileClass::kTool).has_value());
}

namespace {

// Changes a field of the trailer and makes the footer's checksum right again.
std::string WithTrailer(std::string file, size_t field, uint32_t value, size_t bytes) {
  const size_t trailer = file.size() - kSectionFileTrailerBytes;
  const auto directory = LoadLittle<uint32_t>(file.data() + trailer);
  const auto json = LoadLittle<uint32_t>(file.data() + trailer + 4);
  std::memcpy(file.data() + trailer + field, &value, bytes);
  const size_t begin = trailer - directory - json;
  const uint32_t checksum = Crc32c(std::string_view(file).substr(begin, directory + json + 28));
  StoreLittle(file.data() + trailer + 28, checksum);
  return file;
}

}  // namespace

namespace {

// Two series in blocks of their own that have equal sizes and other values.
std::shared_ptr<const Part> WriteTwoBlocks(PartDisk& disk) {
  std::vector<PlainRow> rows;
  for (uint64_t series : {1, 2}) {
    for (int64_t i = 0; i < 200; ++i)
      rows.push_back({series, i * 60, 1, static_cast<int64_t>(series)});
  }
  return disk.Write(PlainBatch(1, rows));
}

// Opens; then neither verification nor a scan may accept the file.
void RequireCorrupt(PartDisk& disk, const std::string& path) {
  const auto opened = Part::Open(*disk.fs, path, nullptr, FileClass::kTool);
  REQUIRE(opened.has_value());
  REQUIRE((*opened)->Verify(FileClass::kTool).error().code == ErrorCode::kCorruption);
  RowBatch rows;
  const auto cursor = disk.Scan(**opened, PlainScan(1));
  const auto found = cursor->Next(rows);
  REQUIRE(!found.has_value());
  REQUIRE(found.error().code == ErrorCode::kCorruption);
}

}  // namespace

TEST_CASE("a block at another place is refused", "[part][damage]") {
  PartDisk disk;
  const auto part = WriteTwoBlocks(disk);
  const auto headers = HeadersOf(*part);
  REQUIRE(headers.size() == 2);
  REQUIRE(headers[0].bytes() == headers[1].bytes());
  const std::string good = disk.ReadFile(part->path());
  std::string bad = good;
  const auto first = bad.begin() + static_cast<ptrdiff_t>(headers[0].keys.offset);
  const auto second = bad.begin() + static_cast<ptrdiff_t>(headers[1].keys.offset);
  std::swap_ranges(first, second, second);
  REQUIRE(bad != good);
  disk.WriteFile("shard/damaged", bad);
  RequireCorrupt(disk, "shard/damaged");
}

TEST_CASE("blocks of another file are refused, although that file was whole", "[part][damage]") {
  PartDisk disk;
  const auto part = WriteTwoBlocks(disk);
  const auto twin = WriteTwoBlocks(disk);
  // The twin's bytes under this part's number; every checksum that does not know its place agrees.
  std::string bad = WithTrailer(disk.ReadFile(twin->path()), 16,
                                static_cast<uint32_t>(part->info().number.value()), 4);
  bad.replace(8, 8, disk.ReadFile(part->path()), 8, 8);
  disk.WriteFile("shard/damaged", bad);
  RequireCorrupt(disk, "shard/damaged");
}

TEST_CASE("an unknown version or required feature is refused, an optional one is not", "[part]") {
  PartDisk disk;
  const auto part = WriteSmallPart(disk);
  const std::string good = disk.ReadFile(part->path());
  const std::string path = "shard/other";
  const auto open = [&](const std::string& bytes) {
    disk.WriteFile(path, bytes);
    return Part::Open(*disk.fs, path, nullptr, FileClass::kTool);
  };
  REQUIRE(open(WithTrailer(good, 24, 2, 2)).error().code == ErrorCode::kUnsupportedVersion);
  REQUIRE(open(WithTrailer(good, 24, 0, 2)).error().code == ErrorCode::kUnsupportedVersion);
  REQUIRE(open(WithTrailer(good, 8, 0x80000000, 4)).error().code == ErrorCode::kUnsupportedVersion);
  const auto optional = open(WithTrailer(good, 12, 0x80000000, 4));
  REQUIRE(optional.has_value());
  REQUIRE((*optional)->Verify(FileClass::kTool).has_value());
  REQUIRE(open(good).has_value());
}

TEST_CASE("a part is there whole or not at all in every crash state", "[part][crash]") {
  PartDisk disk;
  int absent = 0;
  int whole = 0;
  const auto look = [&](const MemoryFileSystem& fs) {
    const size_t pending = fs.pending_count();
    for (const auto order :
         {MemoryFileSystem::NameOrder::kStrong, MemoryFileSystem::NameOrder::kWeak}) {
      for (const auto tear : {MemoryFileSystem::Tear::kWritten, MemoryFileSystem::Tear::kOld,
                              MemoryFileSystem::Tear::kZeros, MemoryFileSystem::Tear::kGarbage,
                              MemoryFileSystem::Tear::kSizeOnly}) {
        for (unsigned subset = 0; subset < 1U << pending; ++subset) {
          std::vector<bool> keep(pending);
          for (size_t i = 0; i < pending; ++i) keep[i] = (subset >> i & 1U) != 0;
          const auto crashed = fs.CrashKeeping(keep, tear, order);
          if (crashed == nullptr) continue;
          const auto part =
              Part::Open(*crashed, "shard/0000000000000001.part", nullptr, FileClass::kRecovery);
          if (!part.has_value()) {
            REQUIRE(part.error().code == ErrorCode::kNotFound);
            ++absent;
            continue;
          }
          REQUIRE((*part)->Verify(FileClass::kRecovery).has_value());
          REQUIRE((*part)->info().rows == 103);
          ++whole;
        }
      }
    }
  };
  disk.fs->SetObserver([&](uint64_t, std::string_view) {
    REQUIRE(disk.fs->pending_count() <= 10);
    look(*disk.fs);
  });
  const auto part = WriteSmallPart(disk);
  disk.fs->SetObserver(nullptr);
  look(*disk.fs);
  REQUIRE(absent > 10);
  REQUIRE(whole > 0);
  REQUIRE(disk.fs->pending_count() == 0);
}

TEST_CASE("file names of parts are parsed exactly", "[part]") {
  REQUIRE(PartFileName(FileNumber(42)) == "000000000000002a.part");
  FileNumber number;
  REQUIRE(ParsePartFileName("000000000000002a.part", number));
  REQUIRE(number == FileNumber(42));
  for (const char* other :
       {"", ".part", "2a.part", "000000000000002A.part", "000000000000002a.idx",
        "000000000000002a.part.tmp", "0000000000000002a.part", "000000000000002g.part"}) {
    CAPTURE(other);
    REQUIRE(!ParsePartFileName(other, number));
  }
}

}  // namespace ficus
