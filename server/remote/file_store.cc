#include "server/remote/file_store.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/io/publish.h"
#include "server/remote/file_lister.h"
#include "server/remote/scratch_folder.h"
#include "server/remote/store_error.h"
#include "server/remote/store_url.h"

namespace ficus {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;
// Files at least this large leave the page cache once they are synced: nobody reads them soon.
constexpr uint64_t kDropCacheBytesMin = uint64_t{4} << 20;
// How often a put or a read begins anew because a folder or file went away under it.
constexpr int kTriesMax = 100;
// Folders whose names are known to be durable, remembered.
constexpr size_t kDurableFoldersMax = 10'000;

using Kind = FileStamp::Kind;

bool IsObject(const std::optional<FileStamp>& stamp) {
  return stamp.has_value() && stamp->kind == Kind::kObject;
}

ObjectInfo InfoOf(std::string_view key, const FileStamp& stamp) {
  return {std::string(key), stamp.size_bytes, stamp.etag};
}

Error Named(Error error, StoreOp op, std::string_view key) {
  return std::move(error).With(std::string(StoreOpName(op)) + " " + std::string(key));
}

// A file of the store as the source of a copy.
class FileSource final : public ObjectSource {
 public:
  FileSource(File& file, uint64_t size_bytes) : file_(file), size_bytes_(size_bytes) {}
  uint64_t size_bytes() const override { return size_bytes_; }
  Result<> ReadAt(uint64_t offset, std::span<char> out) const override {
    return file_.ReadAt(offset, out);
  }

 private:
  File& file_;
  const uint64_t size_bytes_;
};

class FileStore final : public ObjectStore {
 public:
  FileStore(std::unique_ptr<FileSystem> owned, FileSystem& fs, std::unique_ptr<FileStamps> stamps,
            RandomSource& random, std::string url)
      : owned_(std::move(owned)),
        fs_(fs),
        stamps_(std::move(stamps)),
        random_(random),
        url_(std::move(url)) {}

  const std::string& url() const override { return url_; }
  StoreAbilities abilities() const override { return {}; }
  Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                         const PutCondition& condition, std::stop_token stop) override;
  Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                         std::stop_token stop) override;
  Result<ObjectInfo> Head(std::string_view key, std::stop_token stop) override;
  Result<ObjectInfo> Copy(std::string_view from, std::string_view to,
                          std::stop_token stop) override;
  Result<> Delete(std::span<const std::string> keys, std::stop_token stop) override;
  Result<ListPage> List(const ListRequest& request, std::stop_token stop) override;

 private:
  struct OpenObject {
    std::unique_ptr<File> file;
    FileStamp stamp;
  };
  // A new file on its way to a key.
  struct Placing {
    std::string_view key;
    const std::string& temporary;
    const PutCondition& condition;
  };

  Result<ScratchFolder*> Scratch(const std::stop_token& stop);
  Result<OpenObject> OpenToRead(StoreOp op, std::string_view key);

  Result<ObjectInfo> Write(StoreOp op, std::string_view key, const ObjectSource& source,
                           const PutCondition& condition, const std::stop_token& stop);
  Result<> WriteTemporary(StoreOp op, std::string_view key, const std::string& path,
                          const ObjectSource& source, const std::stop_token& stop);
  Result<ObjectInfo> Publish(ScratchFolder& scratch, const Placing& placing,
                             const std::stop_token& stop);
  Result<FileStamp> PlaceOnce(ScratchFolder& scratch, const Placing& placing,
                              const std::stop_token& stop);
  Result<> PlaceUnderLock(const Placing& placing);
  Result<> CheckCondition(const Placing& placing, const std::optional<FileStamp>& there);
  Result<> MakeWay(std::string_view key, const std::optional<FileStamp>& there);

  Result<> EnsureFolder(std::string_view key);
  Result<> WhyNoPlace(std::string_view key);
  bool IsKnownDurable(const std::string& folder);
  void RememberDurable(const std::string& folder);
  void ForgetDurable(std::string_view folder);

  Result<> DeleteOne(ScratchFolder& scratch, const std::string& key, const std::stop_token& stop,
                     std::set<std::string>& folders);
  Result<bool> RemoveEmptyFolders(std::string_view folder);
  Result<> SettleFolders(const std::set<std::string>& folders);
  bool RemoveIfEmpty(std::string_view folder);
  Result<> SyncNearest(std::string_view folder);
  void ClearUpAfterFailure(std::string_view key, const std::string& temporary);

  const std::unique_ptr<FileSystem> owned_;  // null: somebody else's
  FileSystem& fs_;
  const std::unique_ptr<FileStamps> stamps_;
  RandomSource& random_;
  const std::string url_;

  Mutex scratch_mutex_;  // held while the scratch folder is opened: its users wait for that
  std::unique_ptr<ScratchFolder> scratch_ GUARDED_BY(scratch_mutex_);

  Mutex durable_mutex_;
  // Folder -> the inode it had when its name and those above it were synced.
  std::map<std::string, uint64_t> durable_ GUARDED_BY(durable_mutex_);
};

