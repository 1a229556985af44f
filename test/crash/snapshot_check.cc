#include "test/crash/snapshot_check.h"

#include <algorithm>
#include <set>
#include <vector>

#include <fmt/core.h>

#include "engine/io/publish.h"
#include "engine/part/part.h"
#include "engine/snapshot/snapshot_contents.h"
#include "engine/snapshot/snapshot_name.h"
#include "engine/table/manifest.h"

namespace ficus {
namespace {

Error Wrong(std::string text) { return {ErrorCode::kCorruption, "snapshot " + std::move(text)}; }

Result<> CheckWhole(Database& database, const std::string& id) {
  ASSIGN_OR_RETURN(const SnapshotVerification verified, database.VerifySnapshot(id, {}));
  if (verified.damage.empty()) return Ok();
  return Wrong(fmt::format("{}: {}: {}", id, verified.damage[0].path, verified.damage[0].reason));
}

// No row behind the position of the snapshot: it would be replayed a second time.
Result<> CheckPositions(const SnapshotContents& contents, const std::string& path,
                        const std::string& bytes) {
  Epoch epoch;
  if (!ParseManifestFileName(BaseName(path), epoch)) return Ok();
  ASSIGN_OR_RETURN(const Manifest manifest, DecodeManifest(bytes));
  for (const PartInfo& part : manifest.parts) {
    if (manifest.log == contents.log && part.last_position > contents.position) {
      return Wrong(fmt::format("{}: {} names rows up to {}, it is of position {}", contents.id,
                               path, part.last_position.value(), contents.position.value()));
    }
  }
  return Ok();
}

Result<> CopyAsTree(FileSystem& from, const SnapshotContents& contents, FileSystem& to) {
  SeededRandom random(9);
  for (const CatalogSnapshot& catalog : contents.catalogs) {
    const std::string data = fmt::format("{}/data", CatalogName(catalog.catalog));
    for (const SnapshotFile& file : catalog.files) {
      ASSIGN_OR_RETURN(const std::string bytes,
                       ReadWholeFile(from, JoinPath(SnapshotFolder(catalog), file.path),
                                     uint64_t{1} << 30, FileClass::kTool));
      RETURN_IF_ERROR(CheckPositions(contents, file.path, bytes));
      const std::string target = JoinPath(data, file.path);
      RETURN_IF_ERROR(CreateDirectories(to, ParentPath(target)));
      RETURN_IF_ERROR(PublishFile(to, random, target, bytes, FileClass::kTool));
    }
  }
  return Ok();
}

// The folders of snapshots belong to one that is listed.
Result<> CheckFolders(FileSystem& fs, const std::set<std::string>& trees) {
  for (const std::string_view folder : kSnapshotFolders) {
    const auto entries = fs.List(fmt::format("{}/snapshots", folder));
    if (!entries.has_value() && entries.error().code == ErrorCode::kNotFound) continue;
    RETURN_IF_ERROR(entries);
    for (const DirectoryEntry& entry : *entries) {
      const std::string tree = SnapshotTree(folder, entry.name);
      if (!trees.contains(tree)) return Wrong(fmt::format("folder {} of no snapshot", tree));
    }
  }
  return Ok();
}

}  // namespace

Result<World> SnapshotCheck::Open(DatabaseHarness& node, const SnapshotContents& contents) {
  const auto [at, is_new] = opened_.try_emplace(EncodeSnapshotContents(contents), World{});
  if (!is_new) return at->second;
  DatabaseHarness copy(77);
  copy.options().ballast_bytes = 0;
  const Result<> copied = CopyAsTree(node.fs(), contents, copy.fs());
  const Result<> opened = copied.has_value() ? copy.Open() : copied;
  at->second = opened.has_value() ? ReadWorld(copy.database(), copy.ledger())
                                  : Result<World>(opened.error());
  return at->second;
}

Result<> SnapshotCheck::Check(DatabaseHarness& node, const Expectation& expected) {
  ASSIGN_OR_RETURN(const std::vector<SnapshotSummary> listed, node.database().ListSnapshots());
  std::set<std::string> ids;
  std::set<std::string> trees;
  for (const SnapshotSummary& summary : listed) {
    if (!summary.damage.empty()) return Wrong(summary.id + ": " + summary.damage);
    ids.insert(summary.id);
    RETURN_IF_ERROR(CheckWhole(node.database(), summary.id));
    ASSIGN_OR_RETURN(const SnapshotContents contents, node.database().ReadSnapshot(summary.id));
    for (const CatalogSnapshot& catalog : contents.catalogs) {
      trees.insert(SnapshotTree(catalog.folder, catalog.name));
    }
    const auto known = expected.snapshots.find(summary.id);
    if (known == expected.snapshots.end() && expected.taking.empty()) {
      return Wrong(summary.id + " was never taken");
    }
    const std::vector<World>& worlds =
        known == expected.snapshots.end() ? expected.taking : known->second;
    ASSIGN_OR_RETURN(const World world, Open(node, contents));
    if (std::find(worlds.begin(), worlds.end(), world) == worlds.end()) {
      return Wrong(fmt::format("{} holds {}; expected{}", summary.id, world.ToString(),
                               expected.ToString()));
    }
  }
  for (const auto& [id, worlds] : expected.snapshots) {
    if (!ids.contains(id)) return Wrong(id + " is gone");
  }
  return CheckFolders(node.fs(), trees);
}

}  // namespace ficus
