#include "server/backup/repository_records.h"

#include <catch2/catch.hpp>

#include "server/backup/record_text.h"
#include "test/server/backup/sample_backup.h"

namespace ficus {
namespace {

PendingRecord Pending() { return {"run-1", "2026-11-20", 3, 7, 9, "hourly", 1234}; }
HoldRecord Hold() { return {"restore-1", "2026-11-20", "a restore", 99}; }

ExpiredRecord Expired() {
  ExpiredRecord expired{"2026-11-20", "no rule keeps it", 5, 0, {}};
  for (const uint64_t generation : {1, 3}) {
    SampleBackup sample;
    sample.generation = generation;
    const BackupManifest manifest = SampleManifest(sample);
    expired.commits.push_back(CommitOf(manifest, EncodeBackupManifest(manifest), 4, 6));
  }
  return expired;
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  REQUIRE(text.find(from) != std::string::npos);
  text.replace(text.find(from), from.size(), to);
  return WithMendedChecksum(text);
}

TEST_CASE("markers, holds and tombstones come back as they were", "[backup]") {
  REQUIRE(DecodePending(EncodePending(Pending())).value() == Pending());
  REQUIRE(DecodeHold(EncodeHold(Hold())).value() == Hold());
  REQUIRE(DecodeExpired(EncodeExpired(Expired())).value() == Expired());
}

TEST_CASE("a marker, hold or tombstone for another place is corruption", "[backup]") {
  for (const char* timedir : {"..", "_meta", "2026-13-01", ""}) {
    CAPTURE(timedir);
    REQUIRE_FALSE(DecodePending(Replaced(EncodePending(Pending()), "2026-11-20", timedir)));
    REQUIRE_FALSE(DecodeHold(Replaced(EncodeHold(Hold()), "2026-11-20", timedir)));
    REQUIRE_FALSE(DecodeExpired(Replaced(EncodeExpired(Expired()), "2026-11-20", timedir)));
  }
  REQUIRE_FALSE(DecodePending(Replaced(EncodePending(Pending()), "run-1", "a/b")));
  REQUIRE_FALSE(DecodeHold(Replaced(EncodeHold(Hold()), "restore-1", "../x")));
  REQUIRE_FALSE(
      DecodeExpired(Replaced(EncodeExpired(Expired()), "\"generation\": 3", "\"generation\": 1")));
  REQUIRE_FALSE(DecodeHold(EncodePending(Pending())));
}

}  // namespace
}  // namespace ficus