Result<ScratchFolder*> FileStore::Scratch(const std::stop_token& stop) {
  MutexLock lock(scratch_mutex_);
  if (scratch_ == nullptr) {
    ASSIGN_OR_RETURN(scratch_, ScratchFolder::Open(fs_, random_, stop));
  }
  return scratch_.get();
}

// ----- reading -----

Result<ObjectInfo> FileStore::Head(std::string_view key, std::stop_token stop) {
  RETURN_IF_ERROR(CheckKey(key));
  RETURN_IF_ERROR(CheckStop(stop, StoreOp::kHead, key));
  const auto stamp = stamps_->Look(key);
  if (!stamp) return Named(stamp.error(), StoreOp::kHead, key);
  if (!IsObject(*stamp)) return NoSuchObject(StoreOp::kHead, key);
  return InfoOf(key, **stamp);
}

// The stamp before and after opening is the same: then it is that of the file opened.
Result<FileStore::OpenObject> FileStore::OpenToRead(StoreOp op, std::string_view key) {
  for (int i = 0; i < kTriesMax; ++i) {
    ASSIGN_OR_RETURN(const auto before, stamps_->Look(key));
    if (!IsObject(before)) return NoSuchObject(op, key);
    auto file = fs_.Open(key, {.file_class = FileClass::kBackup});
    ASSIGN_OR_RETURN(const auto after, stamps_->Look(key));
    if (before != after) continue;
    if (!file) return Named(file.error(), op, key);
    return OpenObject{std::move(*file), *before};
  }
  return Error{ErrorCode::kUnavailable, std::string(StoreOpName(op)) + " " + std::string(key) +
                                            ": it is replaced again and again"};
}

Result<ObjectInfo> FileStore::Get(std::string_view key, std::optional<ByteRange> range,
                                  const Sink& sink, std::stop_token stop) {
  RETURN_IF_ERROR(CheckKey(key));
  RETURN_IF_ERROR(CheckStop(stop, StoreOp::kGet, key));
  ASSIGN_OR_RETURN(const OpenObject object, OpenToRead(StoreOp::kGet, key));
  const ByteRange whole{0, object.stamp.size_bytes};
  const ByteRange wanted = range.value_or(whole);
  RETURN_IF_ERROR(CheckRange(key, wanted, object.stamp.size_bytes));
  std::string chunk(std::min<uint64_t>(kChunkBytes, wanted.length), '\0');
  for (uint64_t done = 0; done < wanted.length;) {
    RETURN_IF_ERROR(CheckStop(stop, StoreOp::kGet, key));
    const auto length = std::min<uint64_t>(chunk.size(), wanted.length - done);
    Result<> read = object.file->ReadAt(wanted.offset + done, {chunk.data(), length});
    if (!read) return Named(std::move(read).error(), StoreOp::kGet, key);
    RETURN_IF_ERROR(sink(std::string_view(chunk.data(), length)));
    done += length;
  }
  return InfoOf(key, object.stamp);
}

Result<ListPage> FileStore::List(const ListRequest& request, std::stop_token stop) {
  RETURN_IF_ERROR(CheckListRequest(request));
  RETURN_IF_ERROR(CheckStop(stop, StoreOp::kList, request.prefix));
  return FileLister(fs_, *stamps_, request, std::move(stop)).List();
}

