#include "engine/io/memory_file_system.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/mutex.h"
#include "engine/io/io_error.h"
#include "engine/io/memory_tree.h"
#include "engine/io/pending_effects.h"
#include "engine/io/sequential_batch.h"
#include "engine/io/sync_loss.h"

namespace ficus {
namespace {

constexpr uint64_t kLogPieceBytes = 512;  // what a device writes at once
constexpr uint64_t kPieceBytes = 4096;    // what a page cache writes at once
constexpr uint64_t kOffsetMax = std::numeric_limits<int64_t>::max();

bool Misaligned(uint64_t offset, const char* bytes, uint64_t size) {
  return (offset | reinterpret_cast<uintptr_t>(bytes) | size) % kDirectAlignment != 0;
}

// An operation answers with an errno, 0 for success; whoever calls it makes the Error, after the
// lock is gone.
class MemoryFileSystemImpl final : public MemoryFileSystem, public DirectorySyncLoss {
 public:
  explicit MemoryFileSystemImpl(Limits limits) : limits_(limits) { links_[kRootInode] = 1; }
  // The state after a crash: nothing is pending.
  MemoryFileSystemImpl(Limits limits, MemoryTree tree, InodeId next_inode);

  Result<std::unique_ptr<File>> Open(std::string_view path, OpenOptions options) override;
  Result<> Read(ReadBatch& batch) override { return ReadOneByOne(batch); }
  Result<> Write(WriteBatch& batch) override { return WriteOneByOne(batch); }
  Result<> Rename(std::string_view from, std::string_view to, FileClass file_class) override;
  Result<> Link(std::string_view from, std::string_view to) override;
  Result<> Remove(std::string_view path) override;
  Result<> CreateDirectory(std::string_view path) override;
  Result<> RemoveDirectory(std::string_view path) override;
  Result<> SyncDirectory(std::string_view path, FileClass file_class) override;
  Result<std::vector<DirectoryEntry>> List(std::string_view path) override;
  Result<FileStatus> Status(std::string_view path) override;
  Result<SpaceStatus> Space() override;
  Result<std::unique_ptr<FileLock>> Lock(std::string_view path) override;
  std::string_view engine() const override { return "memory"; }
  const std::string& root() const override { return root_; }

  std::unique_ptr<MemoryFileSystem> Crash(RandomSource& random, NameOrder order) const override;
  size_t pending_count() const override;
  std::unique_ptr<MemoryFileSystem> CrashKeeping(const std::vector<bool>& keep, Tear tear,
                                                 NameOrder order) const override;
  std::unique_ptr<MemoryFileSystem> Clone() const override;
  uint64_t Digest(std::string_view unread_suffix) const override {
    MutexLock lock(mutex_);
    return volatile_.Digest(unread_suffix);
  }
  void SetObserver(Observer observer) override;
  void SetLimits(Limits limits) override;
  Result<> FlipBits(std::string_view path, uint64_t offset, uint8_t mask) override;
  void LoseUnsyncedNames(std::string_view path) override;

  // What MemoryFile and MemoryLock need.
  int ReadFile(InodeId inode, uint64_t offset, std::span<char> out, uint64_t& size);
  int WriteFile(InodeId inode, uint64_t offset, std::string_view data, uint64_t piece_bytes);
  void SyncFile(InodeId inode);
  int AllocateFile(InodeId inode, uint64_t offset, uint64_t bytes);
  int TruncateFile(InodeId inode, uint64_t bytes);
  uint64_t FileSize(InodeId inode);
  void LoseFile(InodeId inode);
  void CloseFile(InodeId inode);
  void Unlock(InodeId inode);

  template <typename... Args>
  void Observe(fmt::format_string<Args...> format, Args&&... args);

 private:
  struct Place {
    InodeId directory = 0;
    std::string name;
    InodeId inode = 0;  // 0: nothing has that name
  };

