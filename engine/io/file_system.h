// The only door from the engine to the disk.
//
// A FileSystem is rooted: every path is relative to its root, uses '/', and cannot leave it.
// Implementations: UringFileSystem (one ring per calling thread), ThreadFileSystem (pread/pwrite),
// MemoryFileSystem (crashable, for tests), and FaultyFileSystem (a wrapper that makes chosen
// operations fail). One conformance suite holds for all.
//
// Concurrency: every member of FileSystem and File from any thread, except that a batch belongs to
// one thread. Errors: each says the operation, the path and the errno text ("fsync wal/1.log:
// Input/output error"). What an error means for the node is decided by one function,
// ClassifyIoError (io_verdict.h); where it means that durability is lost the file system stops the
// process itself, so such an error never reaches a caller.
//
// Paths name something below the root; the empty path is the root itself, which can be listed,
// looked at and synced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/aligned_buffer.h"
#include "engine/io/write_chunk.h"

namespace ficus {

// What a file is for. Counts, faults and verdicts are kept by class.
enum class FileClass : uint8_t {
  kLog,
  kFlush,     // parts and index runs written from memory
  kMerge,     // parts and index runs read and written by merges
  kManifest,  // manifests, identities, segment metadata
  kQuery,     // cold reads of queries
  kRecovery,  // reads at start
  kSnapshot,
  kBackup,
  kTool,
};
inline constexpr size_t kFileClassCount = static_cast<size_t>(FileClass::kTool) + 1;
std::string_view FileClassName(FileClass file_class);

enum class OpenMode : uint8_t {
  kRead,
  kReadWrite,
  kCreate,  // read and write; kAlreadyExists when the name is taken
};

struct OpenOptions {
  FileClass file_class = FileClass::kTool;
  OpenMode mode = OpenMode::kRead;
  // Asks for O_DIRECT. Offsets, lengths and memory must then be multiples of kDirectAlignment
  // (FileWriter and AlignedBuffer see to it). Where the file system refuses it, the file is opened
  // buffered.
  bool direct = false;
};

enum class SyncKind : uint8_t {
  kData,  // fdatasync: contents and the size needed to read them
  kAll,   // fsync
};

class File {
 public:
  virtual ~File() = default;  // closes; never syncs

  // Fills `out` from `offset`. kIo when the file ends before that ("end of file at N").
  virtual Result<> ReadAt(uint64_t offset, std::span<char> out) = 0;
  // Writes all of `data` at `offset`, growing the file where needed. Not durable before Sync.
  virtual Result<> WriteAt(uint64_t offset, std::string_view data) = 0;
  virtual Result<> Sync(SyncKind kind) = 0;
  // Reserves space for [offset, offset + bytes) and grows the file to its end. kNoSpace when there
  // is none.
  virtual Result<> Allocate(uint64_t offset, uint64_t bytes) = 0;
  virtual Result<> Truncate(uint64_t bytes) = 0;
  virtual Result<uint64_t> Size() = 0;
  // Asks the kernel to forget cached pages, so that the next read sees the device.
  virtual Result<> DropCache() = 0;

  // Whether O_DIRECT was asked for and given.
  virtual bool direct() const = 0;
  virtual FileClass file_class() const = 0;
  virtual const std::string& path() const = 0;
};

// Reads that the kernel sees together. Fill, Read(), look at the results. The files belong to the
// file system that reads the batch.
class ReadBatch {
 public:
  struct Op {
    File* file;
    uint64_t offset;
    std::span<char> out;
    Result<> result;
  };

  // `file` and the memory of `out` must live until the batch has been read.
  void Add(File& file, uint64_t offset, std::span<char> out) {
    ops_.push_back({&file, offset, out, Ok()});
  }
  std::span<Op> ops() { return ops_; }
  bool empty() const { return ops_.empty(); }
  void Clear() { ops_.clear(); }

 private:
  std::vector<Op> ops_;
};

// Writes that the kernel sees together, in any order, then, where asked for, one sync for each
// synced file, after its writes.
class WriteBatch {
 public:
  struct Op {
    File* file;
    uint64_t offset;
    std::string_view data;
    Result<> result;
  };
  struct SyncOp {
    File* file;
    SyncKind kind;
    Result<> result;
  };

