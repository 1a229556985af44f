#include "engine/io/posix_file_system.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <thread>
#include <utility>

#include <dirent.h>
#include <fcntl.h>

#include "engine/base/mutex.h"
#include "engine/io/io_error.h"
#include "engine/io/sequential_batch.h"
#include "engine/io/write_plan.h"

namespace ficus {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirectoryMode = 0750;

std::string PairOf(std::string_view from, std::string_view to) {
  return std::string(from) + " to " + std::string(to);
}

// A name in an open directory.
struct Place {
  FileDescriptor parent;
  std::string name;

  int directory() const { return parent.number(); }
};

int FindPlace(const RootedDirectory& root, std::string_view path, Place& place) {
  place.name = BaseName(path);
  return root.OpenParent(path, place.parent);
}

int ErrnoOf(int result) { return result == 0 ? 0 : errno; }

// ----- opening -----

int OpenFlags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

int CheckRegular(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  return S_ISREG(status.st_mode) ? 0 : EINVAL;
}

// The file was opened with O_NONBLOCK, so that a FIFO under its name holds up nobody, and without
// O_DIRECT, because a refused O_DIRECT leaves a created file behind.
int SettleFlags(int descriptor, bool& direct) {
  if (direct && ::fcntl(descriptor, F_SETFL, O_DIRECT) == 0) return 0;
  direct = false;
  return ErrnoOf(::fcntl(descriptor, F_SETFL, 0));
}

// ----- locks -----

// flock(2) keeps out a second opener in this process, too, but not on NFS, which makes of it a lock
// that belongs to the whole process.
class LockRegistry {
 public:
  using Key = std::pair<dev_t, ino_t>;

  static LockRegistry& Get() {
    static LockRegistry* const registry = new LockRegistry;
    return *registry;
  }
  bool Add(Key key) {
    MutexLock lock(mutex_);
    return held_.insert(key).second;
  }
  void Remove(Key key) {
    MutexLock lock(mutex_);
    held_.erase(key);
  }

 private:
  Mutex mutex_;
  std::set<Key> held_ GUARDED_BY(mutex_);
};

class PosixLock final : public FileLock {
 public:
  PosixLock(FileDescriptor file, LockRegistry::Key key) : file_(std::move(file)), key_(key) {}
  ~PosixLock() override {
    ::flock(file_.number(), LOCK_UN);
    LockRegistry::Get().Remove(key_);
  }
  PosixLock(const PosixLock&) = delete;
  PosixLock& operator=(const PosixLock&) = delete;