  int Resolve(std::string_view path, InodeId& inode) const REQUIRES(mutex_);
  int ResolvePlace(std::string_view path, Place& place) const REQUIRES(mutex_);
  int CreateNode(const Place& place, bool is_directory, InodeId& inode) REQUIRES(mutex_);
  int OpenNode(std::string_view path, OpenMode mode, InodeId& inode) REQUIRES(mutex_);
  int RenameNode(std::string_view from, std::string_view to) REQUIRES(mutex_);
  int CheckReplace(const Place& source, const Place& target) const REQUIRES(mutex_);
  bool IsBelow(InodeId directory, InodeId ancestor) const REQUIRES(mutex_);
  int LinkNode(std::string_view from, std::string_view to) REQUIRES(mutex_);
  int RemoveNode(std::string_view path, bool directory) REQUIRES(mutex_);
  int ListNode(std::string_view path, std::vector<DirectoryEntry>& entries) const REQUIRES(mutex_);
  int StatusNode(std::string_view path, FileStatus& status) const REQUIRES(mutex_);
  int LockNode(std::string_view path, InodeId& inode) REQUIRES(mutex_);
  int Resize(InodeId inode, uint64_t size) REQUIRES(mutex_);
  bool HasRoomFor(uint64_t old_size, uint64_t new_size) const REQUIRES(mutex_);
  void Unlink(InodeId inode) REQUIRES(mutex_);
  void ReleaseIfUnused(InodeId inode) REQUIRES(mutex_);
  void SweepDurable() REQUIRES(mutex_);
  std::unique_ptr<MemoryFileSystem> Settled(MemoryTree tree) const REQUIRES(mutex_);

  const std::string root_;

