#include "server/backup/manifest.h"

#include <chrono>

#include <catch2/catch.hpp>

#include "server/backup/record_text.h"
#include "server/backup/repository_keys.h"
#include "test/server/backup/sample_backup.h"
#include "test/support/golden.h"

namespace ficus {
namespace {

BackupManifest Small() {
  SampleBackup sample;
  sample.objects = 4;
  return SampleManifest(sample);
}

VerificationRecord Verification(const CommitRecord& commit) {
  VerificationRecord verification;
  verification.timedir = commit.timedir;
  verification.generation = commit.generation;
  verification.commit_run = commit.run;
  verification.objects_read = commit.object_count;
  verification.bytes_read = commit.object_bytes;
  verification.verified_at = 17;
  return verification;
}

ErrorCode CodeOf(const BackupManifest& manifest) {
  return DecodeBackupManifest(EncodeBackupManifest(manifest)).error().code;
}

TEST_CASE("the bytes of the records are pinned", "[backup]") {
  BackupManifest manifest = Small();
  manifest.missing = {"group sw_old: shard 3 is set aside"};
  const std::string bytes = EncodeBackupManifest(manifest);
  const CommitRecord commit = CommitOf(manifest, bytes, 12, manifest.taken_at + 1);
  VerificationRecord verification = Verification(commit);
  verification.damaged = {{manifest.objects[0].key, "missing"}};
  verification.notes = {"1 object that the manifest does not name"};
  CheckGolden("backup/manifest.json", bytes);
  CheckGolden("backup/commit.json", EncodeCommit(commit));
  CheckGolden("backup/verified.json", EncodeVerification(verification));
  REQUIRE(DecodeBackupManifest(bytes).value() == manifest);
  REQUIRE(DecodeCommit(EncodeCommit(commit)).value() == commit);
  REQUIRE(DecodeVerification(EncodeVerification(verification)).value() == verification);
  REQUIRE(commit.degraded);
}

TEST_CASE("records from before scopes were written are read", "[backup][scope]") {
  BackupManifest manifest = Small();
  manifest.scope = "";
  const std::string bytes = EncodeBackupManifest(manifest);
  REQUIRE(bytes.find("\"scope\"") == std::string::npos);
  REQUIRE(DecodeBackupManifest(bytes).value() == manifest);
  const CommitRecord commit = CommitOf(manifest, bytes, 12, 1);
  REQUIRE(EncodeCommit(commit).find("\"scope\"") == std::string::npos);
  REQUIRE(DecodeCommit(EncodeCommit(commit)).value() == commit);
}

TEST_CASE("a manifest without anything in it is one", "[backup]") {
  BackupManifest manifest = Small();
  manifest.objects.clear();
  manifest.catalogs.clear();
  manifest.form = TimedirForm::kSeed;
  REQUIRE(DecodeBackupManifest(EncodeBackupManifest(manifest)).value() == manifest);
}

TEST_CASE("a path or key that could leave its folder is corruption", "[backup]") {
  for (const char* path : {"", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "a\\b"}) {
    CAPTURE(path);
    BackupManifest manifest = Small();
    BackupObject& object = manifest.objects.front();
    object.path = path;
    object.key = FileKey(manifest.form, manifest.timedir, object.folder, object.path);
    REQUIRE(CodeOf(manifest) == ErrorCode::kCorruption);
    REQUIRE_FALSE(CheckManifest(manifest).has_value());
  }
  for (const char* folder : {"", "..", "a/b", "/", "stream"}) {
    CAPTURE(folder);
    BackupManifest manifest = Small();
    manifest.objects.front().folder = folder;
    REQUIRE(CodeOf(manifest) == ErrorCode::kCorruption);
  }
  for (const char* folder : {"", "..", "a/b", "measure"}) {
    CAPTURE(folder);
    BackupManifest manifest = Small();
    manifest.catalogs.push_back({folder, Catalog::kStream, {}});
    REQUIRE(CodeOf(manifest) == ErrorCode::kCorruption);
  }
  for (const char* group : {"", "..", "a/b", "a"}) {
    CAPTURE(group);
    BackupManifest manifest = Small();
    manifest.catalogs[1].groups.push_back({group, GroupId(9)});
    REQUIRE(CodeOf(manifest) == ErrorCode::kCorruption);
  }
  for (const char* timedir : {"", "..", "_meta", "2026-11-31"}) {
    CAPTURE(timedir);
    BackupManifest manifest = Small();
    manifest.timedir = timedir;
    REQUIRE(CodeOf(manifest) == ErrorCode::kCorruption);
  }
  BackupManifest manifest = Small();
  manifest.objects.back().key = "_meta/lease";
  REQUIRE_FALSE(CheckManifest(manifest).has_value());
}

TEST_CASE("an object twice, or out of order, is corruption", "[backup]") {
  BackupManifest twice = Small();
  twice.objects.insert(twice.objects.begin(), twice.objects.front());
  REQUIRE(CodeOf(twice) == ErrorCode::kCorruption);
  BackupManifest unsorted = Small();
  std::swap(unsorted.objects[0], unsorted.objects[1]);
  REQUIRE(CodeOf(unsorted) == ErrorCode::kCorruption);
}

TEST_CASE("a commit record names its own manifest only", "[backup]") {
  const BackupManifest manifest = Small();
  const CommitRecord good = CommitOf(manifest, EncodeBackupManifest(manifest), 1, 2);
  CommitRecord commit = good;
  commit.manifest_key = ManifestKey("2026-11-19", 1);
  REQUIRE(DecodeCommit(EncodeCommit(commit)).error().code == ErrorCode::kCorruption);
  commit = good;
  commit.manifest_bytes = kBackupManifestBytesMax + 1;
  REQUIRE(DecodeCommit(EncodeCommit(commit)).error().code == ErrorCode::kCorruption);
  commit = good;
  commit.run = "../run";
  REQUIRE(DecodeCommit(EncodeCommit(commit)).error().code == ErrorCode::kCorruption);
  REQUIRE(DecodeCommit(EncodeBackupManifest(manifest)).error().code == ErrorCode::kCorruption);
}

TEST_CASE("a manifest that is not what its commit says is corruption", "[backup]") {
  const BackupManifest manifest = Small();
  const std::string bytes = EncodeBackupManifest(manifest);
  const CommitRecord good = CommitOf(manifest, bytes, 1, 2);
  REQUIRE(DecodeManifestOf(good, bytes).value() == manifest);

  std::vector<CommitRecord> bad(8, good);
  bad[0].manifest_bytes += 1;
  bad[1].manifest_sha256[31] ^= 1;
  bad[2].object_count += 1;
  bad[3].object_bytes -= 1;
  bad[4].run = "run-2";
  bad[5].generation = 2;
  bad[6].degraded = true;
  bad[7].node_id = 8;
  for (size_t i = 0; i < bad.size(); ++i) {
    CAPTURE(i);
    REQUIRE(DecodeManifestOf(bad[i], bytes).error().code == ErrorCode::kCorruption);
  }
}

TEST_CASE("only a full verification of this sound commit makes a backup verified", "[backup]") {
  const BackupManifest manifest = Small();
  const CommitRecord commit = CommitOf(manifest, EncodeBackupManifest(manifest), 1, 2);
  const VerificationRecord good = Verification(commit);
  REQUIRE(CountsAsVerified(commit, good));
  CommitRecord degraded = commit;
  degraded.degraded = true;
  REQUIRE_FALSE(CountsAsVerified(degraded, good));
  std::vector<VerificationRecord> bad(6, good);
  bad[0].level = VerifyLevel::kSample;
  bad[1].level = VerifyLevel::kQuick;
  bad[2].damaged = {{"k", "missing"}};
  bad[3].commit_run = "run-2";
  bad[4].generation = 2;
  bad[5].timedir = "2026-11-21";
  for (const VerificationRecord& each : bad) REQUIRE_FALSE(CountsAsVerified(commit, each));
}

TEST_CASE("a manifest of 10,000 objects is written and read", "[backup]") {
  SampleBackup sample;
  sample.objects = 10'000;
  const BackupManifest manifest = SampleManifest(sample);
  const auto begin = std::chrono::steady_clock::now();
  const std::string bytes = EncodeBackupManifest(manifest);
  const auto encoded = std::chrono::steady_clock::now();
  const Result<BackupManifest> read = DecodeBackupManifest(bytes);
  const auto decoded = std::chrono::steady_clock::now();
  REQUIRE(read.has_value());
  REQUIRE(*read == manifest);
  const auto millis = [](auto duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
  };
  WARN(bytes.size() << " bytes, encoded in " << millis(encoded - begin) << " ms, decoded in "
                    << millis(decoded - encoded) << " ms");
}

}  // namespace
}  // namespace ficus