 private:
  const FileDescriptor file_;
  const LockRegistry::Key key_;
};

// 0, EWOULDBLOCK when someone holds it, or another errno.
int TryLock(int descriptor, LockRegistry::Key key) {
  if (!LockRegistry::Get().Add(key)) return EWOULDBLOCK;
  const int error_number = ErrnoOf(::flock(descriptor, LOCK_EX | LOCK_NB));
  if (error_number != 0) LockRegistry::Get().Remove(key);
  return error_number == EINTR ? EWOULDBLOCK : error_number;
}

// A process that was killed keeps its lock until its last I/O has ended.
int LockPatiently(int descriptor, LockRegistry::Key key) {
  constexpr std::chrono::milliseconds kPause{10};
  const auto deadline = std::chrono::steady_clock::now() + kLockPatience;
  while (true) {
    const int error_number = TryLock(descriptor, key);
    if (error_number != EWOULDBLOCK) return error_number;
    if (std::chrono::steady_clock::now() >= deadline) return error_number;
    std::this_thread::sleep_for(kPause);
  }
}

// ----- syncs of directories -----

// How long a sync waits for a descriptor, and how often it looks.
constexpr std::chrono::seconds kSyncPatience{10};
constexpr std::chrono::milliseconds kSyncPause{10};

bool IsShortage(int error_number) {
  return error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM;
}

// ----- lists -----

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

int IsDirectoryEntry(DIR* directory, const dirent& entry, bool& is_directory) {
  if (entry.d_type != DT_UNKNOWN) {
    is_directory = entry.d_type == DT_DIR;
    return 0;
  }
  struct stat status {};
  if (::fstatat(::dirfd(directory), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  is_directory = S_ISDIR(status.st_mode);
  return 0;
}

int ReadEntries(FileDescriptor descriptor, std::vector<DirectoryEntry>& entries) {
  // fdopendir takes the descriptor over.
  const int copy = ::fcntl(descriptor.number(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return errno;
  const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(copy));
  if (directory == nullptr) {
    const int error_number = errno;
    ::close(copy);
    return error_number;
  }
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) return errno;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    bool is_directory = false;
    const int error_number = IsDirectoryEntry(directory.get(), *entry, is_directory);
    if (error_number == ENOENT) continue;  // removed while we looked
    if (error_number != 0) return error_number;
    entries.push_back({std::string(name), is_directory});
  }
}

}  // namespace

PosixFileSystem::PosixFileSystem(std::string_view engine, std::string_view root,
                                 RootedDirectory directory, PosixOptions options)
    : engine_(engine),
      root_(root),
      directory_(std::move(directory)),
      hook_(std::move(options.hook)),
      metrics_(options.metrics, engine, options.reason) {
  KeepSpare();
}

Result<std::unique_ptr<File>> PosixFileSystem::Open(std::string_view path, OpenOptions options) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  FileDescriptor file;
  int error_number =
      directory_.OpenFile(path, OpenFlags(options.mode) | O_NONBLOCK | O_NOCTTY, kFileMode, file);
  if (error_number == 0) error_number = CheckRegular(file.number());
  if (error_number == 0) error_number = SettleFlags(file.number(), options.direct);
  if (error_number != 0) {
    return EnforceVerdict(IoOp::kOpen, IoError(IoOp::kOpen, path, error_number),
                          options.file_class);
  }
  return std::unique_ptr<File>(std::make_unique<PosixFile>(*this, std::move(file), path, options));
}

void PosixFileSystem::RunAndCount(std::span<Transfer> transfers) {
  const int64_t start = clock_.Monotonic();
  Run(transfers);
  for (const Transfer& transfer : transfers) {
    if (transfer.attempts == 0) continue;
    metrics_.Count(transfer.op, transfer.file->file_class(),
                   {.submits = static_cast<uint64_t>(transfer.attempts),
                    .bytes = transfer.done,
                    .failed = transfer.error_number != 0,
                    .nanos = transfer.finished_at - start});
  }
}

Result<> PosixFileSystem::RunOne(Transfer transfer) {
  if (transfer.op != IoOp::kSync && transfer.size == 0) return Ok();
  RefuseIfWrong(transfer);
  RunAndCount({&transfer, 1});
  Result<> outcome = OutcomeOf(transfer);
  EnforceOutcome(transfer, outcome);
  return outcome;
}

Result<> PosixFileSystem::Read(ReadBatch& batch) {
  std::vector<Transfer> transfers;
  std::vector<Result<>*> results;
  transfers.reserve(batch.ops().size());
  results.reserve(batch.ops().size());
  for (ReadBatch::Op& op : batch.ops()) {
    op.result = Ok();
    if (op.out.empty()) continue;
    transfers.push_back({.op = IoOp::kRead,
                         .file = &PosixFileOf(*op.file, *this),
                         .offset = op.offset,
                         .data = op.out.data(),
                         .size = op.out.size()});
    RefuseIfWrong(transfers.back());
    results.push_back(&op.result);
  }
  RunAndCount(transfers);
  for (size_t i = 0; i < results.size(); ++i) *results[i] = OutcomeOf(transfers[i]);
  for (size_t i = 0; i < results.size(); ++i) EnforceOutcome(transfers[i], *results[i]);
  return FirstError(batch);
}

