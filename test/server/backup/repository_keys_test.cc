#include "server/backup/repository_keys.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("records have names that sort by generation", "[backup]") {
  REQUIRE(ManifestKey("2026-11-20", 1) == "_meta/timedir/2026-11-20/manifest-0000000000000001");
  REQUIRE(CommitKey("2026-11-20-09", 26) == "_meta/timedir/2026-11-20-09/commit-000000000000001a");
  REQUIRE(VerifiedKey("2026-11-20", 2) == "_meta/timedir/2026-11-20/verified-0000000000000002");
  REQUIRE(PendingKey("5f2a") == "_meta/pending/5f2a");
  REQUIRE(HoldKey("r-1") == "_meta/hold/r-1");
  REQUIRE(ExpiredKey("2026-11-20") == "_meta/expired/2026-11-20");
}

TEST_CASE("files lie where BanyanDB's tools look for them", "[backup]") {
  const std::string path = "sw/seg-20261120/shard-0/2a.part";
  REQUIRE(FileKey(TimedirForm::kReleased, "2026-11-20", "measure", path) ==
          "2026-11-20/measure/sw/seg-20261120/shard-0/2a.part");
  REQUIRE(FileKey(TimedirForm::kReleased, "2026-11-20", "property", "ui/shard-0/2a.part") ==
          "2026-11-20/property/data/ui/shard-0/2a.part");
  REQUIRE(FileKey(TimedirForm::kReleased, "2026-11-20", "schema-property", "s/2a.part") ==
          "2026-11-20/schema-property/data/s/2a.part");
  REQUIRE(FileKey(TimedirForm::kSeed, "2026-11-20", "measure", path) ==
          "2026-11-20/measure/data/sw/seg-20261120/shard-0/2a.part");
}

TEST_CASE("the key of a record tells what it is", "[backup]") {
  const std::optional<CommitName> commit = ParseCommitKey(CommitKey("2026-11-20-09", 26));
  REQUIRE(commit);
  REQUIRE(commit->timedir == "2026-11-20-09");
  REQUIRE(commit->generation == 26);
  REQUIRE_FALSE(ParseCommitKey(ManifestKey("2026-11-20", 1)));
  const auto record = ParseTimedirRecordKey(VerifiedKey("2026-11-20", 3));
  REQUIRE(record);
  REQUIRE(record->kind == TimedirRecordKind::kVerified);
  REQUIRE(record->generation == 3);
  for (const char* key :
       {"", "_meta/timedir/", "_meta/timedir/x/commit-0000000000000001",
        "_meta/timedir/2026-11-20/commit-1", "_meta/timedir/2026-11-20/commit-00000000000000010",
        "_meta/timedir/2026-11-20/other-0000000000000001", "_meta/timedir/2026-11-20",
        "meta/timedir/2026-11-20/commit-0000000000000001"}) {
    CAPTURE(key);
    REQUIRE_FALSE(ParseTimedirRecordKey(key));
    REQUIRE_FALSE(ParseCommitKey(key));
  }
}

TEST_CASE("a time directory is named by a day or an hour that exists", "[backup]") {
  const CivilHour time{2026, 3, 9, 7};
  REQUIRE(TimedirName(TimeStyle::kDaily, time) == "2026-03-09");
  REQUIRE(TimedirName(TimeStyle::kHourly, time) == "2026-03-09-07");
  REQUIRE(IsTimedirName("2026-03-09"));
  REQUIRE(IsTimedirName("2024-02-29-23"));
  for (const char* name : {"", ".", "..", "_meta", "2026-3-9", "2026-02-29", "2026-03-09-24",
                           "2026-03-09-7", "2026-03-09/", "2026/03/09", "2026-03-09-0x"}) {
    CAPTURE(name);
    REQUIRE_FALSE(IsTimedirName(name));
  }
}

TEST_CASE("a path that could leave its folder is not safe", "[backup]") {
  REQUIRE(IsSafePath("a"));
  REQUIRE(IsSafePath("a/..b/c."));
  for (const std::string& path :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"), std::string(".."),
        std::string("a/../b"), std::string("./a"), std::string("a\\b"), std::string("a\nb"),
        std::string("a\0b", 3), std::string(1000, 'x')}) {
    CAPTURE(path);
    REQUIRE_FALSE(IsSafePath(path));
  }
}

}  // namespace
}  // namespace ficus