// ----- writing -----

Result<ObjectInfo> FileStore::Put(std::string_view key, const ObjectSource& source,
                                  const PutCondition& condition, std::stop_token stop) {
  RETURN_IF_ERROR(CheckKey(key));
  return Write(StoreOp::kPut, key, source, condition, stop);
}

Result<ObjectInfo> FileStore::Copy(std::string_view from, std::string_view to,
                                   std::stop_token stop) {
  RETURN_IF_ERROR(CheckKey(from));
  RETURN_IF_ERROR(CheckKey(to));
  RETURN_IF_ERROR(CheckStop(stop, StoreOp::kCopy, from));
  ASSIGN_OR_RETURN(const OpenObject object, OpenToRead(StoreOp::kCopy, from));
  const FileSource source(*object.file, object.stamp.size_bytes);
  return Write(StoreOp::kCopy, to, source, {}, stop);
}

Result<ObjectInfo> FileStore::Write(StoreOp op, std::string_view key, const ObjectSource& source,
                                    const PutCondition& condition, const std::stop_token& stop) {
  RETURN_IF_ERROR(CheckStop(stop, op, key));
  ASSIGN_OR_RETURN(ScratchFolder * scratch, Scratch(stop));
  const std::string temporary = scratch->NewPath();
  Result<> written = WriteTemporary(op, key, temporary, source, stop);
  if (!written) {
    RemoveTemporary(fs_, temporary);
    return std::move(written).error();
  }
  const Placing placing{key, temporary, condition};
  Result<ObjectInfo> info = Publish(*scratch, placing, stop);
  if (!info) ClearUpAfterFailure(key, temporary);
  return info;
}

Result<> FileStore::WriteTemporary(StoreOp op, std::string_view key, const std::string& path,
                                   const ObjectSource& source, const std::stop_token& stop) {
  const auto file = fs_.Open(path, {.file_class = FileClass::kBackup, .mode = OpenMode::kCreate});
  if (!file) return Named(file.error(), op, key);
  const uint64_t size = source.size_bytes();
  if (Result<> space = (*file)->Allocate(0, size); !space) {
    return Named(std::move(space).error(), op, key);
  }
  WriteChunk chunk = fs_.TakeChunk(std::min<uint64_t>(kChunkBytes, size));
  for (uint64_t done = 0; done < size;) {
    RETURN_IF_ERROR(CheckStop(stop, op, key));
    const auto length = static_cast<size_t>(std::min<uint64_t>(kChunkBytes, size - done));
    RETURN_IF_ERROR(source.ReadAt(done, {chunk.data(), length}));
    Result<> written = (*file)->WriteAt(done, {chunk.data(), length});
    if (!written) return Named(std::move(written).error(), op, key);
    done += length;
  }
  if (Result<> marked = stamps_->Mark(path); !marked) return Named(marked.error(), op, key);
  if (Result<> synced = (*file)->Sync(SyncKind::kAll); !synced) {
    return Named(std::move(synced).error(), op, key);
  }
  if (size >= kDropCacheBytesMin) {
    if (const Result<> dropped = (*file)->DropCache(); !dropped) {
      LogDebug("remote.drop_cache", "{}", dropped.error().ToString());
    }
  }
  return CheckStop(stop, op, key);
}

Result<ObjectInfo> FileStore::Publish(ScratchFolder& scratch, const Placing& placing,
                                      const std::stop_token& stop) {
  for (int i = 0;; ++i) {
    Result<FileStamp> stamp = PlaceOnce(scratch, placing, stop);
    if (stamp.has_value()) return InfoOf(placing.key, *stamp);
    // A delete has taken the folder away that was to receive the file.
    if (stamp.error().code != ErrorCode::kNotFound) return std::move(stamp).error();
    if (i == kTriesMax) {
      return Error{ErrorCode::kUnavailable,
                   "put " + std::string(placing.key) + ": its folder is removed again and again"};
    }
  }
}

