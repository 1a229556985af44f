// Writes small valid backups into a store, through the codecs the product uses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/backup/manifest.h"
#include "server/remote/object_store.h"

namespace ficus {

struct SampleBackup {
  std::string timedir = "2026-11-20";
  uint64_t generation = 1;
  std::string run = "run-1";
  uint64_t node_id = 7;
  uint64_t lease_generation = 1;
  UnixNanos taken_at = 1'795'132'800'000'000'000;  // 2026-11-20T00:00:00Z
  size_t objects = 12;
  size_t first_object = 0;  // objects are numbered from here; the number decides path and content
  std::vector<std::string> missing;
  std::string scope = "node";  // empty: as records were before they named it
  bool whole_node = true;
};

// The content of object `number`; `sample.timedir` does not matter.
std::string SampleContent(size_t number);

// The manifest, without a store.
BackupManifest SampleManifest(const SampleBackup& sample);

void PutText(ObjectStore& store, std::string_view key, std::string_view text);
std::string Text(ObjectStore& store, std::string_view key);

// All objects, the manifest, the commit record.
CommitRecord WriteBackup(ObjectStore& store, const SampleBackup& sample);

// Every key of the store, sorted.
std::vector<std::string> AllKeys(ObjectStore& store);

}  // namespace ficus
