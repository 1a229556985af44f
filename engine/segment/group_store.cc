#include "engine/segment/group_store.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/planted_bug.h"
#include "engine/io/publish.h"
#include "engine/model/names.h"
#include "engine/segment/identity.h"
#include "engine/segment/segment_impl.h"
#include "engine/table/manifest.h"

namespace ficus {
namespace {

using SegmentPtr = std::shared_ptr<SegmentImpl>;

std::string GroupDirectory(Catalog catalog, std::string_view name) {
  return fmt::format("{}/data/{}", CatalogName(catalog), name);
}

std::string TrashDirectory(Catalog catalog) {
  return fmt::format("{}/trash", CatalogName(catalog));
}

// Temporaries that a dead process left in a directory that never became a segment.
Result<> RemoveTemporaries(FileSystem& fs, const std::string& directory) {
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, fs.List(directory));
  for (const DirectoryEntry& entry : entries) {
    if (IsTemporaryName(entry.name)) RETURN_IF_ERROR(fs.Remove(JoinPath(directory, entry.name)));
  }
  return Ok();
}

// Renames `directory` into the trash under a name that was never used, durably, then deletes it
// there. What cannot be deleted is deleted at the next start.
Result<> ThrowAway(TableEnvironment& environment, Catalog catalog, const std::string& directory) {
  const std::string trash = TrashDirectory(catalog);
  RETURN_IF_ERROR(CreateDirectories(environment.fs, trash));
  const std::string thrown = JoinPath(
      trash, fmt::format("{}-{}", BaseName(directory), Hex16(environment.random.NextId())));
  RETURN_IF_ERROR(environment.fs.Rename(directory, thrown));
  RETURN_IF_ERROR(environment.fs.SyncDirectory(ParentPath(directory)));
  RETURN_IF_ERROR(environment.fs.SyncDirectory(trash));
  const Result<> removed = RemoveTree(environment.fs, thrown);
  if (!removed.has_value()) {
    LogWarn("segment.trash", "{} stays until the next start: {}", thrown,
            removed.error().ToString());
  }
  return Ok();
}

Error GroupClosed(const std::string& name) {
  return {ErrorCode::kUnavailable, fmt::format("group {} is closed", name)};
}

class GroupStoreImpl final : public GroupStore {
 public:
  GroupStoreImpl(TableEnvironment environment, Options options, uint32_t shard_count)
      : environment_(std::move(environment)),
        options_(std::move(options)),
        directory_(GroupDirectory(options_.catalog, options_.name)),
        shard_count_(shard_count),
        layout_(options_.layout) {}
  ~GroupStoreImpl() override { Close(); }

  // Reads which segments there are.
  Result<> Load();

  GroupId id() const override { return options_.id; }
  const std::string& name() const override { return options_.name; }
  Catalog catalog() const override { return options_.catalog; }
  const std::string& directory() const override { return directory_; }
  void SetLayout(const GroupLayout& layout) override;
  GroupLayout layout() const override;
  Result<std::shared_ptr<Segment>> SegmentFor(UnixNanos time) override;
  Result<std::shared_ptr<Segment>> FindSegment(const TimeRange& times) override;
  std::vector<std::shared_ptr<Segment>> Segments(const TimeRange& times) override;
  std::vector<std::shared_ptr<Segment>> Expired(UnixNanos now) const override;
  Result<> RemoveSegment(const TimeRange& times, uint64_t incarnation) override;
  size_t EmptyTrash() override;
  void RemoveExpiredDamage(UnixNanos now) override;
  std::vector<DamagedFile> DamagedSegments() const override;
  std::optional<LogPosition> OldestUnflushed() const override;
  std::vector<std::shared_ptr<TsTable>> OpenTables() const override;
  Result<Recorded> RecordedPositions() override;
  size_t CloseIdle() override;
  void Shut() override;
  bool IsDrained() const override;
  void Close() override;
  Result<> MoveToTrash() override;

 private:
  struct DamagedSegment {
    DamagedFile file;
    bool end_is_known = false;  // false: its times end where it ends at the latest
    bool expires = false;       // retention may remove it
  };
  // How far the rows go that manifests name.
  struct RowsReach {
    UnixNanos end = TimeRange::All().begin;
    bool is_whole = true;  // every manifest could be read
  };