Result<FileStamp> FileStore::PlaceOnce(ScratchFolder& scratch, const Placing& placing,
                                       const std::stop_token& stop) {
  // What must be there already has its folder.
  const bool exists = placing.condition.kind == PutCondition::Kind::kIfMatch;
  if (!exists) RETURN_IF_ERROR(EnsureFolder(placing.key));
  ASSIGN_OR_RETURN(const auto stamp, stamps_->Look(placing.temporary));
  if (!IsObject(stamp)) {
    return Error{ErrorCode::kIo, "put " + std::string(placing.key) + ": " + placing.temporary +
                                     " was removed by someone else"};
  }
  RETURN_IF_ERROR(scratch.WithKey(placing.key, stop, [&] { return PlaceUnderLock(placing); }));
  if (placing.condition.kind == PutCondition::Kind::kIfAbsent) {
    RemoveTemporary(fs_, placing.temporary);
  }
  Result<> synced = fs_.SyncDirectory(ParentPath(placing.key), FileClass::kBackup);
  // Deleted by someone else after it was there.
  const bool gone = !synced && synced.error().code == ErrorCode::kNotFound;
  if (!synced && !gone) return Named(std::move(synced).error(), StoreOp::kPut, placing.key);
  return *stamp;
}

Result<> FileStore::PlaceUnderLock(const Placing& placing) {
  ASSIGN_OR_RETURN(const auto there, stamps_->Look(placing.key));
  RETURN_IF_ERROR(CheckCondition(placing, there));
  RETURN_IF_ERROR(MakeWay(placing.key, there));
  if (placing.condition.kind != PutCondition::Kind::kIfAbsent) {
    return fs_.Rename(placing.temporary, placing.key, FileClass::kBackup);
  }
  Result<> linked = fs_.Link(placing.temporary, placing.key);
  if (!linked && linked.error().code == ErrorCode::kAlreadyExists) return KeyIsTaken(placing.key);
  return linked;
}

Result<> FileStore::CheckCondition(const Placing& placing, const std::optional<FileStamp>& there) {
  const PutCondition& condition = placing.condition;
  if (condition.kind == PutCondition::Kind::kIfAbsent && IsObject(there)) {
    return KeyIsTaken(placing.key);
  }
  if (condition.kind != PutCondition::Kind::kIfMatch) return Ok();
  const std::string etag = IsObject(there) ? there->etag : "";
  if (!IsObject(there) || etag != condition.etag) return EtagDiffers(placing.key, etag);
  return Ok();
}

Result<> FileStore::MakeWay(std::string_view key, const std::optional<FileStamp>& there) {
  if (!there.has_value() || there->kind == Kind::kObject) return Ok();
  if (there->kind == Kind::kForeign) {
    return KeyHasNoPlace(key, "what lies there is no regular file");
  }
  ASSIGN_OR_RETURN(const bool removed, RemoveEmptyFolders(key));
  return removed ? Ok() : Result<>(KeyHasNoPlace(key, "objects lie below it"));
}

// ----- folders -----

bool FileStore::IsKnownDurable(const std::string& folder) {
  const auto status = fs_.Status(folder);
  if (!status || !status->is_directory) return false;
  MutexLock lock(durable_mutex_);
  const auto found = durable_.find(folder);
  return found != durable_.end() && found->second == status->inode;
}

void FileStore::RememberDurable(const std::string& folder) {
  const auto status = fs_.Status(folder);
  if (!status) return;
  MutexLock lock(durable_mutex_);
  if (durable_.size() >= kDurableFoldersMax) durable_.clear();
  durable_[folder] = status->inode;
}

// It was removed; its inode may be given to another one of that name.
void FileStore::ForgetDurable(std::string_view folder) {
  MutexLock lock(durable_mutex_);
  durable_.erase(std::string(folder));
}

// A folder that was removed and made anew by others has another inode, and so has every one below.
Result<> FileStore::EnsureFolder(std::string_view key) {
  const std::string folder(ParentPath(key));
  if (folder.empty() || IsKnownDurable(folder)) return Ok();
  Result<> created = CreateDirectories(fs_, folder, FileClass::kBackup);
  if (!created) {
    if (created.error().code == ErrorCode::kNotFound) return created;
    RETURN_IF_ERROR(WhyNoPlace(key));
    return Named(std::move(created).error(), StoreOp::kPut, key);
  }
  RememberDurable(folder);
  return Ok();
}