  void Write(File& file, uint64_t offset, std::string_view data) {
    ops_.push_back({&file, offset, data, Ok()});
  }
  // Ordered after every write to `file` in this batch; not attempted (kCancelled) when one of them
  // failed.
  void Sync(File& file, SyncKind kind) { syncs_.push_back({&file, kind, Ok()}); }

  std::span<Op> ops() { return ops_; }
  std::span<SyncOp> syncs() { return syncs_; }
  bool empty() const { return ops_.empty() && syncs_.empty(); }
  void Clear() {
    ops_.clear();
    syncs_.clear();
  }

 private:
  std::vector<Op> ops_;
  std::vector<SyncOp> syncs_;
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;
  friend bool operator==(const DirectoryEntry&, const DirectoryEntry&) = default;
};

struct FileStatus {
  bool is_directory = false;
  uint64_t size_bytes = 0;
  uint64_t inode = 0;
  uint64_t link_count = 1;
};

struct SpaceStatus {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;  // available to this user
  uint64_t total_inodes = 0;
  uint64_t free_inodes = 0;
};

// Held until destroyed.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Result<std::unique_ptr<File>> Open(std::string_view path, OpenOptions options) = 0;

  // Submits all and waits for all. Each op has its own result; returned is the first error, if any.
  virtual Result<> Read(ReadBatch& batch) = 0;
  virtual Result<> Write(WriteBatch& batch) = 0;

  // Atomic; replaces an existing file at `to`. Durable after SyncDirectory of both parents.
  // `file_class` says whose promise is at stake when it fails; without one: the engine's.
  virtual Result<> Rename(std::string_view from, std::string_view to, FileClass file_class) = 0;
  Result<> Rename(std::string_view from, std::string_view to) {
    return Rename(from, to, FileClass::kManifest);
  }
  // kAlreadyExists when `to` is taken.
  virtual Result<> Link(std::string_view from, std::string_view to) = 0;
  virtual Result<> Remove(std::string_view path) = 0;
  // One level; kAlreadyExists, kNotFound for a missing parent.
  virtual Result<> CreateDirectory(std::string_view path) = 0;
  // Must be empty.
  virtual Result<> RemoveDirectory(std::string_view path) = 0;
  // Makes the names in `path` durable. `file_class` as in Rename. Waits a while where descriptors
  // or memory to open the directory are short.
  virtual Result<> SyncDirectory(std::string_view path, FileClass file_class) = 0;
  Result<> SyncDirectory(std::string_view path) {
    return SyncDirectory(path, FileClass::kManifest);
  }
  // Sorted by name, without "." and "..". A symbolic link is an entry, not what it points to.
  virtual Result<std::vector<DirectoryEntry>> List(std::string_view path) = 0;
  virtual Result<FileStatus> Status(std::string_view path) = 0;
  virtual Result<SpaceStatus> Space() = 0;
  // An exclusive lock on `path` (created where missing), also against another opener in this
  // process. Tries for a quarter of a second; kUnavailable when someone else holds it.
  virtual Result<std::unique_ptr<FileLock>> Lock(std::string_view path) = 0;

  // Memory for `bytes` to be written: registered with the kernel where that is possible and some is
  // left, else plain. Goes back before the file system does.
  virtual WriteChunk TakeChunk(size_t bytes) { return WriteChunk(AlignedBuffer(bytes)); }

  // "io_uring", "threads", "memory": for logs and metrics.
  virtual std::string_view engine() const = 0;
  // The root in the outside world, for messages; empty in memory.
  virtual const std::string& root() const = 0;
};

inline constexpr size_t kFileNameBytesMax = 255;
inline constexpr size_t kPathBytesMax = 4095;

// kInvalidArgument for what could leave the root or is not a name: the empty path, empty
// components,
// "." and "..", a leading '/', NUL, overlong.
Result<> CheckRelativePath(std::string_view path);

// "a/b/c" -> "a/b"; "c" -> "" (the root).
std::string_view ParentPath(std::string_view path);
std::string_view BaseName(std::string_view path);
std::string JoinPath(std::string_view parent, std::string_view name);

}  // namespace ficus
