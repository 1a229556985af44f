#include "engine/table/routed_rows.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "engine/model/tag_value.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

RowBatch RandomBatch(SeededRandom& random, SubjectId subject, size_t rows) {
  RowBatch batch;
  batch.subject = subject;
  const bool tombstones = random.Below(3) == 0;
  ColumnValues ints(ColumnId(1), ColumnType::kInt64);
  ColumnValues floats(ColumnId(2), ColumnType::kFloat64);
  ColumnValues strings(ColumnId(5), ColumnType::kString);
  ColumnValues arrays(ColumnId(9), ColumnType::kInt64Array);
  for (size_t row = 0; row < rows; ++row) {
    batch.series.push_back(SeriesId(random.Next()));
    batch.timestamps.push_back(static_cast<int64_t>(random.Next()));
    batch.versions.push_back(static_cast<int64_t>(random.Below(1000)));
    if (tombstones) batch.tombstones.push_back(random.Below(2) == 0);
    if (random.Below(4) == 0) {
      ints.AppendNull();
    } else {
      ints.AppendWord(random.Next());
    }
    floats.AppendWord(random.Next());
    strings.AppendCell(std::string(random.Below(20), 's'));
    arrays.AppendCell(EncodeInt64Array({1, -1, static_cast<int64_t>(random.Next())}));
  }
  batch.columns = {ints, floats, strings, arrays};
  return batch;
}

LogRecord RandomRecord(SeededRandom& random) {
  LogRecord record;
  const uint64_t parts = random.Below(4);
  for (uint64_t i = 0; i < parts; ++i) {
    RoutedRows routed;
    routed.catalog = Catalog::kMeasure;
    routed.group = GroupId(random.Next());
    routed.segment = {static_cast<int64_t>(random.Below(1000)), 5000};
    routed.shard = ShardId(static_cast<uint32_t>(random.Below(8)));
    const SubjectId subject(random.NextId());
    routed.rows = RandomBatch(random, subject, random.Below(200));
    for (uint64_t entry = 0; entry < random.Below(5); ++entry) {
      routed.entries.push_back({subject, SeriesId(entry), "key" + std::to_string(entry)});
    }
    record.rows.push_back(std::move(routed));
  }
  if (random.Below(2) == 0) record.retired_groups.push_back({Catalog::kStream, GroupId(7)});
  if (random.Below(2) == 0) {
    record.removed_segments.push_back({Catalog::kMeasure, GroupId(8), {10, 20}, 77});
  }
  return record;
}

TEST_CASE("a log record comes back as it was", "[table]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  SeededRandom random(seed);
  for (int round = 0; round < 200; ++round) {
    const LogRecord record = RandomRecord(random);
    const Result<LogRecord> decoded = DecodeLogRecord(EncodeLogRecord(record));
    REQUIRE(decoded.has_value());
    REQUIRE(*decoded == record);
  }
}

TEST_CASE("a log record that is cut short or goes on is corruption", "[table]") {
  SeededRandom random(3);
  std::string bytes;
  while (bytes.size() < 300) bytes = EncodeLogRecord(RandomRecord(random));
  for (size_t length = 0; length < bytes.size(); ++length) {
    const Result<LogRecord> decoded = DecodeLogRecord(bytes.substr(0, length));
    REQUIRE(!decoded.has_value());
    REQUIRE(decoded.error().code == ErrorCode::kCorruption);
  }
  REQUIRE(DecodeLogRecord(bytes + 'x').error().code == ErrorCode::kCorruption);
}

TEST_CASE("any flipped bit of a log record gives a record or an error, never harm", "[table]") {
  SeededRandom random(5);
  std::string bytes;
  while (bytes.size() < 300) bytes = EncodeLogRecord(RandomRecord(random));
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      const Result<LogRecord> decoded = DecodeLogRecord(flipped);
      if (decoded.has_value()) REQUIRE(EncodeLogRecord(*decoded).size() <= bytes.size() + 16);
    }
  }
}

TEST_CASE("a count that the bytes cannot hold is refused before anything is allocated", "[table]") {
  // Version, then 2^60 lists of rows.
  const std::string bytes("\x01\x80\x80\x80\x80\x80\x80\x80\x80\x10", 10);
  REQUIRE(DecodeLogRecord(bytes).error().code == ErrorCode::kCorruption);
}

TEST_CASE("a record of a later version is told apart from damage", "[table]") {
  std::string bytes = EncodeLogRecord({});
  bytes[0] = 9;
  REQUIRE(DecodeLogRecord(bytes).error().code == ErrorCode::kUnsupportedVersion);
}

}  // namespace
}  // namespace ficus
