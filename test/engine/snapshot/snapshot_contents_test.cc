#include "engine/snapshot/snapshot_contents.h"

#include <functional>
#include <string>

#include <catch2/catch.hpp>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"

namespace ficus {
namespace {

SnapshotContents Sample() {
  SnapshotContents contents;
  contents.id = "20261120093015-0000002A";
  contents.node_id = 11;
  contents.log = LogId(12);
  contents.position = LogPosition(13);
  contents.scn = Scn(14);
  contents.taken_at = 15;
  contents.whole_node = false;
  CatalogSnapshot schema;
  schema.folder = "schema-property";
  schema.catalog = Catalog::kProperty;
  schema.name = "20261120093015-0000002A";
  schema.groups = {{"_schema", GroupId(1)}};
  schema.files = {{"_schema/identity", 30, 77, false},
                  {"_schema/shard-0/000000000000002a.part", 4096, 78, true}};
  CatalogSnapshot measure;
  measure.folder = "measure";
  measure.catalog = Catalog::kMeasure;
  measure.name = "20261120093015-00000001";
  measure.groups = {{"a", GroupId(2)}, {"b", GroupId(3)}};
  measure.files = {{"b/identity", 30, 79, false}};
  measure.error = "group c does not exist";
  contents.catalogs = {schema, measure};
  return contents;
}

std::string Mended(std::string bytes) {
  bytes.resize(bytes.size() - 4);
  PutLittle(bytes, Crc32c(bytes));
  return bytes;
}

TEST_CASE("the list of a snapshot comes back as it was", "[snapshot]") {
  const Result<SnapshotContents> decoded = DecodeSnapshotContents(EncodeSnapshotContents(Sample()));
  REQUIRE(decoded.has_value());
  REQUIRE(*decoded == Sample());
}

TEST_CASE("every cut and every flipped bit of the list of a snapshot is noticed", "[snapshot]") {
  const std::string bytes = EncodeSnapshotContents(Sample());
  for (size_t length = 0; length < bytes.size(); ++length) {
    REQUIRE(DecodeSnapshotContents(bytes.substr(0, length)).error().code == ErrorCode::kCorruption);
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    REQUIRE(DecodeSnapshotContents(flipped).error().code == ErrorCode::kCorruption);
  }
}

TEST_CASE("the list of a snapshot of a later version or with unknown features is refused",
          "[snapshot]") {
  for (const size_t offset : {size_t{8}, size_t{12}}) {
    std::string bytes = EncodeSnapshotContents(Sample());
    bytes[offset] = static_cast<char>(bytes[offset] + 1);
    REQUIRE(DecodeSnapshotContents(Mended(bytes)).error().code == ErrorCode::kUnsupportedVersion);
  }
}

TEST_CASE("a list that says what no snapshot holds is refused although its checksum is right",
          "[snapshot]") {
  const std::vector<std::function<void(SnapshotContents&)>> lies = {
      [](SnapshotContents& c) { c.id = "../../etc"; },
      [](SnapshotContents& c) { c.catalogs[1].name = "20261120093015-0000002a"; },
      [](SnapshotContents& c) { c.catalogs[1].folder = "elsewhere"; },
      [](SnapshotContents& c) { c.catalogs[1].folder = "stream"; },
      [](SnapshotContents& c) { c.catalogs[0].catalog = Catalog::kMeasure; },
      [](SnapshotContents& c) { c.catalogs[1].catalog = static_cast<Catalog>(9); },
      [](SnapshotContents& c) { std::swap(c.catalogs[0], c.catalogs[1]); },
      [](SnapshotContents& c) { c.catalogs.push_back(c.catalogs[1]); },
      [](SnapshotContents& c) { std::swap(c.catalogs[1].groups[0], c.catalogs[1].groups[1]); },
      [](SnapshotContents& c) { c.catalogs[1].groups[0].name = ".."; },
      [](SnapshotContents& c) { c.catalogs[1].files[0].path = "c/identity"; },
      [](SnapshotContents& c) { c.catalogs[1].files[0].path = "b/../../../x"; },
      [](SnapshotContents& c) { c.catalogs[1].files[0].path = "/b/identity"; },
      [](SnapshotContents& c) { std::swap(c.catalogs[0].files[0], c.catalogs[0].files[1]); },
      [](SnapshotContents& c) { c.catalogs[1].files.push_back(c.catalogs[1].files[0]); },
  };
  for (size_t i = 0; i < lies.size(); ++i) {
    CAPTURE(i);
    SnapshotContents contents = Sample();
    lies[i](contents);
    REQUIRE(DecodeSnapshotContents(EncodeSnapshotContents(contents)).error().code ==
            ErrorCode::kCorruption);
  }
}

TEST_CASE("a count beyond what is left allocates nothing", "[snapshot]") {
  SnapshotContents contents = Sample();
  contents.catalogs.clear();
  std::string bytes = EncodeSnapshotContents(contents);
  // The last byte in front of the checksum counts the catalogs.
  bytes.insert(bytes.size() - 5, "\xff\xff\xff\x7f");
  StoreLittle<uint64_t>(bytes.data() + 16, bytes.size() - 28);
  REQUIRE(DecodeSnapshotContents(Mended(bytes)).error().code == ErrorCode::kCorruption);
}

TEST_CASE("the paths of a catalog begin where BanyanDB has them", "[snapshot]") {
  const SnapshotContents contents = Sample();
  REQUIRE(SnapshotFolder(contents.catalogs[0]) ==
          "schema-property/snapshots/20261120093015-0000002A/data");
  REQUIRE(SnapshotFolder(contents.catalogs[1]) == "measure/snapshots/20261120093015-00000001");
}

}  // namespace
}  // namespace ficus
