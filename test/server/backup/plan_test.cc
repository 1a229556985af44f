#include "server/backup/plan.h"

#include <chrono>
#include <cstdio>
#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "engine/base/id.h"
#include "engine/encoding/checksum.h"
#include "engine/table/manifest.h"

namespace ficus {
namespace {

struct Scene {
  SnapshotContents contents;
  std::vector<KnownBackup> known;
  std::vector<JournaledObject> done;
  std::map<std::string, Sha256> hash_of;  // by path; others as HashOf() says
  bool can_copy = true;
  int hashed = 0;

  Scene() {
    CatalogSnapshot measure;
    measure.folder = "measure";
    measure.groups = {{"g", GroupId(5)}};
    contents.catalogs = {measure};
  }

  SnapshotFile& Add(uint64_t number) {
    SnapshotFile file;
    file.path = Path(number);
    file.size_bytes = 1000 + number;
    file.checksum = static_cast<uint32_t>(number);
    file.is_section_file = true;
    return contents.catalogs[0].files.emplace_back(file);
  }

  static std::string Path(uint64_t number) { return "g/shard-0/" + Hex16(number) + ".part"; }
  static std::string Key(std::string_view place, uint64_t number) {
    return std::string(place) + "/measure/" + Path(number);
  }
  static Sha256 HashOf(const SnapshotFile& file) {
    return Sha256Of(std::to_string(file.size_bytes) + std::to_string(file.checksum));
  }

  // What a backup of the files as they are would have committed.
  KnownBackup& Backup(const std::string& place) {
    KnownBackup& backup = known.emplace_back();
    backup.place = place;
    for (const SnapshotFile& file : contents.catalogs[0].files) {
      BackupObject object;
      object.folder = "measure";
      object.path = file.path;
      object.key = place + "/measure/" + file.path;
      object.size_bytes = file.size_bytes;
      object.checksum = file.checksum;
      object.is_section_file = true;
      object.group = GroupId(5);
      object.sha256 = HashOf(file);
      backup.manifest.objects.push_back(object);
    }
    return backup;
  }