  bool has_segments() const { return RowKindOf(options_.catalog).has_segments; }
  TableOptions TableOptionsNow() const;
  Result<> LoadSegment(const std::string& name);
  Result<> AddDamaged(const std::string& directory, UnixNanos begin, const Error& why);
  void AddStranger(const std::string& directory);
  Result<RowsReach> ReachOfRows(const std::string& directory);
  void CutDamaged();
  Result<SegmentPtr> CreateSegment(const TimeRange& times, const GroupLayout& layout);
  SegmentPtr FindByTime(UnixNanos time) const REQUIRES(mutex_);
  Result<> CheckCreatable(UnixNanos time) const REQUIRES(mutex_);
  std::vector<SegmentPtr> AllSegments() const;
  std::vector<SegmentPtr> AllAndHidden() const;

  // Constant after construction.
  TableEnvironment environment_;
  const Options options_;
  const std::string directory_;
  const uint32_t shard_count_;  // of a catalog without segments

  mutable Mutex mutex_;
  CondVar created_;
  bool creating_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
  GroupLayout layout_ GUARDED_BY(mutex_);
  std::map<UnixNanos, SegmentPtr> segments_ GUARDED_BY(mutex_);  // by begin
  std::vector<SegmentPtr> hidden_ GUARDED_BY(mutex_);            // removed, still on disk
  std::vector<DamagedSegment> damaged_ GUARDED_BY(mutex_);
};

// --- Opening

Result<> GroupStoreImpl::Load() {
  if (!has_segments()) {
    auto segment = std::make_shared<SegmentImpl>(
        environment_, TableOptionsNow(), directory_,
        SegmentIdentity{options_.id, 1, TimeRange::All(), shard_count_});
    RETURN_IF_ERROR(segment->Load());
    for (uint32_t shard = 0; shard < shard_count_; ++shard) {
      RETURN_IF_ERROR(segment->EnsureShard(ShardId(shard)));
    }
    MutexLock lock(mutex_);
    segments_.emplace(TimeRange::All().begin, std::move(segment));
    return Ok();
  }
  RETURN_IF_ERROR(environment_.fs.SyncDirectory(directory_));
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, environment_.fs.List(directory_));
  for (const DirectoryEntry& entry : entries) {
    if (entry.is_directory) RETURN_IF_ERROR(LoadSegment(entry.name));
  }
  CutDamaged();
  return Ok();
}

Result<> GroupStoreImpl::LoadSegment(const std::string& name) {
  UnixNanos begin = 0;
  const std::string directory = JoinPath(directory_, name);
  if (!ParseSegmentDirectoryName(name, begin)) {
    if (name.starts_with(kSegmentPrefix)) AddStranger(directory);
    return Ok();
  }
  const std::string file = JoinPath(directory, kSegmentIdentityFile);
  Result<std::string> bytes =
      ReadWholeFile(environment_.fs, file, kIdentityBytesMax, FileClass::kRecovery);
  if (!bytes.has_value() && bytes.error().code == ErrorCode::kNotFound) {
    // The machine stopped between the directory and its identity: nothing else can be inside then.
    RETURN_IF_ERROR(RemoveTemporaries(environment_.fs, directory));
    if (environment_.fs.RemoveDirectory(directory).has_value()) return Ok();
  }
  Result<SegmentIdentity> identity =
      bytes.has_value() ? DecodeSegmentIdentity(*bytes) : Result<SegmentIdentity>(bytes.error());
  if (!identity.has_value()) {
    if (identity.error().code == ErrorCode::kResourceExhausted) return identity.error();
    return AddDamaged(directory, begin, identity.error());
  }
  if (identity->group != options_.id) {
    return AddDamaged(directory, begin,
                      {ErrorCode::kFailedPrecondition, "it belongs to another group id"});
  }
  auto segment =
      std::make_shared<SegmentImpl>(environment_, TableOptionsNow(), directory, *identity);
  RETURN_IF_ERROR(segment->Load());
  MutexLock lock(mutex_);
  const bool overlaps = std::any_of(segments_.begin(), segments_.end(), [&](const auto& other) {
    return other.second->times().Overlaps(segment->times());
  });
  if (overlaps) {
    damaged_.push_back(
        {{FileNumber(), directory, "it overlaps another segment", segment->times(), false},
         true,
         false});
    return Ok();
  }
  segments_.emplace(segment->times().begin, std::move(segment));
  return Ok();
}

