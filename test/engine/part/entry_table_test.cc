#include "engine/part/entry_table.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

std::vector<SeriesEntry> Entries(size_t count) {
  SeededRandom random(5);
  std::vector<SeriesEntry> entries;
  uint64_t series = 0;
  for (size_t i = 0; i < count; ++i) {
    series += 1 + random.Below(uint64_t{1} << 40);
    entries.push_back({SubjectId(i < count / 2 ? 1 : 2), SeriesId(series),
                       "service_cpm|service-" + std::to_string(i) + "|"});
  }
  return entries;
}

struct Table {
  std::string entities;
  std::string index;
};
Table Write(const std::vector<SeriesEntry>& entries) {
  Table table;
  EntryTableWriter writer(9, 16, Effort::kFast, [&](std::string_view bytes) {
    table.entities.append(bytes);
    return Ok();
  });
  for (const SeriesEntry& entry : entries) REQUIRE(writer.Add(entry).has_value());
  REQUIRE(writer.Finish().has_value());
  REQUIRE(writer.entries() == entries.size());
  table.index = writer.index();
  return table;
}

Section SectionOf(const Table& table) {
  return {SectionKind::kEntities, false, 16, table.entities.size(), 0};
}

Result<std::vector<SeriesEntry>> Read(const Table& table) {
  ASSIGN_OR_RETURN(const auto blocks, DecodeEntryIndex(table.index, SectionOf(table)));
  std::vector<SeriesEntry> all;
  for (const EntryBlock& block : blocks) {
    ASSIGN_OR_RETURN(
        const auto entries,
        DecodeEntryBlock(
            std::string_view(table.entities).substr(block.extent.offset - 16, block.extent.bytes),
            block));
    for (size_t i = 0; i < entries.size(); ++i) all.push_back(entries.entry(i));
  }
  return all;
}

}  // namespace

TEST_CASE("series entries come back from their blocks", "[part]") {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{2}, size_t{1024}, size_t{5000}}) {
    CAPTURE(count);
    const auto entries = Entries(count);
    const auto read = Read(Write(entries));
    REQUIRE(read.has_value());
    REQUIRE((*read == entries));
  }
}

TEST_CASE("large and empty entities come back", "[part]") {
  std::vector<SeriesEntry> entries = Entries(4);
  entries[0].entity.clear();
  entries[1].entity.assign(3 << 20, 'x');
  const auto read = Read(Write(entries));
  REQUIRE(read.has_value());
  REQUIRE((*read == entries));

  EntryTableWriter writer(9, 16, Effort::kFast, [](std::string_view) { return Ok(); });
  REQUIRE(writer.Add({SubjectId(1), SeriesId(1), std::string(40 << 20, 'x')}).error().code ==
          ErrorCode::kInvalidArgument);
}

TEST_CASE("damaged entries are refused, never more", "[part][damage]") {
  const Table good = Write(Entries(50));
  SeededRandom random(TestSeed(2));
  const std::vector<SeriesEntry> truth = Entries(50);
  for (size_t at = 0; at < good.entities.size(); ++at) {
    Table bad = good;
    bad.entities[at] = static_cast<char>(random.Next());
    const auto read = Read(bad);
    if (read.has_value()) REQUIRE(read->size() == truth.size());
  }
  for (size_t bytes = 0; bytes < good.entities.size(); ++bytes) {
    Table bad = good;
    bad.entities.resize(bytes);
    REQUIRE(!Read(bad).has_value());
  }
  for (size_t at = 0; at < good.index.size(); ++at) {
    // The checksum of a block is looked at by whoever reads it from a file.
    if (at % kEntryRecordBytes >= 40 && at % kEntryRecordBytes < 44) continue;
    Table bad = good;
    bad.index[at] = static_cast<char>(bad.index[at] ^ 1);
    CAPTURE(at);
    REQUIRE(!Read(bad).has_value());
  }
}

}  // namespace ficus