// kInvalidArgument when something above the key is no folder.
Result<> FileStore::WhyNoPlace(std::string_view key) {
  for (size_t slash = key.find('/'); slash != std::string_view::npos;
       slash = key.find('/', slash + 1)) {
    const std::string_view above = key.substr(0, slash);
    ASSIGN_OR_RETURN(const auto stamp, stamps_->Look(above));
    if (!stamp.has_value()) return Ok();
    if (stamp->kind == Kind::kObject) {
      return KeyHasNoPlace(key, std::string(above) + " is an object");
    }
    if (stamp->kind == Kind::kForeign) {
      return KeyHasNoPlace(key, std::string(above) + " is neither folder nor regular file");
    }
  }
  return Ok();
}

// Whether nothing is left of a folder that held only folders.
Result<bool> FileStore::RemoveEmptyFolders(std::string_view folder) {
  const auto entries = fs_.List(folder);
  if (!entries) {
    if (entries.error().code == ErrorCode::kNotFound) return true;
    return entries.error();
  }
  for (const DirectoryEntry& entry : *entries) {
    if (!entry.is_directory) return false;
    ASSIGN_OR_RETURN(const bool removed, RemoveEmptyFolders(JoinPath(folder, entry.name)));
    if (!removed) return false;
  }
  const Result<> removed = fs_.RemoveDirectory(folder);
  if (removed.has_value() || removed.error().code == ErrorCode::kNotFound) {
    ForgetDurable(folder);
    return true;
  }
  if (removed.error().code == ErrorCode::kFailedPrecondition) return false;
  return removed.error();
}

void FileStore::ClearUpAfterFailure(std::string_view key, const std::string& temporary) {
  RemoveTemporary(fs_, temporary);
  const Result<> settled = SettleFolders({std::string(ParentPath(key))});
  if (!settled) LogWarn("remote.folder_left", "an empty folder stays: {}", settled.error().message);
}

// ----- deleting -----

Result<> FileStore::Delete(std::span<const std::string> keys, std::stop_token stop) {
  for (const std::string& key : keys) RETURN_IF_ERROR(CheckKey(key));
  if (keys.empty()) return Ok();
  RETURN_IF_ERROR(CheckStop(stop, StoreOp::kDelete, keys.front()));
  ASSIGN_OR_RETURN(ScratchFolder * scratch, Scratch(stop));
  std::set<std::string> folders;
  Result<> deleted = Ok();
  for (const std::string& key : keys) {
    deleted = CheckStop(stop, StoreOp::kDelete, key);
    if (deleted.has_value()) deleted = DeleteOne(*scratch, key, stop, folders);
    if (!deleted) break;
  }
  const Result<> settled = SettleFolders(folders);
  return deleted.has_value() ? settled : deleted;
}

Result<> FileStore::DeleteOne(ScratchFolder& scratch, const std::string& key,
                              const std::stop_token& stop, std::set<std::string>& folders) {
  Result<> deleted = scratch.WithKey(key, stop, [&]() -> Result<> {
    ASSIGN_OR_RETURN(const auto there, stamps_->Look(key));
    if (!IsObject(there)) return Ok();
    const Result<> removed = fs_.Remove(key);
    if (!removed && removed.error().code == ErrorCode::kNotFound) return Ok();
    return removed;
  });
  if (!deleted) return Named(std::move(deleted).error(), StoreOp::kDelete, key);
  // Also when it had gone: whoever removed it may not have made that durable.
  folders.emplace(ParentPath(key));
  return Ok();
}

bool FileStore::RemoveIfEmpty(std::string_view folder) {
  const Result<> removed = fs_.RemoveDirectory(folder);
  if (!removed && removed.error().code != ErrorCode::kNotFound) return false;
  ForgetDurable(folder);
  return true;
}

// Removes those of the folders, and of the folders above them, that are empty, and makes what was
// removed from the others durable.
Result<> FileStore::SettleFolders(const std::set<std::string>& folders) {
  std::set<std::string> to_sync;
  // From the last to the first: what lies in a folder comes before the folder.
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder) {
    std::string_view path = *folder;
    while (!path.empty() && RemoveIfEmpty(path)) path = ParentPath(path);
    to_sync.emplace(path);
  }
  for (const std::string& folder : to_sync) RETURN_IF_ERROR(SyncNearest(folder));
  return Ok();
}

