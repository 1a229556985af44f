#include "server/ingest/row_sink.h"

#include <catch2/catch.hpp>

#include "test/server/ingest/stream.h"

namespace ficus {

TEST_CASE("a new sink is empty, and what is taken from it is nothing", "[ingest][sink]") {
  RowSink sink;
  REQUIRE(sink.empty());
  REQUIRE(sink.bytes() == 0);
  REQUIRE(sink.Take().empty());
}

TEST_CASE("all vectors of a batch have as many entries as it has rows", "[ingest][sink]") {
  Stream stream;
  for (int i = 0; i < 3; ++i) REQUIRE(stream.Write(Stream::Right()));
  const auto rows = stream.sink.Take();
  REQUIRE(rows.size() == 1);
  const KeyedRows& batch = rows[0];
  REQUIRE(batch.rows.rows() == 3);
  REQUIRE(batch.rows.series.size() == 3);
  REQUIRE(batch.rows.versions.size() == 3);
  REQUIRE(batch.rows.tombstones.empty());
  REQUIRE(batch.series_checks.size() == 3);
  REQUIRE(batch.shard_hashes.size() == 3);
  REQUIRE(batch.key_ends.size() == 3);
  REQUIRE(batch.ordinals.size() == 3);
  for (const auto& column : batch.rows.columns) REQUIRE(column.rows() == 3);
  REQUIRE(batch.series_key(2) == batch.series_key(0));
}

}  // namespace ficus