Result<> GroupStoreImpl::AddDamaged(const std::string& directory, UnixNanos begin,
                                    const Error& why) {
  LogError("segment.damage", "{} is left as it is, and not served: {}", directory, why.message);
  const GroupLayout made_by = layout();
  const UnixNanos named_end =
      LatestEndFor(BaseName(directory), begin, made_by.segment_unit, made_by.segment_num);
  ASSIGN_OR_RETURN(const RowsReach rows, ReachOfRows(directory));
  // Nothing is deleted on doubt: what is another group's or a later version's stays, and so does
  // what may hold younger rows than is known.
  const bool is_lost = why.code == ErrorCode::kCorruption || why.code == ErrorCode::kIo;
  MutexLock lock(mutex_);
  const TimeRange times{begin, std::max(named_end, rows.end)};
  damaged_.push_back(
      {{FileNumber(), directory, why.message, times, false}, false, is_lost && rows.is_whole});
  return Ok();
}

// No segment was ever made under this name: whoever put it there knows what is in it. It is told,
// and in nobody's way.
void GroupStoreImpl::AddStranger(const std::string& directory) {
  const std::string reason = "no segment has such a name";
  LogError("segment.damage", "{} is left as it is, and not served: {}", directory, reason);
  MutexLock lock(mutex_);
  damaged_.push_back({{FileNumber(), directory, reason, TimeRange{}, false}, true, false});
}

// Of a segment without identity, in whole hours like every bound: it may have been made longer than
// the layout says today.
Result<GroupStoreImpl::RowsReach> GroupStoreImpl::ReachOfRows(const std::string& directory) {
  SegmentImpl segment(environment_, TableOptionsNow(), directory,
                      {options_.id, 0, TimeRange::All(), kShardCountMax});
  RowsReach reach;
  Result<> read = segment.Load();
  for (const ShardId shard : segment.ExistingShards()) {
    const Result<ManifestReading> reading =
        ReadNewestManifest(environment_.fs, segment.ShardDirectory(shard));
    if (!reading.has_value()) {
      read = reading.error();
      continue;
    }
    if (reading->hole.has_value()) read = *reading->hole;
    for (const PartInfo& part : reading->manifest.parts) {
      reach.end = std::max(reach.end, BoundsFor(part.times.end - 1, SegmentUnit::kHour, 1, {}).end);
    }
  }
  if (!read.has_value() && read.error().code == ErrorCode::kResourceExhausted) return read.error();
  reach.is_whole = read.has_value();
  return reach;
}

// Segments do not overlap, so what lies behind a damaged one tells where that ends.
void GroupStoreImpl::CutDamaged() {
  MutexLock lock(mutex_);
  std::vector<UnixNanos> begins;
  for (const auto& [begin, segment] : segments_) begins.push_back(begin);
  for (const DamagedSegment& damaged : damaged_) {
    if (!damaged.file.times.empty()) begins.push_back(damaged.file.times.begin);
  }
  for (DamagedSegment& damaged : damaged_) {
    TimeRange& times = damaged.file.times;
    for (const UnixNanos begin : begins) {
      if (!damaged.end_is_known && begin > times.begin) times.end = std::min(times.end, begin);
    }
  }
}

TableOptions GroupStoreImpl::TableOptionsNow() const {
  TableOptions table = options_.table;
  table.catalog = options_.catalog;
  table.group = options_.id;
  return table;
}

void GroupStoreImpl::SetLayout(const GroupLayout& layout) {
  MutexLock lock(mutex_);
  layout_ = layout;
}

GroupLayout GroupStoreImpl::layout() const {
  MutexLock lock(mutex_);
  return layout_;
}

// --- Finding and creating segments

SegmentPtr GroupStoreImpl::FindByTime(UnixNanos time) const {
  auto after = segments_.upper_bound(time);
  if (after == segments_.begin()) return nullptr;
  const SegmentPtr& candidate = std::prev(after)->second;
  // The only segment of a catalog without segments holds every time, its excluded end too.
  return candidate->times().Contains(time) || !has_segments() ? candidate : nullptr;
}

Result<> GroupStoreImpl::CheckCreatable(UnixNanos time) const {
  if (closed_) return GroupClosed(options_.name);
  for (const DamagedSegment& damaged : damaged_) {
    if (damaged.file.times.Contains(time)) {
      return Error{ErrorCode::kCorruption, fmt::format("segment {} is damaged: {}",
                                                       damaged.file.path, damaged.file.reason)};
    }
  }
  for (const SegmentPtr& segment : hidden_) {
    if (segment->times().Contains(time)) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("segment {} is being removed", segment->directory())};
    }
  }
  return Ok();
}