  mutable Mutex mutex_;
  CondVar unlocked_;
  Limits limits_ GUARDED_BY(mutex_);
  MemoryTree volatile_ GUARDED_BY(mutex_);
  MemoryTree durable_ GUARDED_BY(mutex_);
  PendingEffects pending_ GUARDED_BY(mutex_);
  InodeId next_inode_ GUARDED_BY(mutex_) = kRootInode + 1;
  uint64_t used_bytes_ GUARDED_BY(mutex_) = 0;
  uint64_t used_inodes_ GUARDED_BY(mutex_) = 0;
  size_t sweep_at_ GUARDED_BY(mutex_) = 64;
  std::map<InodeId, uint64_t> links_ GUARDED_BY(mutex_);    // names that refer to it
  std::map<InodeId, uint64_t> handles_ GUARDED_BY(mutex_);  // open Files
  std::set<InodeId> locks_ GUARDED_BY(mutex_);
  Observer observer_ GUARDED_BY(mutex_);
  uint64_t observed_ GUARDED_BY(mutex_) = 0;
};

class MemoryFile final : public File, public SyncLoss {
 public:
  MemoryFile(MemoryFileSystemImpl& fs, InodeId inode, std::string_view path, OpenOptions options)
      : fs_(fs), inode_(inode), path_(path), options_(options) {
    if (options.mode == OpenMode::kCreate) space_ = FileSpace::kUnreserved;
  }
  ~MemoryFile() override { fs_.CloseFile(inode_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  Result<> ReadAt(uint64_t offset, std::span<char> out) override;
  Result<> WriteAt(uint64_t offset, std::string_view data) override;
  Result<> Sync(SyncKind kind) override;
  Result<> Allocate(uint64_t offset, uint64_t bytes) override;
  Result<> Truncate(uint64_t bytes) override;
  Result<uint64_t> Size() override { return fs_.FileSize(inode_); }
  Result<> DropCache() override { return Ok(); }

  bool direct() const override { return options_.direct; }
  FileClass file_class() const override { return options_.file_class; }
  const std::string& path() const override { return path_; }

  void LoseUnsynced() override { fs_.LoseFile(inode_); }

 private:
  bool writable() const { return options_.mode != OpenMode::kRead; }
  Result<> Done(IoOp op, int error_number) const;

  MemoryFileSystemImpl& fs_;
  const InodeId inode_;
  const std::string path_;
  const OpenOptions options_;
  std::atomic<FileSpace> space_{FileSpace::kReserved};
};

class MemoryLock final : public FileLock {
 public:
  MemoryLock(MemoryFileSystemImpl& fs, InodeId inode) : fs_(fs), inode_(inode) {}
  ~MemoryLock() override { fs_.Unlock(inode_); }
  MemoryLock(const MemoryLock&) = delete;
  MemoryLock& operator=(const MemoryLock&) = delete;

 private:
  MemoryFileSystemImpl& fs_;
  const InodeId inode_;
};

Result<> Done(IoOp op, std::string_view path, int error_number,
              FileClass file_class = FileClass::kTool) {
  if (error_number == 0) return Ok();
  return EnforceVerdict(op, IoError(op, path, error_number), file_class);
}

std::string PairOf(std::string_view from, std::string_view to) {
  return std::string(from) + " to " + std::string(to);
}

// ----- MemoryFile -----

Result<> MemoryFile::Done(IoOp op, int error_number) const {
  if (error_number == 0) return Ok();
  return EnforceVerdict(op, IoError(op, path_, error_number), options_.file_class, space_);
}

Result<> MemoryFile::ReadAt(uint64_t offset, std::span<char> out) {
  if (out.empty()) return Ok();
  if (direct() && Misaligned(offset, out.data(), out.size())) return Done(IoOp::kRead, EINVAL);
  uint64_t size = 0;
  const int error_number = fs_.ReadFile(inode_, offset, out, size);
  if (error_number == ENODATA) {
    return EnforceVerdict(IoOp::kRead, EndOfFileError(path_, size), options_.file_class);
  }
  return Done(IoOp::kRead, error_number);
}

Result<> MemoryFile::WriteAt(uint64_t offset, std::string_view data) {
  if (data.empty()) return Ok();
  if (!writable()) return Done(IoOp::kWrite, EBADF);
  if (direct() && Misaligned(offset, data.data(), data.size())) return Done(IoOp::kWrite, EINVAL);
  fs_.Observe("write {} {}+{}", path_, offset, data.size());
  const bool log = options_.file_class == FileClass::kLog;
  return Done(IoOp::kWrite,
              fs_.WriteFile(inode_, offset, data, log ? kLogPieceBytes : kPieceBytes));
}

Result<> MemoryFile::Sync(SyncKind) {
  fs_.Observe("sync {}", path_);
  fs_.SyncFile(inode_);
  return Ok();
}

Result<> MemoryFile::Allocate(uint64_t offset, uint64_t bytes) {
  if (bytes == 0) return Ok();
  if (!writable()) return Done(IoOp::kAllocate, EBADF);
  fs_.Observe("allocate {} {}+{}", path_, offset, bytes);
  const int error_number = fs_.AllocateFile(inode_, offset, bytes);
  if (error_number == 0) space_ = FileSpace::kReserved;
  return Done(IoOp::kAllocate, error_number);
}

Result<> MemoryFile::Truncate(uint64_t bytes) {
  if (!writable()) return Done(IoOp::kTruncate, EINVAL);
  fs_.Observe("truncate {} {}", path_, bytes);
  return Done(IoOp::kTruncate, fs_.TruncateFile(inode_, bytes));
}

// ----- what files need -----

int MemoryFileSystemImpl::ReadFile(InodeId inode, uint64_t offset, std::span<char> out,
                                   uint64_t& size) {
  MutexLock lock(mutex_);
  const MemoryContent& content = volatile_.Get(inode).content;
  size = content.size();
  if (offset > kOffsetMax - out.size()) return EINVAL;
  if (offset > size || out.size() > size - offset) return ENODATA;
  content.Read(offset, out);
  return 0;
}

int MemoryFileSystemImpl::WriteFile(InodeId inode, uint64_t offset, std::string_view data,
                                    uint64_t piece_bytes) {
  MutexLock lock(mutex_);
  MemoryContent& content = volatile_.Get(inode).content;
  if (offset > kOffsetMax - data.size()) return EINVAL;
  const uint64_t old_size = content.size();
  if (!HasRoomFor(old_size, offset + data.size())) return ENOSPC;
  content.Write(offset, data);
  used_bytes_ += content.size() - old_size;
  pending_.AddData(inode, offset, data, piece_bytes);
  return 0;
}

void MemoryFileSystemImpl::SyncFile(InodeId inode) {
  MutexLock lock(mutex_);
  pending_.SyncFile(inode, durable_);
}

int MemoryFileSystemImpl::AllocateFile(InodeId inode, uint64_t offset, uint64_t bytes) {
  MutexLock lock(mutex_);
  if (offset > kOffsetMax - bytes) return EFBIG;
  const uint64_t end = offset + bytes;
  if (end <= volatile_.Get(inode).content.size()) return 0;
  return Resize(inode, end);
}

int MemoryFileSystemImpl::TruncateFile(InodeId inode, uint64_t bytes) {
  MutexLock lock(mutex_);
  if (bytes > kOffsetMax) return EINVAL;
  return Resize(inode, bytes);
}

int MemoryFileSystemImpl::Resize(InodeId inode, uint64_t size) {
  MemoryContent& content = volatile_.Get(inode).content;
  if (!HasRoomFor(content.size(), size)) return ENOSPC;
  used_bytes_ += size;
  used_bytes_ -= content.size();
  content.Resize(size);
  pending_.AddResize(inode, size);
  return 0;
}

bool MemoryFileSystemImpl::HasRoomFor(uint64_t old_size, uint64_t new_size) const {
  if (new_size <= old_size) return true;
  return used_bytes_ <= limits_.total_bytes &&
         new_size - old_size <= limits_.total_bytes - used_bytes_;
}

uint64_t MemoryFileSystemImpl::FileSize(InodeId inode) {
  MutexLock lock(mutex_);
  return volatile_.Get(inode).content.size();
}

void MemoryFileSystemImpl::LoseFile(InodeId inode) {
  MutexLock lock(mutex_);
  pending_.LoseFile(inode);
}

void MemoryFileSystemImpl::CloseFile(InodeId inode) {
  MutexLock lock(mutex_);
  if (--handles_[inode] == 0) handles_.erase(inode);
  ReleaseIfUnused(inode);
}

void MemoryFileSystemImpl::Unlock(InodeId inode) {
  MutexLock lock(mutex_);
  locks_.erase(inode);
  unlocked_.NotifyAll();
}

template <typename... Args>
void MemoryFileSystemImpl::Observe(fmt::format_string<Args...> format, Args&&... args) {
  Observer observer;
  uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    number = observed_++;
    observer = observer_;
  }
  // Without the lock, so that the observer can look at crash states.
  if (observer) observer(number, fmt::format(format, std::forward<Args>(args)...));
}

// ----- names -----

int MemoryFileSystemImpl::Resolve(std::string_view path, InodeId& inode) const {
  inode = kRootInode;
  while (!path.empty()) {
    if (!volatile_.Get(inode).is_directory) return ENOTDIR;
    const size_t slash = path.find('/');
    inode = volatile_.Named(inode, std::string(path.substr(0, slash)));
    if (inode == 0) return ENOENT;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return 0;
}

int MemoryFileSystemImpl::ResolvePlace(std::string_view path, Place& place) const {
  if (const int error_number = Resolve(ParentPath(path), place.directory); error_number != 0) {
    return error_number;
  }
  if (!volatile_.Get(place.directory).is_directory) return ENOTDIR;
  place.name = BaseName(path);
  place.inode = volatile_.Named(place.directory, place.name);
  return 0;
}

int MemoryFileSystemImpl::CreateNode(const Place& place, bool is_directory, InodeId& inode) {
  if (used_inodes_ >= limits_.total_inodes) return ENOSPC;
  inode = next_inode_++;
  ++used_inodes_;
  volatile_.Add(inode, is_directory);
  durable_.Add(inode, is_directory);
  volatile_.Get(place.directory).names[place.name] = inode;
  links_[inode] = 1;
  pending_.AddLink(place.directory, place.name, inode);
  return 0;
}

int MemoryFileSystemImpl::OpenNode(std::string_view path, OpenMode mode, InodeId& inode) {
  Place place;
  if (const int error_number = ResolvePlace(path, place); error_number != 0) return error_number;
  inode = place.inode;
  if (mode == OpenMode::kCreate) {
    if (inode != 0) return EEXIST;
    if (const int error_number = CreateNode(place, false, inode); error_number != 0) {
      return error_number;
    }
  }
  if (inode == 0) return ENOENT;
  if (volatile_.Get(inode).is_directory) return EISDIR;
  ++handles_[inode];
  return 0;
}

Result<std::unique_ptr<File>> MemoryFileSystemImpl::Open(std::string_view path,
                                                         OpenOptions options) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  if (options.mode == OpenMode::kCreate) Observe("create {}", path);
  InodeId inode = 0;
  int error_number = 0;
  {
    MutexLock lock(mutex_);
    error_number = OpenNode(path, options.mode, inode);
  }
  RETURN_IF_ERROR(Done(IoOp::kOpen, path, error_number, options.file_class));
  return std::unique_ptr<File>(std::make_unique<MemoryFile>(*this, inode, path, options));
}

Result<> MemoryFileSystemImpl::Rename(std::string_view from, std::string_view to,
                                      FileClass file_class) {
  RETURN_IF_ERROR(CheckRelativePath(from));
  RETURN_IF_ERROR(CheckRelativePath(to));
  Observe("rename {} {}", from, to);
  int error_number = 0;
  {
    MutexLock lock(mutex_);
    error_number = RenameNode(from, to);
  }
  return Done(IoOp::kRename, PairOf(from, to), error_number, file_class);
}

int MemoryFileSystemImpl::RenameNode(std::string_view from, std::string_view to) {
  Place source;
  Place target;
  if (const int error_number = ResolvePlace(from, source); error_number != 0) return error_number;
  if (const int error_number = ResolvePlace(to, target); error_number != 0) return error_number;
  if (source.inode == 0) return ENOENT;
  if (source.inode == target.inode) return 0;
  if (const int error_number = CheckReplace(source, target); error_number != 0) {
    return error_number;
  }
  volatile_.Get(source.directory).names.erase(source.name);
  volatile_.Get(target.directory).names[target.name] = source.inode;
  pending_.AddRename(source.directory, source.name, target.directory, target.name, source.inode);
  if (target.inode != 0) Unlink(target.inode);
  return 0;
}

int MemoryFileSystemImpl::CheckReplace(const Place& source, const Place& target) const {
  const bool source_is_directory = volatile_.Get(source.inode).is_directory;
  if (source_is_directory && IsBelow(target.directory, source.inode)) return EINVAL;
  if (target.inode == 0) return 0;
  const MemoryNode& replaced = volatile_.Get(target.inode);
  if (IsBelow(source.directory, target.inode)) return ENOTEMPTY;
  if (source_is_directory && !replaced.is_directory) return ENOTDIR;
  if (!source_is_directory && replaced.is_directory) return EISDIR;
  return replaced.names.empty() ? 0 : ENOTEMPTY;
}

// Whether `directory` is `ancestor` or inside it.
bool MemoryFileSystemImpl::IsBelow(InodeId directory, InodeId ancestor) const {
  if (directory == ancestor) return true;
  for (const auto& [name, inode] : volatile_.Get(ancestor).names) {
    if (volatile_.Get(inode).is_directory && IsBelow(directory, inode)) return true;
  }
  return false;
}

Result<> MemoryFileSystemImpl::Link(std::string_view from, std::string_view to) {
  RETURN_IF_ERROR(CheckRelativePath(from));
  RETURN_IF_ERROR(CheckRelativePath(to));
  Observe("link {} {}", from, to);
  int error_number = 0;
  {
    MutexLock lock(mutex_);
    error_number = LinkNode(from, to);
  }
  return Done(IoOp::kLink, PairOf(from, to), error_number);
}

int MemoryFileSystemImpl::LinkNode(std::string_view from, std::string_view to) {
  Place source;
  Place target;
  if (const int error_number = ResolvePlace(from, source); error_number != 0) return error_number;
  if (const int error_number = ResolvePlace(to, target); error_number != 0) return error_number;
  if (source.inode == 0) return ENOENT;
  if (target.inode != 0) return EEXIST;
  if (volatile_.Get(source.inode).is_directory) return EPERM;
  volatile_.Get(target.directory).names[target.name] = source.inode;
  ++links_[source.inode];
  pending_.AddLink(target.directory, target.name, source.inode);
  return 0;
}

Result<> MemoryFileSystemImpl::Remove(std::string_view path) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  Observe("remove {}", path);
  int error_number = 0;
  {
    MutexLock lock(mutex_);
    error_number = RemoveNode(path, false);
  }
  return Done(IoOp::kRemove, path, error_number);
}

Result<> MemoryFileSystemImpl::RemoveDirectory(std::string_view path) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  Observe("rmdir {}", path);
  int error_number = 0;
  {
    MutexLock lock(mutex_);
    error_number = RemoveNode(path, true);
  }
  return Done(IoOp::kRemove, path, error_number);
}

int MemoryFileSystemImpl::RemoveNode(std::string_view path, bool directory) {
  Place place;
  if (const int error_number = ResolvePlace(path, place); error_number != 0) return error_number;
  if (place.inode == 0) return ENOENT;
  const MemoryNode& node = volatile_.Get(place.inode);
  if (directory && !node.is_directory) return ENOTDIR;
  if (!directory && node.is_directory) return EISDIR;
  if (!node.names.empty()) return ENOTEMPTY;
  volatile_.Get(place.directory).names.erase(place.name);
  pending_.AddUnlink(place.directory, place.name, place.inode);
  Unlink(place.inode);
  return 0;
}

void MemoryFileSystemImpl::Unlink(InodeId inode) {
  if (--links_[inode] == 0) links_.erase(inode);
  ReleaseIfUnused(inode);
}

void MemoryFileSystemImpl::ReleaseIfUnused(InodeId inode) {
  if (links_.count(inode) != 0 || handles_.count(inode) != 0) return;
  used_bytes_ -= volatile_.Get(inode).content.size();
  --used_inodes_;
  volatile_.Erase(inode);
  SweepDurable();
}

// Forgets inodes of the durable view that no view and no pending effect can reach, now and then.
void MemoryFileSystemImpl::SweepDurable() {
  if (durable_.nodes().size() < sweep_at_) return;
  std::set<InodeId> used = pending_.Inodes();
  for (const auto& [inode, node] : volatile_.nodes()) used.insert(inode);
  durable_.EraseUnreachable(used);
  sweep_at_ = 2 * durable_.nodes().size() + 64;
}

Result<> MemoryFileSystemImpl::CreateDirectory(std::string_view path) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  Observe("mkdir {}", path);
  int error_number = 0;
  {
    MutexLock lock(mutex_);
    Place place;
    InodeId inode = 0;
    error_number = ResolvePlace(path, place);
    if (error_number == 0 && place.inode != 0) error_number = EEXIST;
    if (error_number == 0) error_number = CreateNode(place, true, inode);
  }
  return Done(IoOp::kCreateDirectory, path, error_number);
}

