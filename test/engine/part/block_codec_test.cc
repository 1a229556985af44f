#include "engine/part/block_codec.h"

#include <catch2/catch.hpp>

#include "engine/part/primary_index.h"
#include "test/engine/part/row_model.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

struct Encoded {
  BlockHeader header;
  std::string bytes;

  std::string_view keys() const { return std::string_view(bytes).substr(0, header.keys.bytes); }
  std::string_view column(size_t i) const {
    size_t begin = header.keys.bytes;
    for (size_t k = 0; k < i; ++k) begin += header.columns[k].extent.bytes;
    return std::string_view(bytes).substr(begin, header.columns[i].extent.bytes);
  }
};

Encoded Encode(const RowBatch& rows, RowRange range, Effort effort = Effort::kFast) {
  Encoded encoded;
  BlockEncoder(effort).Encode(rows, range, encoded.header, encoded.bytes);
  return encoded;
}
Encoded Encode(const RowBatch& rows) { return Encode(rows, {0, rows.rows()}); }

// One series, every minute.
RowBatch Minutes(size_t rows, int64_t version_offset) {
  std::vector<PlainRow> plain;
  for (size_t i = 0; i < rows; ++i) {
    const int64_t time = kModelEpoch + static_cast<int64_t>(i) * 60 * kNanosPerSecond;
    plain.push_back({7, time, time + version_offset, 5});
  }
  return PlainBatch(1, plain);
}

}  // namespace

TEST_CASE("random rows come back from their block", "[part][oracle]") {
  const uint64_t seed = TestSeed(1);
  SeededRandom random(seed);
  for (int round = 0; round < TestRounds(60); ++round) {
    CAPTURE(seed, round);
    RandomRows shape;
    shape.subjects = 1;
    shape.rows = 1 + random.Below(3000);
    shape.series = 1 + random.Below(50);
    const RowBatch batch = MakeRandomBatches(random, shape)[0];
    const RowBatch rows = Reordered(batch, SortedOrder(batch), true);
    const RowRange range = {random.Below(rows.rows()), rows.rows()};
    const Encoded encoded = Encode(rows, range, round % 2 == 0 ? Effort::kFast : Effort::kSmall);

    const auto keys = DecodeKeys(encoded.keys(), encoded.header);
    REQUIRE(keys.has_value());
    RowBatch back;
    back.subject = rows.subject;
    back.series.reserve(keys->timestamps.size());
    for (const SeriesRun& run : keys->runs) {
      back.series.insert(back.series.end(), run.rows.rows(), run.series);
    }
    back.timestamps = keys->timestamps;
    back.versions = keys->versions;
    back.tombstones = keys->tombstones;
    for (size_t i = 0; i < encoded.header.columns.size(); ++i) {
      auto column = DecodeColumn(encoded.column(i), encoded.header.columns[i], encoded.header);
      INFO((column.has_value() ? "" : column.error().ToString()));
      REQUIRE(column.has_value());
      REQUIRE(ColumnSchemeName(encoded.column(i), encoded.header.columns[i], encoded.header.rows) !=
              "unknown");
      back.columns.push_back(std::move(*column));
    }
    REQUIRE(back.rows() == range.rows());
    REQUIRE(back.MemoryBytes() <= encoded.header.decoded_bytes + sizeof(RowBatch) +
                                      back.columns.size() * (sizeof(ColumnValues) + 64));
    bool same = true;
    for (size_t row = 0; row < back.rows(); ++row) {
      same = same && back.series[row] == rows.series[range.begin + row] &&
             back.timestamps[row] == rows.timestamps[range.begin + row] &&
             RowOf(back, row, nullptr) == RowOf(rows, range.begin + row, nullptr);
    }
    REQUIRE(same);
  }
}

TEST_CASE("versions that can be derived cost next to nothing", "[part]") {
  const size_t derived = Encode(Minutes(1000, 0)).header.keys.bytes;
  REQUIRE(derived < 16);
  REQUIRE(Encode(Minutes(1000, 123'456)).header.keys.bytes < derived + 16);
  RowBatch plain = Minutes(1000, 0);
  plain.versions.assign(1000, 42);
  REQUIRE(Encode(plain).header.keys.bytes < derived + 16);
}

TEST_CASE("the grid of a shared block is stored once", "[part]") {
  std::vector<PlainRow> rows;
  for (uint64_t series = 0; series < 30; ++series) {
    for (int64_t i = 0; i < 60; ++i) rows.push_back({series, kModelEpoch + i * 60'000'000, 1, 1});
  }
  REQUIRE(Encode(PlainBatch(1, rows)).header.keys.bytes < 64);
}

TEST_CASE("keys that disagree with their header are refused", "[part][damage]") {
  const Encoded good = Encode(PlainBatch(1, {{1, 10, 1, 1}, {1, 20, 2, 1}, {4, 5, 3, 1}}));
  REQUIRE(DecodeKeys(good.keys(), good.header).has_value());
  const auto refused = [&](const auto& change) {
    BlockHeader header = good.header;
    change(header);
    return !DecodeKeys(good.keys(), header).has_value();
  };
  REQUIRE(refused([](BlockHeader& header) { header.first_series = SeriesId(2); }));
  REQUIRE(refused([](BlockHeader& header) { header.last_series = SeriesId(5); }));
  REQUIRE(refused([](BlockHeader& header) { header.rows = 4; }));
  REQUIRE(refused([](BlockHeader& header) { header.series = 3; }));
  REQUIRE(refused([](BlockHeader& header) { header.times.begin = 4; }));
  REQUIRE(refused([](BlockHeader& header) { header.times.end = 22; }));
  REQUIRE(refused([](BlockHeader& header) { header.has_tombstones = true; }));
  for (size_t bytes = 0; bytes < good.keys().size(); ++bytes) {
    REQUIRE(!DecodeKeys(good.keys().substr(0, bytes), good.header).has_value());
  }
  REQUIRE(!DecodeKeys(std::string(good.keys()) + '\0', good.header).has_value());
}

TEST_CASE("a cell that is no array is refused when it is decoded", "[part][damage]") {
  RowBatch rows = PlainBatch(1, {{1, 10, 1, 1}, {1, 20, 2, 1}});
  ColumnValues text(ColumnId(9), ColumnType::kString);
  text.AppendCell("\x09");  // a length without its bytes
  text.AppendCell("1234567");
  rows.columns = {text};
  const Encoded good = Encode(rows);
  BlockColumn column = good.header.columns[0];
  REQUIRE(DecodeColumn(good.column(0), column, good.header).has_value());
  for (const ColumnType type : {ColumnType::kStringArray, ColumnType::kInt64Array}) {
    column.type = type;
    const auto decoded = DecodeColumn(good.column(0), column, good.header);
    REQUIRE(!decoded.has_value());
    REQUIRE(decoded.error().message.find("column 9") != std::string::npos);
  }
}

}  // namespace ficus