// A folder that has gone meanwhile, or given way to an object: its end is a name in the one above.
// One that is back again is tried again.
Result<> FileStore::SyncNearest(std::string_view folder) {
  for (int i = 0;;) {
    Result<> synced = fs_.SyncDirectory(folder, FileClass::kBackup);
    if (synced.has_value() || folder.empty()) return synced;
    ASSIGN_OR_RETURN(const auto stamp, stamps_->Look(folder));
    if (!stamp.has_value() || stamp->kind != Kind::kFolder) {
      folder = ParentPath(folder);
    } else if (synced.error().code != ErrorCode::kNotFound || ++i == kTriesMax) {
      return synced;
    }
  }
}

// ----- opening -----

// The folder, or the one nearest above it that exists.
struct Anchor {
  std::unique_ptr<FileSystem> fs;
  std::string folder;
  std::string missing;  // below it
};

Result<Anchor> FindAnchor(std::string_view folder, const DiskOptions& disk) {
  std::string_view at = folder;
  while (true) {
    auto fs = OpenDiskFileSystem(at, disk);
    if (fs.has_value()) {
      const std::string_view missing = folder.substr(at.size());
      return Anchor{std::move(*fs), std::string(at),
                    std::string(missing.substr(missing.starts_with('/') ? 1 : 0))};
    }
    if (fs.error().code != ErrorCode::kNotFound || at == "/") return fs.error();
    at = at.substr(0, std::max<size_t>(at.rfind('/'), 1));
  }
}

// Whoever made the folder may not have made its name durable. The operator may have made it where
// this process cannot look; then it is not for us to do.
Result<> SyncNameOf(const std::string& folder, const DiskOptions& disk) {
  if (folder == "/") return Ok();
  const std::string above = folder.substr(0, std::max<size_t>(folder.rfind('/'), 1));
  const auto fs = OpenDiskFileSystem(above, disk);
  if (!fs) {
    LogDebug("remote.folder_above", "{}", fs.error().ToString());
    return Ok();
  }
  return (*fs)->SyncDirectory("", FileClass::kBackup);
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> OpenFileStore(std::string_view folder,
                                                   FileStoreOptions options) {
  static const SystemClock system_clock;
  static SystemRandom system_random;
  const Clock& clock = options.clock != nullptr ? *options.clock : system_clock;
  RandomSource& random = options.random != nullptr ? *options.random : system_random;

  RETURN_IF_ERROR(CheckStoreFolder(folder));
  ASSIGN_OR_RETURN(Anchor anchor, FindAnchor(folder, options.disk));
  if (!anchor.missing.empty()) {
    if (options.missing == MissingFolder::kRefuse) {
      return Error{ErrorCode::kNotFound, "open " + std::string(folder) + ": no such folder"};
    }
    RETURN_IF_ERROR(SyncNameOf(anchor.folder, options.disk));
    RETURN_IF_ERROR(CreateDirectories(*anchor.fs, anchor.missing, FileClass::kBackup));
    ASSIGN_OR_RETURN(anchor.fs, OpenDiskFileSystem(folder, options.disk));
  } else if (!anchor.fs->Status(kScratchFolder)) {
    RETURN_IF_ERROR(SyncNameOf(anchor.folder, options.disk));
  }
  ASSIGN_OR_RETURN(auto stamps, OpenFileStamps(folder, clock, random));
  FileSystem& fs = *anchor.fs;
  return std::unique_ptr<ObjectStore>(std::make_unique<FileStore>(
      std::move(anchor.fs), fs, std::move(stamps), random, FileUrl(folder)));
}

std::unique_ptr<ObjectStore> MakeFileStore(FileSystem& fs, std::unique_ptr<FileStamps> stamps,
                                           RandomSource& random, std::string url) {
  return std::make_unique<FileStore>(nullptr, fs, std::move(stamps), random, std::move(url));
}

}  // namespace ficus
