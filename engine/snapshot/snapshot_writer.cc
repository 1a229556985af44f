#include "engine/snapshot/snapshot_writer.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <memory>
#include <utility>

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/planted_bug.h"
#include "engine/encoding/checksum.h"
#include "engine/io/publish.h"
#include "engine/snapshot/snapshot_name.h"
#include "engine/table/recovery.h"

namespace ficus {
namespace {

// So many manifests are open at a time, written and synced together.
constexpr size_t kManifestsPerBatch = 64;
// So many names are made between two looks at whether to stop.
constexpr size_t kNamesPerLook = 256;

// Synced with the others, later.
Result<> EnsureDirectory(FileSystem& fs, std::string_view path) {
  Result<> created = fs.CreateDirectory(path);
  if (!created.has_value() && created.error().code == ErrorCode::kAlreadyExists) return Ok();
  return created;
}

Error Cancelled() { return Error{ErrorCode::kCancelled, "the snapshot was given up"}; }

}  // namespace

void AddCatalogError(CatalogSnapshot& catalog, std::string_view error) {
  if (!catalog.error.empty()) catalog.error += "; ";
  catalog.error += error;
}

Result<SnapshotContents> SnapshotWriter::Write(SnapshotDraft draft) {
  SnapshotContents& contents = draft.contents;
  CHECK(contents.catalogs.size() == draft.groups.size());
  for (size_t i = 0; i < contents.catalogs.size(); ++i) {
    Collect(contents.catalogs[i], draft.groups[i]);
  }
  Result<> made = Make(contents);
  if (made.has_value()) {
    const int64_t started = clock_.Monotonic();
    made = store_.Publish(contents);
    times_.list_nanos = clock_.Monotonic() - started;
  }
  if (made.has_value()) return std::move(contents);
  Undo(contents);
  return std::move(made).error().With(fmt::format("snapshot {}", contents.id));
}

void SnapshotWriter::Collect(CatalogSnapshot& catalog, const std::vector<PinnedGroup>& groups) {
  Tree tree;
  tree.folder = SnapshotFolder(catalog);
  tree.root = SnapshotTree(catalog.folder, catalog.name);
  for (const PinnedGroup& group : groups) {
    Result<GroupFiles> files = FilesOf(fs_, group);
    if (!files.has_value()) {
      AddCatalogError(
          catalog, fmt::format("group {} is left out: {}", group.name, files.error().ToString()));
      continue;
    }
    catalog.groups.push_back({group.name, group.id});
    for (const std::string& damage : group.damage) {
      AddCatalogError(catalog, fmt::format("group {} is not whole: {}", group.name, damage));
    }
    std::move(files->directories.begin(), files->directories.end(),
              std::back_inserter(tree.directories));
    std::move(files->links.begin(), files->links.end(), std::back_inserter(tree.links));
    std::move(files->manifests.begin(), files->manifests.end(), std::back_inserter(tree.manifests));
  }
  std::sort(catalog.groups.begin(), catalog.groups.end(),
            [](const SnapshotGroup& a, const SnapshotGroup& b) { return a.name < b.name; });
  trees_.push_back(std::move(tree));
}

Result<> SnapshotWriter::Make(SnapshotContents& contents) {
  const int64_t started = clock_.Monotonic();
  for (const Tree& tree : trees_) RETURN_IF_ERROR(MakeDirectories(tree));
  for (size_t i = 0; i < trees_.size(); ++i) {
    RETURN_IF_ERROR(LinkFiles(trees_[i], contents.catalogs[i]));
  }
  const int64_t linked = clock_.Monotonic();
  times_.link_nanos = linked - started;
  // Behind the links: the first sync then carries them, too, and those of the directories find
  // little left to do.
  RETURN_IF_ERROR(WriteManifests(contents));
  for (CatalogSnapshot& catalog : contents.catalogs) {
    std::sort(catalog.files.begin(), catalog.files.end(),
              [](const SnapshotFile& a, const SnapshotFile& b) { return a.path < b.path; });
  }
  RETURN_IF_ERROR(SyncDirectories());
  times_.sync_nanos = clock_.Monotonic() - linked;
  return Ok();
}

Result<> SnapshotWriter::MakeDirectories(const Tree& tree) {
  const std::string_view snapshots = ParentPath(tree.root);
  RETURN_IF_ERROR(EnsureDirectory(fs_, ParentPath(snapshots)));
  RETURN_IF_ERROR(EnsureDirectory(fs_, snapshots));
  RETURN_IF_ERROR(fs_.CreateDirectory(tree.root));
  if (tree.folder != tree.root) RETURN_IF_ERROR(fs_.CreateDirectory(tree.folder));
  for (const std::string& directory : tree.directories) {
    RETURN_IF_ERROR(fs_.CreateDirectory(JoinPath(tree.folder, directory)));
  }
  return Ok();
}

Result<> SnapshotWriter::LinkFiles(Tree& tree, CatalogSnapshot& catalog) {
  size_t made = 0;
  for (const GroupFiles::Link& link : tree.links) {
    if (made++ % kNamesPerLook == 0 && stopped_()) return Cancelled();
    const Result<> linked = fs_.Link(link.source, JoinPath(tree.folder, link.file.path));
    if (linked.has_value()) {
      catalog.files.push_back(link.file);
    } else if (IsGone(link)) {
      RecordGone(link, tree, catalog);
    } else {
      return linked;
    }
  }
  return Ok();
}

// A pin keeps files from being removed, not from being set aside.
bool SnapshotWriter::IsGone(const GroupFiles::Link& link) const {
  if (!link.if_gone) return false;
  const auto status = fs_.Status(link.source);
  return !status.has_value() && status.error().code == ErrorCode::kNotFound;
}

void SnapshotWriter::RecordGone(const GroupFiles::Link& link, Tree& tree,
                                CatalogSnapshot& catalog) {
  for (GroupFiles::NewManifest& beside : tree.manifests) {
    if (ParentPath(beside.path) != ParentPath(link.file.path)) continue;
    RecordDamage(beside.manifest, {*link.if_gone});
  }
  const std::string_view group =
      std::string_view(link.file.path).substr(0, link.file.path.find('/'));
  AddCatalogError(catalog, fmt::format("group {} is not whole: {}: {}", group, link.source,
                                       link.if_gone->reason));
}

Result<> SnapshotWriter::WriteManifests(SnapshotContents& contents) {
  struct NewFile {
    const GroupFiles::NewManifest* manifest;
    size_t catalog;
  };
  std::vector<NewFile> files;
  for (size_t i = 0; i < trees_.size(); ++i) {
    for (const GroupFiles::NewManifest& manifest : trees_[i].manifests) {
      files.push_back({&manifest, i});
    }
  }
  for (size_t begin = 0; begin < files.size(); begin += kManifestsPerBatch) {
    if (stopped_()) return Cancelled();
    const size_t end = std::min(begin + kManifestsPerBatch, files.size());
    WriteBatch batch;
    std::vector<std::unique_ptr<File>> open;
    std::deque<std::string> texts;
    for (size_t i = begin; i < end; ++i) {
      const auto& [manifest, catalog] = files[i];
      const std::string& bytes = texts.emplace_back(EncodeManifest(manifest->manifest));
      ASSIGN_OR_RETURN(auto file,
                       fs_.Open(JoinPath(trees_[catalog].folder, manifest->path),
                                {.file_class = FileClass::kSnapshot, .mode = OpenMode::kCreate}));
      batch.Write(*file, 0, bytes);
      if (!IsPlanted(PlantedBug::kSnapshotFilesNotSynced)) batch.Sync(*file, SyncKind::kAll);
      open.push_back(std::move(file));
      contents.catalogs[catalog].files.push_back(
          {manifest->path, bytes.size(), Crc32c(bytes), false});
    }
    RETURN_IF_ERROR(fs_.Write(batch));
  }
  return Ok();
}

Result<> SnapshotWriter::SyncDirectories() {
  if (IsPlanted(PlantedBug::kSnapshotDirectoriesNotSynced)) return Ok();
  std::vector<std::string> directories = {""};
  for (const Tree& tree : trees_) {
    for (const std::string& directory : tree.directories) {
      directories.push_back(JoinPath(tree.folder, directory));
    }
    directories.push_back(tree.folder);
    if (tree.folder != tree.root) directories.push_back(tree.root);
    directories.emplace_back(ParentPath(tree.root));
    directories.emplace_back(ParentPath(ParentPath(tree.root)));
  }
  Mutex mutex;
  Result<> outcome = Ok();
  sync_pool_.ForEach(directories.size(), [&](size_t i) {
    const Result<> synced = stopped_() ? Result<>(Cancelled())
                                       : fs_.SyncDirectory(directories[i], FileClass::kSnapshot);
    MutexLock lock(mutex);
    if (outcome.has_value()) outcome = synced;
  });
  return outcome;
}

void SnapshotWriter::Undo(const SnapshotContents& contents) {
  // The list first: a publication that failed late may have left its name behind.
  Result<> undone = fs_.Remove(SnapshotContentsPath(contents.id));
  if (undone.has_value()) undone = fs_.SyncDirectory(kSnapshotsDirectory, FileClass::kSnapshot);
  if (!undone.has_value() && undone.error().code == ErrorCode::kNotFound) undone = Ok();
  for (const Tree& tree : trees_) {
    if (!undone.has_value()) break;
    undone = RemoveTree(fs_, tree.root);
  }
  if (!undone.has_value()) {
    LogWarn("snapshot.undo", "what was made of snapshot {} stays until the next start: {}",
            contents.id, undone.error().ToString());
  }
}

}  // namespace ficus