Result<> PosixFileSystem::Write(WriteBatch& batch) {
  WritePlan plan(*this, batch);
  RunAndCount(plan.transfers());
  plan.Deliver();
  return FirstError(batch);
}

// ----- names -----

void PosixFileSystem::CountName(IoOp op, FileClass file_class, int64_t start, int error_number) {
  metrics_.Count(op, file_class,
                 {.failed = error_number != 0, .nanos = clock_.Monotonic() - start});
}

Result<> PosixFileSystem::Rename(std::string_view from, std::string_view to, FileClass file_class) {
  RETURN_IF_ERROR(CheckRelativePath(from));
  RETURN_IF_ERROR(CheckRelativePath(to));
  const int64_t start = clock_.Monotonic();
  Place source;
  Place target;
  int error_number = FindPlace(directory_, from, source);
  if (error_number == 0) error_number = FindPlace(directory_, to, target);
  if (error_number == 0) {
    error_number = ErrnoOf(::renameat(source.directory(), source.name.c_str(), target.directory(),
                                      target.name.c_str()));
  }
  CountName(IoOp::kRename, file_class, start, error_number);
  if (error_number == 0) return Ok();
  return EnforceVerdict(IoOp::kRename, IoError(IoOp::kRename, PairOf(from, to), error_number),
                        file_class);
}

Result<> PosixFileSystem::Link(std::string_view from, std::string_view to) {
  RETURN_IF_ERROR(CheckRelativePath(from));
  RETURN_IF_ERROR(CheckRelativePath(to));
  Place source;
  Place target;
  int error_number = FindPlace(directory_, from, source);
  if (error_number == 0) error_number = FindPlace(directory_, to, target);
  if (error_number == 0) {
    error_number = ErrnoOf(::linkat(source.directory(), source.name.c_str(), target.directory(),
                                    target.name.c_str(), 0));
  }
  if (error_number == 0) return Ok();
  return IoError(IoOp::kLink, PairOf(from, to), error_number);
}

Result<> PosixFileSystem::Remove(std::string_view path) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  Place place;
  int error_number = FindPlace(directory_, path, place);
  if (error_number == 0) {
    error_number = ErrnoOf(::unlinkat(place.directory(), place.name.c_str(), 0));
  }
  if (error_number == 0) return Ok();
  return IoError(IoOp::kRemove, path, error_number);
}

Result<> PosixFileSystem::RemoveDirectory(std::string_view path) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  Place place;
  int error_number = FindPlace(directory_, path, place);
  if (error_number == 0) {
    error_number = ErrnoOf(::unlinkat(place.directory(), place.name.c_str(), AT_REMOVEDIR));
  }
  if (error_number == 0) return Ok();
  return IoError(IoOp::kRemove, path, error_number);
}

Result<> PosixFileSystem::CreateDirectory(std::string_view path) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  Place place;
  int error_number = FindPlace(directory_, path, place);
  if (error_number == 0) {
    error_number = ErrnoOf(::mkdirat(place.directory(), place.name.c_str(), kDirectoryMode));
  }
  if (error_number == 0) return Ok();
  return IoError(IoOp::kCreateDirectory, path, error_number);
}

// The names were changed already, so the caller could not take an error for "nothing happened". No
// sync was attempted yet: opening may be repeated.
int PosixFileSystem::OpenToSync(std::string_view path, FileDescriptor& directory) {
  const auto deadline = std::chrono::steady_clock::now() + kSyncPatience;
  while (true) {
    int error_number = directory_.OpenDirectory(path, directory);
    if (IsShortage(error_number)) error_number = OpenWithSpare(path, directory);
    if (!IsShortage(error_number)) return error_number;
    if (std::chrono::steady_clock::now() >= deadline) return error_number;
    std::this_thread::sleep_for(kSyncPause);
  }
}

