#include "server/ctl/parked.h"

#include <catch2/catch.hpp>

#include "engine/database/parked_log.h"
#include "engine/io/memory_file_system.h"
#include "engine/table/routed_rows.h"

namespace ficus {
namespace {

TEST_CASE("parked batches are shown with what they hold, and dropped by name", "[ctl][parked]") {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  REQUIRE(ListParkedText(*fs)->empty());
  LogRecord record;
  record.rows.emplace_back();
  record.rows[0].group = GroupId(0xabc);
  record.rows[0].segment = {0, 100};
  record.rows[0].rows.series = {SeriesId(1)};
  record.rows[0].rows.timestamps = {5};
  record.rows[0].rows.versions = {1};
  REQUIRE(ParkRecord(*fs, random, LogId(7), LogPosition(20), EncodeLogRecord(record)).has_value());
  REQUIRE(ParkRecord(*fs, random, LogId(7), LogPosition(30), "noise").has_value());
  const std::string text = *ListParkedText(*fs);
  REQUIRE(text.find("0000000000000007-0000000000000014.parked  log 0000000000000007  batch 20\n"
                    "  rows 1 ") == 0);
  REQUIRE(text.find("0000000000000abc") != std::string::npos);
  REQUIRE(text.find("batch 30\n  unsupported version") != std::string::npos);
  REQUIRE(DropParkedBatch(*fs, "0000000000000007-0000000000000014.parked").has_value());
  REQUIRE(ListParkedText(*fs)->find("batch 20") == std::string::npos);
  REQUIRE(DropParkedBatch(*fs, "0000000000000007-0000000000000014.parked").error().code ==
          ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ficus
