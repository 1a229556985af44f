#include "engine/part/primary_index.h"

#include <limits>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

constexpr uint64_t kFile = 42;
constexpr uint64_t kPrimaryOffset = 1'000'000;

// Headers of consecutive blocks as a writer makes them.
std::vector<BlockHeader> RandomHeaders(SeededRandom& random, size_t count) {
  std::vector<BlockHeader> headers;
  uint64_t offset = 16;
  BlockHeader header;
  header.subject = SubjectId(random.Below(100));
  header.times = {-1000, 1000};
  std::vector<BlockColumn> columns;
  for (size_t i = 0; i < count; ++i) {
    if (random.Below(20) == 0) {
      header.subject = SubjectId(header.subject.value() + 1 + random.Below(1000));
      header.last_series = SeriesId(0);
    }
    header.first_series = SeriesId(header.last_series.value() + 1 + random.Below(1 << 30));
    header.series = random.Below(3) == 0 ? 2 + static_cast<uint32_t>(random.Below(50)) : 1;
    header.last_series =
        SeriesId(header.first_series.value() +
                 (header.series == 1 ? 0 : header.series - 1 + random.Below(1 << 20)));
    if (random.Below(2) == 0) header.rows = static_cast<uint32_t>(random.Below(8192)) + 1;
    header.rows = std::max(header.rows, header.series);
    if (random.Below(3) == 0) {
      const auto begin = static_cast<int64_t>(random.Next()) / 4;
      header.times.begin = random.Below(2) == 0 ? begin / 1'000'000 * 1'000'000 : begin;
      const auto length = static_cast<int64_t>(random.Below(1'000'000)) * 1'000'000;
      header.times.end = header.times.begin + length + 1;
    }
    header.has_tombstones = random.Below(5) == 0;
    header.one_checksum = random.Below(2) == 0;
    if (i == 0 || random.Below(10) == 0) {
      columns.clear();
      uint32_t id = 0;
      for (uint64_t n = random.Below(6); n > 0; --n) {
        BlockColumn column;
        id += 1 + static_cast<uint32_t>(random.Below(1000));
        column.id = ColumnId(id);
        column.type = static_cast<ColumnType>(1 + random.Below(7));
        columns.push_back(column);
      }
    }
    header.columns = columns;
    header.keys = {offset, static_cast<uint32_t>(random.Below(1000)),
                   static_cast<uint32_t>(random.Next())};
    offset += header.keys.bytes;
    uint64_t cell_bytes = 0;
    for (BlockColumn& column : header.columns) {
      column.extent = {offset, static_cast<uint32_t>(random.Below(5000)),
                       header.one_checksum ? 0 : static_cast<uint32_t>(random.Next())};
      offset += column.extent.bytes;
      if (!IsFixed(column.type)) cell_bytes += random.Below(10'000);
      column.has_bounds = IsFixed(column.type) && random.Below(2) == 0;
      if (!column.has_bounds) continue;
      column.values = 1 + static_cast<uint32_t>(random.Below(header.rows));
      if (column.type == ColumnType::kFloat64) {
        column.min_word = std::bit_cast<uint64_t>(-1.5);
        column.max_word = std::bit_cast<uint64_t>(2.5e300);
      } else {
        column.min_word = random.Next();
        column.max_word = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
        column.sum_word = random.Next();
      }
    }
    header.decoded_bytes = DecodedBytes(header, cell_bytes);
    headers.push_back(header);
  }
  return headers;
}

struct Packed {
  std::string primary;
  std::string meta;
  uint64_t data_end = 0;
};
Packed Pack(const std::vector<BlockHeader>& headers) {
  PrimaryWriter writer;
  for (const BlockHeader& header : headers) writer.Add(header);
  writer.Finish(kFile, kPrimaryOffset);
  return {writer.primary(), writer.meta(), headers.back().keys.offset + headers.back().bytes()};
}

Result<std::vector<BlockHeader>> Unpack(const Packed& packed) {
  ASSIGN_OR_RETURN(const auto entries,
                   DecodeMeta(packed.meta, kPrimaryOffset, packed.primary.size(), packed.data_end));
  std::vector<BlockHeader> all;
  for (const PrimaryEntry& entry : entries) {
    const std::string_view bytes =
        std::string_view(packed.primary)
            .substr(entry.extent.offset - kPrimaryOffset, entry.extent.bytes);
    ASSIGN_OR_RETURN(const auto headers, DecodePrimary(bytes, entry, kFile, packed.data_end));
    all.insert(all.end(), headers.begin(), headers.end());
  }
  return all;
}

}  // namespace