Result<std::shared_ptr<Segment>> GroupStoreImpl::SegmentFor(UnixNanos time) {
  TimeRange times;
  GroupLayout layout;
  {
    MutexLock lock(mutex_);
    for (;;) {
      if (SegmentPtr found = FindByTime(time)) return std::shared_ptr<Segment>(std::move(found));
      RETURN_IF_ERROR(CheckCreatable(time));
      if (!creating_) break;
      created_.Wait(lock);
    }
    creating_ = true;
    layout = layout_;
    std::vector<TimeRange> neighbours;
    for (const auto& [begin, segment] : segments_) neighbours.push_back(segment->times());
    for (const SegmentPtr& segment : hidden_) neighbours.push_back(segment->times());
    for (const DamagedSegment& damaged : damaged_) {
      if (!damaged.file.times.empty()) neighbours.push_back(damaged.file.times);
    }
    times = BoundsFor(time, layout.segment_unit, layout.segment_num, neighbours);
  }
  Result<SegmentPtr> created = CreateSegment(times, layout);
  MutexLock lock(mutex_);
  creating_ = false;
  created_.NotifyAll();
  if (!created.has_value()) return std::move(created).error();
  segments_.emplace(times.begin, *created);
  if (!closed_) return std::shared_ptr<Segment>(*created);
  // Shut meanwhile: it hid the segments that were there then.
  lock.Unlock();
  (*created)->Hide();
  return GroupClosed(options_.name);
}

Result<SegmentPtr> GroupStoreImpl::CreateSegment(const TimeRange& times,
                                                 const GroupLayout& layout) {
  const std::string directory =
      JoinPath(directory_, SegmentDirectoryName(times.begin, layout.segment_unit));
  RETURN_IF_ERROR(environment_.fs.CreateDirectory(directory));
  const SegmentIdentity identity{options_.id, environment_.random.NextId(), times,
                                 layout.shard_count};
  const Result<> published =
      PublishFile(environment_.fs, environment_.random, JoinPath(directory, kSegmentIdentityFile),
                  EncodeSegmentIdentity(identity), FileClass::kManifest);
  if (!published.has_value()) {
    const Result<> removed = environment_.fs.RemoveDirectory(directory);
    if (!removed.has_value()) {
      LogWarn("segment.create", "{} stays empty: {}", directory, removed.error().ToString());
    }
    return published.error();
  }
  if (!IsPlanted(PlantedBug::kSegmentDirectoryNotSynced)) {
    RETURN_IF_ERROR(environment_.fs.SyncDirectory(directory_));
  }
  LogInfo("segment.created", "{}", directory);
  return std::make_shared<SegmentImpl>(environment_, TableOptionsNow(), directory, identity);
}

Result<std::shared_ptr<Segment>> GroupStoreImpl::FindSegment(const TimeRange& times) {
  MutexLock lock(mutex_);
  const auto found = segments_.find(times.begin);
  if (found == segments_.end() || found->second->times() != times) {
    return Error{ErrorCode::kNotFound, fmt::format("group {} has no segment [{}, {})",
                                                   options_.name, times.begin, times.end)};
  }
  return std::shared_ptr<Segment>(found->second);
}

std::vector<std::shared_ptr<Segment>> GroupStoreImpl::Segments(const TimeRange& times) {
  std::vector<std::shared_ptr<Segment>> found;
  MutexLock lock(mutex_);
  for (const auto& [begin, segment] : segments_) {
    if (segment->times().Overlaps(times)) found.push_back(segment);
  }
  return found;
}

std::vector<SegmentPtr> GroupStoreImpl::AllSegments() const {
  std::vector<SegmentPtr> all;
  MutexLock lock(mutex_);
  for (const auto& [begin, segment] : segments_) all.push_back(segment);
  return all;
}

// --- Removing segments

std::vector<std::shared_ptr<Segment>> GroupStoreImpl::Expired(UnixNanos now) const {
  std::vector<std::shared_ptr<Segment>> expired;
  MutexLock lock(mutex_);
  if (!has_segments() || layout_.ttl_nanos <= 0) return expired;
  for (const auto& [begin, segment] : segments_) {
    if (segment->times().end <= now - layout_.ttl_nanos) expired.push_back(segment);
  }
  return expired;
}

