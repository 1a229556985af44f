#include "engine/snapshot/snapshot_name.h"

#include <string>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("a snapshot is called after its second in UTC and a number", "[snapshot]") {
  REQUIRE(SnapshotName(1'795'159'815LL * kNanosPerSecond + 999, 42) == "20261120073015-0000002A");
  REQUIRE(SnapshotName(0, 0xffffffff) == "19700101000000-FFFFFFFF");
  REQUIRE(SnapshotName(-1, 1) == "19691231235959-00000001");
  // The next leap day, one second before its end.
  REQUIRE(SnapshotName(1'835'481'599LL * kNanosPerSecond, 1) == "20280229235959-00000001");
}

TEST_CASE("only names of snapshots are names of snapshots", "[snapshot]") {
  REQUIRE(IsSnapshotName("20261120093015-0000002A"));
  for (const std::string name :
       {"", "20261120093015-0000002a", "20261120093015_0000002A", "2026112009301-0000002A",
        "20261120093015-0000002A/", "../20261120093015-00000", "20261120093015-0000002AB"}) {
    CAPTURE(name);
    REQUIRE(!IsSnapshotName(name));
    REQUIRE(CheckSnapshotName(name).error().code == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("the list of a snapshot is found again by its file name", "[snapshot]") {
  std::string id;
  REQUIRE(SnapshotContentsPath("20261120093015-0000002A") ==
          "snapshots/20261120093015-0000002A.contents");
  REQUIRE(ParseSnapshotContentsName("20261120093015-0000002A.contents", id));
  REQUIRE(id == "20261120093015-0000002A");
  REQUIRE(!ParseSnapshotContentsName("20261120093015-0000002A.contents.tmp", id));
  REQUIRE(!ParseSnapshotContentsName("x.contents", id));
}

TEST_CASE("the folders stand in BanyanDB's order", "[snapshot]") {
  REQUIRE(SnapshotFolderRank("schema-property") == 0);
  REQUIRE(SnapshotFolderRank("property") == 1);
  REQUIRE(SnapshotFolderRank("measure") == 2);
  REQUIRE(SnapshotFolderRank("stream") == 3);
  REQUIRE(SnapshotFolderRank("trace") == 4);
  REQUIRE(SnapshotFolderRank("data") == -1);
}

}  // namespace
}  // namespace ficus
