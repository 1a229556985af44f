#include "engine/snapshot/pinned_group.h"

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/encoding/checksum.h"
#include "engine/io/publish.h"
#include "engine/segment/identity.h"
#include "engine/table/manifest.h"

namespace ficus {
namespace {

constexpr std::string_view kGone = "lost, or set aside as damaged, while the snapshot was taken";

class Collector {
 public:
  Collector(FileSystem& fs, const PinnedGroup& group) : fs_(fs), group_(group) {}

  Result<GroupFiles> Run() {
    files_.directories.push_back(group_.name);
    if (group_.directory.empty()) return std::move(files_);
    RETURN_IF_ERROR(AddGroupIdentity());
    for (const std::string& segment : group_.segments) RETURN_IF_ERROR(AddSegment(segment));
    for (const PinnedTable& table : group_.tables) AddTable(table);
    return std::move(files_);
  }

 private:
  // Where something of the group's directory lies in the snapshot.
  std::string PlaceOf(std::string_view path) const {
    CHECK(path.starts_with(group_.directory)) << path << " is not below " << group_.directory;
    return group_.name + std::string(path.substr(group_.directory.size()));
  }

  void AddIdentity(std::string source, std::string_view bytes) {
    SnapshotFile file{PlaceOf(source), bytes.size(), Crc32c(bytes), false};
    files_.links.push_back({std::move(source), std::move(file), std::nullopt});
  }

  // `info` of a part or an index run.
  template <typename Info>
  void AddSectionFile(std::string source, const Info& info, DamageRecord if_gone) {
    SnapshotFile file{PlaceOf(source), info.file_bytes, info.checksum, true};
    if_gone.reason = kGone;
    files_.links.push_back({std::move(source), std::move(file), std::move(if_gone)});
  }

  Result<std::string> ReadIdentity(const std::string& path) {
    return ReadWholeFile(fs_, path, kIdentityBytesMax, FileClass::kSnapshot);
  }

  Result<> AddGroupIdentity() {
    const std::string path = JoinPath(group_.directory, kGroupIdentityFile);
    ASSIGN_OR_RETURN(const std::string bytes, ReadIdentity(path));
    ASSIGN_OR_RETURN(const GroupIdentity identity, DecodeGroupIdentity(bytes));
    if (identity.id != group_.id) {
      return Error{ErrorCode::kCorruption, fmt::format("{}: of another group", path)};
    }
    AddIdentity(path, bytes);
    return Ok();
  }

  Result<> AddSegment(const std::string& segment) {
    files_.directories.push_back(PlaceOf(segment));
    const std::string path = JoinPath(segment, kSegmentIdentityFile);
    ASSIGN_OR_RETURN(const std::string bytes, ReadIdentity(path));
    ASSIGN_OR_RETURN(const SegmentIdentity identity, DecodeSegmentIdentity(bytes));
    if (identity.group != group_.id) {
      return Error{ErrorCode::kCorruption, fmt::format("{}: of another group", path)};
    }
    AddIdentity(path, bytes);
    return Ok();
  }

  void AddTable(const PinnedTable& table) {
    files_.directories.push_back(PlaceOf(table.directory));
    for (const SnapshotPart& part : table.files->parts) {
      const PartInfo& info = part.part->info();
      AddSectionFile(JoinPath(table.directory, part.file->name()), info,
                     {info.number, false, info.times, {}});
    }
    for (const SnapshotRun& run : table.files->runs) {
      const IndexRunInfo& info = run.run->info();
      AddSectionFile(JoinPath(table.directory, run.file->name()), info,
                     {info.number, true, TimeRange::All(), {}});
    }
    files_.manifests.push_back({table.manifest, JoinPath(PlaceOf(table.directory),
                                                         ManifestFileName(table.manifest.epoch))});
  }

  FileSystem& fs_;
  const PinnedGroup& group_;
  GroupFiles files_;
};

}  // namespace

Result<GroupFiles> FilesOf(FileSystem& fs, const PinnedGroup& group) {
  return Collector(fs, group).Run();
}

}  // namespace ficus