Result<> GroupStoreImpl::RemoveSegment(const TimeRange& times, uint64_t incarnation) {
  SegmentPtr segment;
  {
    MutexLock lock(mutex_);
    const auto found = segments_.find(times.begin);
    if (found == segments_.end() || found->second->times() != times ||
        (found->second->incarnation() != incarnation &&
         !IsPlanted(PlantedBug::kReplayIgnoresIncarnation))) {
      return Error{ErrorCode::kNotFound, fmt::format("group {} has no such segment", name())};
    }
    segment = found->second;
    hidden_.push_back(segment);
    segments_.erase(found);
  }
  segment->Hide();
  return Ok();
}

size_t GroupStoreImpl::EmptyTrash() {
  std::vector<SegmentPtr> hidden;
  {
    MutexLock lock(mutex_);
    hidden = hidden_;
  }
  for (SegmentPtr& segment : hidden) {
    // Held by `hidden_` and `hidden` only, and so are its tables.
    if (segment.use_count() > 2 || !segment->Unheld()) continue;
    segment->CloseTables();
    const Result<> thrown = ThrowAway(environment_, options_.catalog, segment->directory());
    if (!thrown.has_value()) {
      LogWarn("segment.trash", "{} stays: {}", segment->directory(), thrown.error().ToString());
      continue;
    }
    LogInfo("segment.removed", "{}", segment->directory());
    MutexLock lock(mutex_);
    std::erase(hidden_, segment);
  }
  MutexLock lock(mutex_);
  return hidden_.size();
}

// Without a record in the log: nothing was applied to it since the start, and rows that the log
// still has for it are parked.
void GroupStoreImpl::RemoveExpiredDamage(UnixNanos now) {
  std::vector<std::string> expired;
  {
    MutexLock lock(mutex_);
    if (closed_ || layout_.ttl_nanos <= 0) return;
    for (const DamagedSegment& damaged : damaged_) {
      const bool is_old = damaged.file.times.end <= now - layout_.ttl_nanos;
      if (damaged.expires && is_old) expired.push_back(damaged.file.path);
    }
  }
  for (const std::string& directory : expired) {
    const Result<> thrown = ThrowAway(environment_, options_.catalog, directory);
    if (!thrown.has_value()) {
      LogWarn("segment.trash", "{} stays: {}", directory, thrown.error().ToString());
      continue;
    }
    LogInfo("segment.removed", "{}, which was damaged", directory);
    MutexLock lock(mutex_);
    std::erase_if(damaged_, [&](const auto& damaged) { return damaged.file.path == directory; });
  }
}

std::vector<DamagedFile> GroupStoreImpl::DamagedSegments() const {
  std::vector<DamagedFile> files;
  MutexLock lock(mutex_);
  for (const DamagedSegment& damaged : damaged_) files.push_back(damaged.file);
  return files;
}

// --- What the log needs to know

std::optional<LogPosition> GroupStoreImpl::OldestUnflushed() const {
  std::optional<LogPosition> oldest;
  for (const auto& table : OpenTables()) {
    const std::optional<LogPosition> position = table->OldestUnflushed();
    if (position.has_value() && (!oldest.has_value() || *position < *oldest)) oldest = position;
  }
  return oldest;
}

std::vector<std::shared_ptr<TsTable>> GroupStoreImpl::OpenTables() const {
  std::vector<std::shared_ptr<TsTable>> tables;
  for (const SegmentPtr& segment : AllSegments()) {
    for (auto& table : segment->OpenTables()) tables.push_back(std::move(table));
  }
  return tables;
}

Result<GroupStore::Recorded> GroupStoreImpl::RecordedPositions() {
  Recorded recorded;
  for (const SegmentPtr& segment : AllSegments()) {
    for (const ShardId shard : segment->ExistingShards()) {
      ASSIGN_OR_RETURN(const ManifestReading reading,
                       ReadNewestManifest(environment_.fs, segment->ShardDirectory(shard)));
      if (!reading.found) continue;
      recorded.scn = std::max(recorded.scn, reading.manifest.scn);
      if (reading.manifest.log == environment_.log_id) {
        recorded.position = std::max(recorded.position, reading.manifest.flushed);
      }
    }
  }
  return recorded;
}