  BackupPlan Plan(const std::string& place) {
    const PlanRequest request = {
        .contents = contents,
        .place = place,
        .key_of =
            [&](std::string_view folder, std::string_view path) {
              return place + "/" + std::string(folder) + "/" + std::string(path);
            },
        .known = known,
        .done = done,
        .can_copy = can_copy,
        .hash = [this](const CatalogSnapshot&, const SnapshotFile& file) -> Result<Sha256> {
          ++hashed;
          const auto known_hash = hash_of.find(file.path);
          return known_hash != hash_of.end() ? known_hash->second : HashOf(file);
        }};
    auto plan = MakePlan(request);
    REQUIRE(plan.has_value());
    return *plan;
  }
};

}  // namespace

TEST_CASE("what lies in its place is kept, what lies elsewhere copied, the rest sent",
          "[backup][plan]") {
  Scene scene;
  for (uint64_t i = 1; i <= 3; ++i) scene.Add(i);
  scene.Backup("a");
  scene.Add(4);
  scene.Backup("b");
  scene.Add(5);
  const BackupPlan plan = scene.Plan("a");
  REQUIRE(plan.files.size() == 5);
  REQUIRE(plan.files[0].route == ObjectRoute::kKept);
  REQUIRE(plan.files[3].route == ObjectRoute::kCopied);
  REQUIRE(plan.files[3].copy_from == Scene::Key("b", 4));
  REQUIRE(plan.files[4].route == ObjectRoute::kSent);
  REQUIRE(scene.hashed == 0);
  REQUIRE(plan.counts.files_total == 5);
  REQUIRE(plan.counts.files_kept == 3);
  REQUIRE(plan.counts.files_copied == 1);
  REQUIRE(plan.counts.files_sent == 1);
}

TEST_CASE("an equal name with another size, checksum or group decides nothing", "[backup][plan]") {
  Scene scene;
  scene.Add(1);
  scene.Backup("a");
  SECTION("size") { scene.contents.catalogs[0].files[0].size_bytes += 1; }
  SECTION("checksum") { scene.contents.catalogs[0].files[0].checksum += 1; }
  const BackupPlan there = scene.Plan("a");
  REQUIRE(there.conflicts == (scene.contents.catalogs[0].files[0].size_bytes == 1001 &&
                                      scene.contents.catalogs[0].files[0].checksum == 1
                                  ? std::vector<std::string>{}
                                  : std::vector<std::string>{Scene::Key("a", 1)}));
  const BackupPlan elsewhere = scene.Plan("b");
  REQUIRE(elsewhere.conflicts.empty());
}

TEST_CASE("where the name says nothing the content does", "[backup][plan]") {
  Scene scene;
  scene.Add(1);
  scene.Backup("a");
  scene.contents.catalogs[0].groups[0].id = GroupId(6);
  REQUIRE(scene.Plan("a").files[0].route == ObjectRoute::kKept);
  REQUIRE(scene.hashed == 1);
  REQUIRE(scene.Plan("b").files[0].route == ObjectRoute::kCopied);
  // Looks the same and is not.
  scene.known[0].manifest.objects[0].sha256[0] ^= 1;
  REQUIRE(scene.Plan("b").files[0].route == ObjectRoute::kSent);
}

// The CRC-32C of bytes that end with their own CRC-32C is a constant: it tells no manifests apart.
TEST_CASE("a manifest is not taken for another one of its name and size", "[backup][plan]") {
  Manifest before;
  before.epoch = Epoch(5);
  Manifest after = before;
  after.flushed = LogPosition(9);
  const std::string old_bytes = EncodeManifest(before);
  const std::string new_bytes = EncodeManifest(after);
  REQUIRE(Crc32c(old_bytes) == Crc32c(new_bytes));

  Scene scene;
  SnapshotFile& file = scene.Add(1);
  file = {"g/shard-0/" + ManifestFileName(before.epoch), old_bytes.size(), Crc32c(old_bytes),
          false};
  BackupObject& object = scene.Backup("a").manifest.objects[0];
  object.is_section_file = false;
  object.sha256 = Sha256Of(old_bytes);
  scene.hash_of[file.path] = Sha256Of(old_bytes);
  REQUIRE(scene.Plan("a").files[0].route == ObjectRoute::kKept);
  REQUIRE(scene.Plan("b").files[0].route == ObjectRoute::kCopied);

  scene.hash_of[file.path] = Sha256Of(new_bytes);
  REQUIRE(scene.Plan("a").conflicts == std::vector<std::string>{object.key});
  REQUIRE(scene.Plan("b").files[0].route == ObjectRoute::kSent);
}

TEST_CASE("what a verification found damaged is neither kept nor copied", "[backup][plan]") {
  Scene scene;
  scene.Add(1);
  scene.Backup("a").damaged = {Scene::Key("a", 1)};
  REQUIRE(scene.Plan("a").files[0].route == ObjectRoute::kSent);
  REQUIRE(scene.Plan("a").conflicts.empty());
  REQUIRE(scene.Plan("b").files[0].route == ObjectRoute::kSent);
  scene.Backup("c");
  REQUIRE(scene.Plan("a").files[0].route == ObjectRoute::kCopied);
}

TEST_CASE("a store that cannot copy is sent everything that is not in its place",
          "[backup][plan]") {
  Scene scene;
  scene.Add(1);
  scene.Backup("a");
  scene.can_copy = false;
  REQUIRE(scene.Plan("a").files[0].route == ObjectRoute::kKept);
  REQUIRE(scene.Plan("b").files[0].route == ObjectRoute::kSent);
}

TEST_CASE("ten thousand parts are planned without reading one that is there already",
          "[backup][plan]") {
  Scene scene;
  for (uint64_t i = 1; i <= 10000; ++i) scene.Add(i);
  scene.Backup("a");
  scene.Backup("b");
  scene.Backup("c");
  for (uint64_t i = 10001; i <= 10100; ++i) scene.Add(i);
  const auto began = std::chrono::steady_clock::now();
  const BackupPlan plan = scene.Plan("a");
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  std::printf("planned 10100 files against three backups in %.3f s\n", seconds.count());
  REQUIRE(plan.counts.files_kept == 10000);
  REQUIRE(plan.counts.files_sent == 100);
  REQUIRE(scene.hashed == 0);
}

}  // namespace ficus
