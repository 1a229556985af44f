// Where a backup gets its files from: a file snapshot of the node, held while it is read.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/snapshot/snapshot_contents.h"

namespace ficus {

// A snapshot that nobody removes while this lives. Any thread.
class HeldSnapshot {
 public:
  virtual ~HeldSnapshot() = default;
  virtual const SnapshotContents& contents() const = 0;
  // For reading, as FileClass::kBackup.
  virtual Result<std::unique_ptr<File>> Open(const CatalogSnapshot& catalog,
                                             const SnapshotFile& file) = 0;
  // The backup needs it no more: it may be removed from the disk once this is gone.
  virtual void Discard() = 0;
};

struct SnapshotScope {
  std::vector<std::string> groups;    // empty: all; a name may end in '*'
  std::vector<std::string> catalogs;  // folders; empty: all
};

// Any thread; calls block.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  // kNotFound when a name of the scope matches nothing.
  virtual Result<std::unique_ptr<HeldSnapshot>> Take(const SnapshotScope& scope,
                                                     std::stop_token stop) = 0;
  // One taken before, by this process or an earlier one; kNotFound when it is gone.
  virtual Result<std::unique_ptr<HeldSnapshot>> Hold(std::string_view id) = 0;
};

}  // namespace ficus
