#include "engine/database/row_memory.h"

#include <cerrno>
#include <limits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/io/faulty_file_system.h"
#include "test/engine/database/database_harness.h"

namespace ficus {
namespace {

constexpr size_t kLedgerBytes = 8 << 20;
constexpr size_t kRowsOfBatch = 1000;

// Tables that by themselves would not flush for an hour.
struct Node : DatabaseHarness {
  Node() : DatabaseHarness(1, kLedgerBytes) {
    ledger().SetShare(MemoryConsumer::kMemParts, kLedgerBytes / 2);
    options().table.flush_bytes = kLedgerBytes;
    options().table.flush_interval_nanos = 3600 * kNanosPerSecond;
    auto data = FaultyFileSystem::Create(fs());
    data_ = data.get();
    UseWrapped(std::move(data), FaultyFileSystem::Create(log_fs()));
    REQUIRE(Open().has_value());
    for (const char* group : {"first", "second"}) {
      REQUIRE(CreateGroup(group).has_value());
      REQUIRE(CreateMeasure(group, "m").has_value());
    }
  }

  Written WriteBatch(const std::string& group, int64_t number) {
    std::vector<NodeRow> rows(kRowsOfBatch);
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i] = {static_cast<int64_t>(i), now() / kNanosPerMilli * kNanosPerMilli - number, 1};
    }
    return Write(group, "m", rows);
  }
  FaultyFileSystem& data() { return *data_; }
  size_t rows_in_memory() { return ledger().used_bytes(MemoryConsumer::kMemParts); }

 private:
  FaultyFileSystem* data_ = nullptr;
};

TEST_CASE("tables that together fill the memory for rows are flushed before writers are refused",
          "[database]") {
  Node node;
  for (int64_t number = 0; number < 400; ++number) {
    CAPTURE(number);
    REQUIRE(node.WriteBatch(number % 2 == 0 ? "first" : "second", number).result.has_value());
    // As much as comes while a flush is under way.
    REQUIRE(node.rows_in_memory() < kLedgerBytes * 3 / 8);
  }
  REQUIRE(node.Read("first", "m").size() == 200 * kRowsOfBatch);
}

TEST_CASE("small tables stay in memory while a large one makes room", "[database]") {
  Node node;
  REQUIRE(node.WriteBatch("second", 0).result.has_value());
  for (int64_t number = 0; number < 90; ++number) {
    REQUIRE(node.WriteBatch("first", number).result.has_value());
  }
  const auto unflushed = [&](const std::string& group) {
    const auto id = node.database().Schema()->FindGroup(group)->group_id;
    return node.database().FindGroup(id)->OldestUnflushed();
  };
  const auto small = unflushed("second");
  REQUIRE(small.has_value());
  const auto large = unflushed("first");
  REQUIRE((!large.has_value() || *small < *large));
}

TEST_CASE("while flushes fail, they are not asked for with each batch", "[database]") {
  Node node;
  const LogCapture log;
  node.data().AddRule({.op = IoOp::kOpen,
                       .file_class = FileClass::kFlush,
                       .times = std::numeric_limits<uint64_t>::max(),
                       .error_number = EMFILE});
  size_t refused = 0;
  for (int64_t number = 0; number < 200; ++number) {
    refused += node.WriteBatch("first", number).result.has_value() ? 0 : 1;
  }
  REQUIRE(refused > 10);
  const size_t failed = log.Count("table.flush");
  REQUIRE(failed > 0);
  REQUIRE(failed <= 4);
  node.data().ClearRules();
  node.Pass(5 * kNanosPerSecond);
  REQUIRE(node.WriteBatch("first", 1000).result.has_value());
}

TEST_CASE("series that are new count with their rows", "[database]") {
  Node node;
  const size_t before = node.rows_in_memory();
  std::vector<NodeRow> rows(kRowsOfBatch);
  for (size_t i = 0; i < rows.size(); ++i) rows[i].host = static_cast<int64_t>(i);
  for (NodeRow& row : rows) row.time = node.now();
  REQUIRE(node.Write("first", "m", rows).result.has_value());
  const size_t with_series = node.rows_in_memory() - before;
  REQUIRE(node.Write("first", "m", rows).result.has_value());
  const size_t without = node.rows_in_memory() - before - with_series;
  REQUIRE(with_series >= without + kRowsOfBatch * sizeof(SeriesEntry));
}

}  // namespace
}  // namespace ficus