Result<> MemoryFileSystemImpl::SyncDirectory(std::string_view path, FileClass file_class) {
  if (!path.empty()) RETURN_IF_ERROR(CheckRelativePath(path));
  Observe("syncdir {}", path.empty() ? "/" : path);
  int error_number = 0;
  {
    MutexLock lock(mutex_);
    InodeId inode = 0;
    error_number = Resolve(path, inode);
    if (error_number == 0 && !volatile_.Get(inode).is_directory) error_number = ENOTDIR;
    if (error_number == 0) {
      pending_.SyncDirectory(inode, durable_);
      pending_.DropDead(volatile_, durable_);
    }
  }
  return Done(IoOp::kSyncDirectory, path, error_number, file_class);
}

Result<std::vector<DirectoryEntry>> MemoryFileSystemImpl::List(std::string_view path) {
  if (!path.empty()) RETURN_IF_ERROR(CheckRelativePath(path));
  std::vector<DirectoryEntry> entries;
  int error_number = 0;
  {
    MutexLock lock(mutex_);
    error_number = ListNode(path, entries);
  }
  RETURN_IF_ERROR(Done(IoOp::kList, path, error_number));
  return entries;
}

int MemoryFileSystemImpl::ListNode(std::string_view path,
                                   std::vector<DirectoryEntry>& entries) const {
  InodeId inode = 0;
  if (const int error_number = Resolve(path, inode); error_number != 0) return error_number;
  const MemoryNode& node = volatile_.Get(inode);
  if (!node.is_directory) return ENOTDIR;
  for (const auto& [name, child] : node.names) {
    entries.push_back({name, volatile_.Get(child).is_directory});
  }
  return 0;
}