TEST_CASE("the largest header there can be fits into a primary block", "[part][columns]") {
  SeededRandom random(kFile);
  // What comes first leaves the primary block just short of its end.
  std::vector<BlockHeader> headers = RandomHeaders(random, 12);
  BlockHeader largest = headers.back();
  largest.subject = SubjectId(largest.subject.value() + 1);
  largest.series = 2;
  largest.rows = 8191;
  largest.first_series = SeriesId(0);
  largest.last_series = SeriesId(std::numeric_limits<uint64_t>::max());
  largest.times = {std::numeric_limits<int64_t>::max() - 3, std::numeric_limits<int64_t>::max()};
  largest.one_checksum = false;
  largest.columns.clear();
  largest.keys.offset += headers.back().bytes();
  largest.keys.bytes = std::numeric_limits<uint32_t>::max();
  uint64_t offset = largest.keys.offset + largest.keys.bytes;
  for (uint32_t i = 0; i < kBlockColumnsMax; ++i) {
    BlockColumn column;
    // Steps of the ids are as long as they can all be.
    column.id = ColumnId(i * (std::numeric_limits<uint32_t>::max() / kBlockColumnsMax));
    column.extent = {offset, std::numeric_limits<uint32_t>::max(), i};
    offset += column.extent.bytes;
    column.has_bounds = true;
    column.min_word = static_cast<uint64_t>(std::numeric_limits<int64_t>::min());
    column.max_word = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    column.values = 1;
    column.sum_word = column.min_word - 1;
    largest.columns.push_back(column);
  }
  largest.decoded_bytes = DecodedBytes(largest, 0);
  headers.push_back(largest);

  PrimaryWriter writer;
  for (const BlockHeader& header : headers) writer.Add(header);
  writer.Finish(kFile, kPrimaryOffset);
  const auto entries = DecodeMeta(writer.meta(), kPrimaryOffset, writer.primary().size(), offset);
  REQUIRE(entries.has_value());
  const PrimaryEntry& last = entries->back();
  const auto decoded =
      DecodePrimary(std::string_view(writer.primary()).substr(last.extent.offset - kPrimaryOffset),
                    last, kFile, offset);
  REQUIRE(decoded.has_value());
  REQUIRE(decoded->back() == largest);
}

TEST_CASE("headers come back as they were packed", "[part]") {
  const uint64_t seed = TestSeed(1);
  SeededRandom random(seed);
  for (int round = 0; round < TestRounds(50); ++round) {
    CAPTURE(seed, round);
    const auto headers = RandomHeaders(random, 1 + random.Below(300));
    const auto unpacked = Unpack(Pack(headers));
    INFO((unpacked.has_value() ? "" : unpacked.error().ToString()));
    REQUIRE(unpacked.has_value());
    REQUIRE((*unpacked == headers));
  }
}

TEST_CASE("the header of a block like the one before it costs few bytes", "[part]") {
  SeededRandom random(7);
  std::vector<BlockHeader> headers;
  uint64_t series = 0;
  uint64_t offset = 16;
  for (int i = 0; i < 10'000; ++i) {
    BlockHeader header;
    header.subject = SubjectId(1);
    series += random.Below(uint64_t{1} << 50);
    header.first_series = header.last_series = SeriesId(series);
    header.series = 1;
    header.rows = 60;
    header.times = {1'700'000'000'000'000'000, 1'700'003'540'000'000'001};
    header.keys = {offset, 6, 1};
    header.one_checksum = true;
    BlockColumn column;
    column.id = ColumnId(1);
    column.extent = {offset + 6, 50, 0};
    header.columns = {column};
    header.decoded_bytes = DecodedBytes(header, 0);
    offset += header.bytes();
    headers.push_back(header);
  }
  const Packed packed = Pack(headers);
  const double bytes = static_cast<double>(packed.primary.size() + packed.meta.size()) / 10'000;
  CAPTURE(bytes);
  // Flags, 7 bytes of series id, two lengths, a checksum; the sparse index adds less than one.
  REQUIRE(bytes < 15.5);
}