int PosixFileSystem::OpenWithSpare(std::string_view path, FileDescriptor& directory) {
  {
    FileDescriptor spare;
    MutexLock lock(spare_mutex_);
    std::swap(spare, spare_);
  }
  return directory_.OpenDirectory(path, directory);
}

void PosixFileSystem::KeepSpare() {
  {
    MutexLock lock(spare_mutex_);
    if (spare_) return;
  }
  FileDescriptor spare;
  if (directory_.OpenDirectory("", spare) != 0) return;  // the next sync tries again
  MutexLock lock(spare_mutex_);
  if (!spare_) std::swap(spare, spare_);
}

Result<> PosixFileSystem::SyncDirectory(std::string_view path, FileClass file_class) {
  if (!path.empty()) RETURN_IF_ERROR(CheckRelativePath(path));
  const int64_t start = clock_.Monotonic();
  FileDescriptor directory;
  int error_number = OpenToSync(path, directory);
  if (error_number == 0) error_number = ErrnoOf(::fsync(directory.number()));
  directory = FileDescriptor();
  KeepSpare();
  CountName(IoOp::kSyncDirectory, file_class, start, error_number);
  if (error_number == 0) return Ok();
  return EnforceVerdict(IoOp::kSyncDirectory, IoError(IoOp::kSyncDirectory, path, error_number),
                        file_class);
}

Result<std::vector<DirectoryEntry>> PosixFileSystem::List(std::string_view path) {
  if (!path.empty()) RETURN_IF_ERROR(CheckRelativePath(path));
  FileDescriptor directory;
  std::vector<DirectoryEntry> entries;
  int error_number = directory_.OpenDirectory(path, directory);
  if (error_number == 0) error_number = ReadEntries(std::move(directory), entries);
  if (error_number != 0) return IoError(IoOp::kList, path, error_number);
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

Result<FileStatus> PosixFileSystem::Status(std::string_view path) {
  struct stat status {};
  int error_number = 0;
  if (path.empty()) {
    error_number = ErrnoOf(::fstat(directory_.descriptor(), &status));
  } else {
    RETURN_IF_ERROR(CheckRelativePath(path));
    Place place;
    error_number = FindPlace(directory_, path, place);
    if (error_number == 0) {
      error_number =
          ErrnoOf(::fstatat(place.directory(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW));
    }
  }
  if (error_number != 0) return IoError(IoOp::kStatus, path, error_number);
  const bool is_directory = S_ISDIR(status.st_mode);
  return FileStatus{.is_directory = is_directory,
                    .size_bytes = is_directory ? 0 : static_cast<uint64_t>(status.st_size),
                    .inode = status.st_ino,
                    .link_count = is_directory ? 1 : status.st_nlink};
}

Result<SpaceStatus> PosixFileSystem::Space() {
  struct statvfs status {};
  if (::fstatvfs(directory_.descriptor(), &status) != 0) {
    return IoError(IoOp::kStatus, "", errno);
  }
  return SpaceStatus{.total_bytes = status.f_blocks * status.f_frsize,
                     .free_bytes = status.f_bavail * status.f_frsize,
                     .total_inodes = status.f_files,
                     .free_inodes = status.f_favail};
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::Lock(std::string_view path) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  FileDescriptor file;
  struct stat status {};
  int error_number = directory_.OpenFile(path, O_RDWR | O_CREAT | O_NONBLOCK, kFileMode, file);
  if (error_number == 0) error_number = ErrnoOf(::fstat(file.number(), &status));
  const LockRegistry::Key key{status.st_dev, status.st_ino};
  if (error_number == 0) error_number = LockPatiently(file.number(), key);
  if (error_number == EWOULDBLOCK) return LockHeldError(path);
  if (error_number != 0) return IoError(IoOp::kLock, path, error_number);
  return std::unique_ptr<FileLock>(std::make_unique<PosixLock>(std::move(file), key));
}

}  // namespace ficus
