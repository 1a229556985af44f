#include "engine/database/restore_journal.h"

#include <string>

#include <catch2/catch.hpp>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"
#include "engine/schema/own_objects.h"

namespace ficus {
namespace {

RestoreJournal Sample() {
  RestoreJournal journal;
  journal.id = 0x1122334455667788;
  journal.state = RestoreState::kReady;
  journal.whole_node = false;
  journal.source = "file:///var/backups/ficus";
  journal.timedir = "2026-11-20";
  journal.generation = 3;
  journal.run = "20261120T093015-1f";
  journal.backup_node_id = 7;
  journal.backup_position = LogPosition(900);
  journal.backup_scn = Scn(1000);
  journal.taken_at = 1'795'159'800 * kNanosPerSecond;
  journal.file_count = 12;
  journal.file_bytes = 34567;
  journal.begun_at = journal.taken_at + 1;
  journal.ended_at = journal.taken_at + 2;
  journal.whole_catalogs = {Catalog::kStream, Catalog::kMeasure};
  journal.groups = {{Catalog::kMeasure, "sw_metric", GroupId(1), GroupId(2)},
                    {Catalog::kStream, "sw_record", GroupId(3), GroupId(4)}};
  SchemaObject group = DeletionTaskGroup();
  group.group_id = GroupId(9);
  group.mod_revision = 4;
  journal.objects = {group};
  journal.markers = {"measure/time-dir", "stream-time-dir"};
  journal.node_id = 8;
  journal.position = LogPosition(901);
  journal.scn = Scn(1001);
  journal.aside = {"identity", "measure/data"};
  journal.log_aside = {"0000000000000001.log", "parked"};
  journal.reason = "no space";
  return journal;
}

TEST_CASE("a restore journal is read as it was written", "[database][restore]") {
  const RestoreJournal journal = Sample();
  const auto decoded = DecodeRestoreJournal(EncodeRestoreJournal(journal));
  REQUIRE(decoded.has_value());
  REQUIRE(*decoded == journal);
}

TEST_CASE("a restore journal with any bit flipped or any byte missing is corrupt",
          "[database][restore]") {
  const std::string bytes = EncodeRestoreJournal(Sample());
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    const auto decoded = DecodeRestoreJournal(flipped);
    REQUIRE_FALSE(decoded.has_value());
    REQUIRE(decoded.error().code == ErrorCode::kCorruption);
    REQUIRE_FALSE(DecodeRestoreJournal(bytes.substr(0, at)).has_value());
  }
}

TEST_CASE("a restore journal of a later version is refused as such", "[database][restore]") {
  std::string bytes = EncodeRestoreJournal(Sample());
  bytes.resize(bytes.size() - 4);
  bytes[8] = 2;
  PutLittle(bytes, Crc32c(bytes));
  const auto decoded = DecodeRestoreJournal(bytes);
  REQUIRE_FALSE(decoded.has_value());
  REQUIRE(decoded.error().code == ErrorCode::kUnsupportedVersion);
}

TEST_CASE("a restore journal whose names lead out of their folder is corrupt",
          "[database][restore]") {
  RestoreJournal journal = Sample();
  SECTION("marker") { journal.markers = {"../time-dir"}; }
  SECTION("aside") { journal.aside = {"/etc"}; }
  SECTION("log") { journal.log_aside = {"a/b"}; }
  SECTION("group") { journal.groups[0].name = "../x"; }
  SECTION("the schema's group") { journal.groups[0].name = "_schema"; }
  const auto decoded = DecodeRestoreJournal(EncodeRestoreJournal(journal));
  REQUIRE_FALSE(decoded.has_value());
  REQUIRE(decoded.error().code == ErrorCode::kCorruption);
}

TEST_CASE("a hold on retention is durable and is lifted once", "[database][restore]") {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  REQUIRE(*IsRetentionHeld(*fs, GroupId(5)) == false);
  REQUIRE(HoldRetention(*fs, random, GroupId(5)).has_value());
  const auto after = fs->Crash(random, MemoryFileSystem::NameOrder::kWeak);
  REQUIRE(*IsRetentionHeld(*after, GroupId(5)) == true);
  REQUIRE(*IsRetentionHeld(*after, GroupId(6)) == false);
  REQUIRE(ReleaseRetention(*after, GroupId(5)).has_value());
  REQUIRE(ReleaseRetention(*after, GroupId(5)).has_value());
  REQUIRE(*IsRetentionHeld(*after, GroupId(5)) == false);
}

}  // namespace
}  // namespace ficus