TEST_CASE("headers at the ends of the number ranges come back", "[part]") {
  BlockHeader header;
  header.subject = SubjectId(~uint64_t{0});
  header.first_series = SeriesId(0);
  header.last_series = SeriesId(~uint64_t{0});
  header.series = 8192;
  header.rows = kBlockRowsMax;
  header.times = TimeRange::All();
  header.keys = {16, std::numeric_limits<uint32_t>::max(), 1};
  BlockColumn column;
  column.id = ColumnId(std::numeric_limits<uint32_t>::max());
  column.type = ColumnType::kTimestamp;
  column.extent = {uint64_t{16} + header.keys.bytes, 0, 2};
  column.has_bounds = true;
  column.min_word = uint64_t{1} << 63;
  column.max_word = ~(uint64_t{1} << 63);
  column.values = 1;
  column.sum_word = ~uint64_t{0};
  header.columns = {column};
  header.decoded_bytes = DecodedBytes(header, 0);
  const auto unpacked = Unpack(Pack({header}));
  REQUIRE(unpacked.has_value());
  REQUIRE((*unpacked == std::vector<BlockHeader>{header}));
}

TEST_CASE("damaged index bytes are refused, never more", "[part][damage]") {
  SeededRandom random(TestSeed(3));
  const Packed good = Pack(RandomHeaders(random, 40));
  for (size_t at = 0; at < good.primary.size(); ++at) {
    Packed bad = good;
    bad.primary[at] = static_cast<char>(bad.primary[at] ^ (1 << random.Below(8)));
    REQUIRE(Unpack(bad).error().code == ErrorCode::kCorruption);
  }
  // Without its checksum the decoder meets every kind of nonsense; it must come back from it.
  const auto entries =
      DecodeMeta(good.meta, kPrimaryOffset, good.primary.size(), good.data_end).value();
  int refused = 0;
  for (size_t at = 0; at < entries[0].extent.bytes; ++at) {
    std::string bad = good.primary.substr(0, entries[0].extent.bytes);
    bad[at] = static_cast<char>(random.Next());
    refused += DecodePrimaryUnchecked(bad, entries[0], good.data_end).has_value() ? 0 : 1;
  }
  REQUIRE(refused > 0);
  for (size_t bytes = 0; bytes < entries[0].extent.bytes; ++bytes) {
    REQUIRE(!DecodePrimaryUnchecked(std::string_view(good.primary).substr(0, bytes), entries[0],
                                    good.data_end)
                 .has_value());
  }
}

TEST_CASE("a sparse index out of order or beyond its section is refused", "[part][damage]") {
  SeededRandom random(TestSeed(4));
  const Packed good = Pack(RandomHeaders(random, 400));
  REQUIRE(good.meta.size() > 2 * kPrimaryRecordBytes);
  const auto decode = [&](const std::string& meta, uint64_t primary_bytes, uint64_t data_end) {
    return DecodeMeta(meta, kPrimaryOffset, primary_bytes, data_end).has_value();
  };
  const uint64_t bytes = good.primary.size();
  REQUIRE(decode(good.meta, bytes, good.data_end));
  REQUIRE(!decode(good.meta.substr(1), bytes, good.data_end));
  REQUIRE(!decode(good.meta.substr(kPrimaryRecordBytes), bytes, good.data_end));
  REQUIRE(!decode(good.meta, bytes - 1, good.data_end));
  REQUIRE(!decode(good.meta, bytes + 1, good.data_end));
  REQUIRE(!decode(good.meta, bytes, 16));
  std::string swapped = good.meta.substr(kPrimaryRecordBytes, kPrimaryRecordBytes) +
                        good.meta.substr(0, kPrimaryRecordBytes) +
                        good.meta.substr(2 * kPrimaryRecordBytes);
  REQUIRE(!decode(swapped, bytes, good.data_end));
}

TEST_CASE("blocks may follow each other where their rows can", "[part]") {
  BlockHeader a;
  a.subject = SubjectId(1);
  a.first_series = a.last_series = SeriesId(5);
  a.series = 1;
  a.times = {10, 20};
  BlockHeader b = a;
  REQUIRE(!MayFollow(a, b));
  b.times = {20, 30};
  REQUIRE(MayFollow(a, b));
  REQUIRE(!MayFollow(b, a));
  b.first_series = b.last_series = SeriesId(4);
  REQUIRE(!MayFollow(a, b));
  b.subject = SubjectId(2);
  REQUIRE(MayFollow(a, b));
  // Only the rows of a shared block tell.
  b = a;
  b.series = 2;
  b.last_series = SeriesId(9);
  REQUIRE(MayFollow(a, b));
  REQUIRE(!MayFollow(b, a));
}

}  // namespace ficus
