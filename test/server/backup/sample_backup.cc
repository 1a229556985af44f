#include "test/server/backup/sample_backup.h"

#include <algorithm>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "server/backup/repository_keys.h"

namespace ficus {

std::string SampleContent(size_t number) {
  // Pairs of neighbours have the same size, so that swapping them is seen by no length.
  const size_t size = 20 + 3 * (number / 2);
  std::string content = fmt::format("object {:06}:", number);
  while (content.size() < size) content += static_cast<char>('a' + (content.size() + number) % 26);
  return content;
}

BackupManifest SampleManifest(const SampleBackup& sample) {
  BackupManifest manifest;
  manifest.run = sample.run;
  manifest.timedir = sample.timedir;
  manifest.generation = sample.generation;
  manifest.job = "hourly";
  manifest.node_id = sample.node_id;
  manifest.log = LogId(0xfedcba9876543210);
  manifest.position = LogPosition(4711);
  manifest.scn = Scn(0xffffffffffffffff);
  manifest.taken_at = sample.taken_at;
  manifest.missing = sample.missing;
  manifest.scope = sample.scope;
  manifest.whole_node = sample.whole_node;
  manifest.catalogs = {
      {"schema-property", Catalog::kProperty, {{"_schema", GroupId(1)}}},
      {"measure", Catalog::kMeasure, {{"empty", GroupId(3)}, {"sw_metric", GroupId(2)}}}};
  for (size_t i = 0; i < sample.objects; ++i) {
    const size_t number = sample.first_object + i;
    const std::string content = SampleContent(number);
    BackupObject object;
    object.folder = number % 4 == 3 ? "schema-property" : "measure";
    object.path = number % 4 == 3
                      ? fmt::format("_schema/shard-0/{:016x}.part", number)
                      : fmt::format("sw_metric/seg-20261120/shard-0/{:016x}.part", number);
    object.key = FileKey(manifest.form, manifest.timedir, object.folder, object.path);
    object.size_bytes = content.size();
    object.sha256 = Sha256Of(content);
    object.group = GroupId(number % 4 == 3 ? 1 : 2);
    object.checksum = static_cast<uint32_t>(number);
    object.is_section_file = true;
    manifest.objects.push_back(std::move(object));
  }
  std::sort(manifest.objects.begin(), manifest.objects.end(),
            [](const BackupObject& a, const BackupObject& b) { return a.key < b.key; });
  return manifest;
}

void PutText(ObjectStore& store, std::string_view key, std::string_view text) {
  store.Put(key, TextSource(text), {}, {}).value();
}

std::string Text(ObjectStore& store, std::string_view key) {
  return GetText(store, key, uint64_t{1} << 30, {}).value();
}

CommitRecord WriteBackup(ObjectStore& store, const SampleBackup& sample) {
  const BackupManifest manifest = SampleManifest(sample);
  for (size_t i = 0; i < sample.objects; ++i) {
    const size_t number = sample.first_object + i;
    const std::string content = SampleContent(number);
    for (const BackupObject& object : manifest.objects) {
      if (object.checksum == number) PutText(store, object.key, content);
    }
  }
  const std::string bytes = EncodeBackupManifest(manifest);
  const CommitRecord commit =
      CommitOf(manifest, bytes, sample.lease_generation, sample.taken_at + kNanosPerSecond);
  PutText(store, commit.manifest_key, bytes);
  PutText(store, CommitKey(commit.timedir, commit.generation), EncodeCommit(commit));
  return commit;
}

std::vector<std::string> AllKeys(ObjectStore& store) {
  std::vector<std::string> keys;
  ListAll(store, {},
          [&](const ObjectInfo& object) {
            keys.push_back(object.key);
            return true;
          },
          {})
      .value();
  return keys;
}

}  // namespace ficus