// --- Closing

size_t GroupStoreImpl::CloseIdle() {
  const int64_t used_before = environment_.clock.Monotonic() - options_.idle_nanos;
  size_t closed = 0;
  for (const SegmentPtr& segment : AllSegments()) closed += segment->CloseIdle(used_before);
  return closed;
}

std::vector<SegmentPtr> GroupStoreImpl::AllAndHidden() const {
  std::vector<SegmentPtr> segments = AllSegments();
  MutexLock lock(mutex_);
  segments.insert(segments.end(), hidden_.begin(), hidden_.end());
  return segments;
}

void GroupStoreImpl::Shut() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
  }
  for (const SegmentPtr& segment : AllAndHidden()) segment->Hide();
}

bool GroupStoreImpl::IsDrained() const {
  const std::vector<SegmentPtr> segments = AllAndHidden();
  return std::all_of(segments.begin(), segments.end(),
                     [](const SegmentPtr& segment) { return segment->IsDrained(); });
}

void GroupStoreImpl::Close() {
  Shut();
  for (const SegmentPtr& segment : AllAndHidden()) segment->CloseTables();
}

Result<> GroupStoreImpl::MoveToTrash() {
  return ThrowAway(environment_, options_.catalog, directory_);
}

}  // namespace

Result<std::unique_ptr<GroupStore>> GroupStore::Create(TableEnvironment environment,
                                                       Options options) {
  const std::string directory = GroupDirectory(options.catalog, options.name);
  const std::string file = JoinPath(directory, kGroupIdentityFile);
  RETURN_IF_ERROR(CreateDirectories(environment.fs, directory));
  if (environment.fs.Status(file).has_value()) {
    return Error{ErrorCode::kAlreadyExists, fmt::format("{} holds a group already", directory)};
  }
  const GroupIdentity identity{options.id, options.catalog, options.layout.shard_count,
                               options.name};
  RETURN_IF_ERROR(PublishFile(environment.fs, environment.random, file,
                              EncodeGroupIdentity(identity), FileClass::kManifest));
  return Open(std::move(environment), std::move(options));
}

Result<std::unique_ptr<GroupStore>> GroupStore::Open(TableEnvironment environment,
                                                     Options options) {
  ASSIGN_OR_RETURN(const GroupIdentity identity,
                   ReadGroupIdentity(environment.fs, options.catalog, options.name));
  if (identity.id != options.id || identity.catalog != options.catalog ||
      identity.name != options.name) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{} belongs to group {} with id {}",
                             GroupDirectory(options.catalog, options.name), identity.name,
                             Hex16(identity.id))};
  }
  auto store = std::make_unique<GroupStoreImpl>(std::move(environment), std::move(options),
                                                identity.shard_count);
  RETURN_IF_ERROR(store->Load());
  return std::unique_ptr<GroupStore>(std::move(store));
}

Result<GroupIdentity> ReadGroupIdentity(FileSystem& fs, Catalog catalog, std::string_view name) {
  const std::string file = JoinPath(GroupDirectory(catalog, name), kGroupIdentityFile);
  ASSIGN_OR_RETURN(const std::string bytes,
                   ReadWholeFile(fs, file, kIdentityBytesMax, FileClass::kRecovery));
  Result<GroupIdentity> identity = DecodeGroupIdentity(bytes);
  if (!identity.has_value()) return std::move(identity).error().With(file);
  return identity;
}

Result<> EmptyCatalogTrash(FileSystem& fs, Catalog catalog) {
  return RemoveTree(fs, TrashDirectory(catalog));
}

Result<> ThrowAwayGroup(TableEnvironment& environment, Catalog catalog, std::string_view name) {
  return ThrowAway(environment, catalog, GroupDirectory(catalog, name));
}

Result<std::vector<std::string>> ListGroupDirectories(FileSystem& fs, Catalog catalog) {
  std::vector<std::string> names;
  Result<std::vector<DirectoryEntry>> entries =
      fs.List(fmt::format("{}/data", CatalogName(catalog)));
  if (!entries.has_value()) {
    if (entries.error().code == ErrorCode::kNotFound) return names;
    return std::move(entries).error();
  }
  for (DirectoryEntry& entry : *entries) {
    if (entry.is_directory) names.push_back(std::move(entry.name));
  }
  return names;
}

}  // namespace ficus
