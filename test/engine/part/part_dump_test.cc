#include "engine/part/part_dump.h"

#include <catch2/catch.hpp>

#include "test/engine/part/part_disk.h"
#include "test/engine/part/row_model.h"
#include "test/support/golden.h"

namespace ficus {
namespace {

std::shared_ptr<const Part> WriteExample(PartDisk& disk) {
  std::vector<PlainRow> rows = {{5, 1000, 1000, 7}, {9, 1000, 1000, 8}};
  for (int64_t i = 0; i < 200; ++i) rows.push_back({20, i * 60, 1, i % 10});
  return disk.Write({PlainBatch(0x1111, rows)}, {{SubjectId(0x1111), SeriesId(5), "svc|a"}},
                    disk.Options());
}

}  // namespace

TEST_CASE("a part is shown as its footer, sections and blocks", "[part][golden]") {
  PartDisk disk;
  const auto part = WriteExample(disk);
  const auto text = DumpPart(*disk.fs, part->path(), {});
  REQUIRE(text.has_value());
  CheckGolden("part/dump.txt", *text);
  const auto limited = DumpPart(*disk.fs, part->path(), {.items = 0});
  REQUIRE(limited.has_value());
  REQUIRE(limited->find("1 more blocks\n") != std::string::npos);
}

TEST_CASE("verification says what it checked, or which bytes are bad", "[part]") {
  PartDisk disk;
  const auto part = WriteExample(disk);
  const auto good = VerifyPart(*disk.fs, part->path());
  REQUIRE(good.has_value());
  REQUIRE(good->find("good") != std::string::npos);
  REQUIRE(disk.fs->FlipBits(part->path(), 20, 1).has_value());
  const auto bad = VerifyPart(*disk.fs, part->path());
  REQUIRE(!bad.has_value());
  REQUIRE(bad.error().message.find("bytes [16, ") != std::string::npos);
  REQUIRE(bad.error().message.find(part->path()) != std::string::npos);
}

}  // namespace ficus