Result<FileStatus> MemoryFileSystemImpl::Status(std::string_view path) {
  if (!path.empty()) RETURN_IF_ERROR(CheckRelativePath(path));
  FileStatus status;
  int error_number = 0;
  {
    MutexLock lock(mutex_);
    error_number = StatusNode(path, status);
  }
  RETURN_IF_ERROR(Done(IoOp::kStatus, path, error_number));
  return status;
}

int MemoryFileSystemImpl::StatusNode(std::string_view path, FileStatus& status) const {
  if (const int error_number = Resolve(path, status.inode); error_number != 0) {
    return error_number;
  }
  const MemoryNode& node = volatile_.Get(status.inode);
  status.is_directory = node.is_directory;
  status.size_bytes = node.content.size();
  status.link_count = links_.at(status.inode);
  return 0;
}

Result<SpaceStatus> MemoryFileSystemImpl::Space() {
  MutexLock lock(mutex_);
  SpaceStatus space;
  space.total_bytes = limits_.total_bytes;
  space.free_bytes = limits_.total_bytes - std::min(used_bytes_, limits_.total_bytes);
  space.total_inodes = limits_.total_inodes;
  space.free_inodes = limits_.total_inodes - std::min(used_inodes_, limits_.total_inodes);
  return space;
}

Result<std::unique_ptr<FileLock>> MemoryFileSystemImpl::Lock(std::string_view path) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  InodeId inode = 0;
  int error_number = 0;
  {
    MutexLock lock(mutex_);
    error_number = LockNode(path, inode);
    const auto deadline = std::chrono::steady_clock::now() + kLockPatience;
    while (error_number == 0 && !locks_.insert(inode).second) {
      const auto left = deadline - std::chrono::steady_clock::now();
      if (left.count() <= 0 || !unlocked_.WaitFor(lock, left)) error_number = EWOULDBLOCK;
    }
  }
  if (error_number == EWOULDBLOCK) return LockHeldError(path);
  RETURN_IF_ERROR(Done(IoOp::kLock, path, error_number));
  return std::unique_ptr<FileLock>(std::make_unique<MemoryLock>(*this, inode));
}

int MemoryFileSystemImpl::LockNode(std::string_view path, InodeId& inode) {
  Place place;
  if (const int error_number = ResolvePlace(path, place); error_number != 0) return error_number;
  inode = place.inode;
  if (inode == 0) return CreateNode(place, false, inode);
  return volatile_.Get(inode).is_directory ? EISDIR : 0;
}

// ----- crashes -----

MemoryFileSystemImpl::MemoryFileSystemImpl(Limits limits, MemoryTree tree, InodeId next_inode)
    : limits_(limits), volatile_(std::move(tree)), next_inode_(next_inode) {
  volatile_.EraseUnreachable({});
  durable_ = volatile_;
  links_ = volatile_.CountNames();
  used_inodes_ = volatile_.nodes().size() - 1;
  for (const auto& [inode, node] : volatile_.nodes()) used_bytes_ += node.content.size();
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystemImpl::Settled(MemoryTree tree) const {
  return std::make_unique<MemoryFileSystemImpl>(limits_, std::move(tree), next_inode_);
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystemImpl::Crash(RandomSource& random,
                                                              NameOrder order) const {
  MutexLock lock(mutex_);
  const auto& effects = pending_.effects();
  // Names in journal order survive up to a random one, at least up to the last that a journal kept.
  size_t names_end =
      effects.empty() ? 0 : static_cast<size_t>(random.Next() % (effects.size() + 1));
  for (size_t i = 0; i < effects.size(); ++i) {
    if (effects[i].journaled) names_end = std::max(names_end, i + 1);
  }
  // Mostly lost, half and half, or mostly kept: the extremes are where bugs are.
  const uint64_t keep_of_8 = std::vector<uint64_t>{0, 1, 4, 7, 8}[random.Next() % 5];
  MemoryTree tree = durable_;
  for (size_t i = 0; i < effects.size(); ++i) {
    const uint64_t dice = random.Next();
    const bool journal = effects[i].IsName() && order == NameOrder::kStrong;
    const bool keep = journal ? i < names_end : dice % 8 < keep_of_8;
    if (keep) pending_.ApplyTorn(i, static_cast<Tear>((dice >> 8U) % 5), tree);
  }
  return Settled(std::move(tree));
}

size_t MemoryFileSystemImpl::pending_count() const {
  MutexLock lock(mutex_);
  return pending_.effects().size();
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystemImpl::CrashKeeping(const std::vector<bool>& keep,
                                                                     Tear tear,
                                                                     NameOrder order) const {
  MutexLock lock(mutex_);
  if (!pending_.IsLegal(keep, order)) return nullptr;
  MemoryTree tree = durable_;
  for (size_t i = 0; i < keep.size(); ++i) {
    if (keep[i]) pending_.ApplyTorn(i, tear, tree);
  }
  return Settled(std::move(tree));
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystemImpl::Clone() const {
  MutexLock lock(mutex_);
  CHECK(handles_.empty()) << handles_.size() << " inodes are open";
  auto clone = std::make_unique<MemoryFileSystemImpl>(limits_, volatile_, next_inode_);
  MutexLock clone_lock(clone->mutex_);
  clone->durable_ = durable_;
  clone->pending_ = pending_;
  return clone;
}

void MemoryFileSystemImpl::SetObserver(Observer observer) {
  MutexLock lock(mutex_);
  observer_ = std::move(observer);
}

void MemoryFileSystemImpl::SetLimits(Limits limits) {
  MutexLock lock(mutex_);
  limits_ = limits;
}

Result<> MemoryFileSystemImpl::FlipBits(std::string_view path, uint64_t offset, uint8_t mask) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  MutexLock lock(mutex_);
  InodeId inode = 0;
  if (const int error_number = Resolve(path, inode); error_number != 0) {
    return IoError(IoOp::kWrite, path, error_number);
  }
  if (offset >= volatile_.Get(inode).content.size()) {
    return EndOfFileError(path, volatile_.Get(inode).content.size());
  }
  for (MemoryTree* tree : {&volatile_, &durable_}) {
    MemoryContent& content = tree->Get(inode).content;
    if (offset >= content.size()) continue;
    char byte = 0;
    content.Read(offset, {&byte, 1});
    byte = static_cast<char>(static_cast<uint8_t>(byte) ^ mask);
    content.Write(offset, {&byte, 1});
  }
  return Ok();
}

void MemoryFileSystemImpl::LoseUnsyncedNames(std::string_view path) {
  MutexLock lock(mutex_);
  InodeId inode = 0;
  if (Resolve(path, inode) == 0) pending_.LoseDirectory(inode);
}

}  // namespace

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::Create() { return Create(Limits()); }

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::Create(Limits limits) {
  return std::make_unique<MemoryFileSystemImpl>(limits);
}

}  // namespace ficus
