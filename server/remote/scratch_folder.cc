#include "server/remote/scratch_folder.h"

#include <set>
#include <utility>

#include <fmt/core.h>

#include "engine/base/id.h"
#include "engine/base/log.h"
#include "engine/io/publish.h"
#include "server/remote/object_store.h"

namespace ficus {
namespace {

constexpr std::string_view kLiveSuffix = ".live";
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr size_t kHexBytes = 16;

std::string PathOf(std::string_view name) { return JoinPath(kScratchFolder, name); }
std::string LivePath(uint64_t writer) { return PathOf(Hex16(writer) + std::string(kLiveSuffix)); }

// Whether `name` belongs to a writer: its lock or one of its files.
bool ParseWriter(std::string_view name, uint64_t& writer) {
  if (name.size() <= kHexBytes || !ParseHex16(name.substr(0, kHexBytes), writer)) return false;
  const std::string_view rest = name.substr(kHexBytes);
  return rest == kLiveSuffix || (rest[0] == '-' && rest.ends_with(kTemporarySuffix));
}

// The file system tries for a moment only.
Result<std::unique_ptr<FileLock>> LockWithPatience(FileSystem& fs, const std::string& path,
                                                   const std::stop_token& stop) {
  while (true) {
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "lock " + path + ": stopped"};
    auto lock = fs.Lock(path);
    if (lock.has_value() || lock.error().code != ErrorCode::kUnavailable) return lock;
  }
}

Result<> RemoveIfThere(FileSystem& fs, const std::string& path) {
  Result<> removed = fs.Remove(path);
  if (!removed && removed.error().code == ErrorCode::kNotFound) return Ok();
  return removed;
}

uint64_t HashOf(std::string_view key) {
  uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a: the same in every process
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

}  // namespace

Result<std::unique_ptr<ScratchFolder>> ScratchFolder::Open(FileSystem& fs, RandomSource& random,
                                                           std::stop_token stop) {
  RETURN_IF_ERROR(CreateDirectories(fs, kScratchFolder, FileClass::kBackup));
  std::unique_ptr<ScratchFolder> folder(new ScratchFolder(fs, random.NextId()));
  // Between the creation of a lock file and its locking another store would take it for a dead one.
  ASSIGN_OR_RETURN(const auto open_lock, LockWithPatience(fs, PathOf("open.lock"), stop));
  RETURN_IF_ERROR(folder->SignIn());
  RETURN_IF_ERROR(folder->RemoveLeftovers());
  return folder;
}

ScratchFolder::~ScratchFolder() {
  if (live_ == nullptr) return;
  const Result<> removed = RemoveIfThere(fs_, LivePath(writer_));
  if (!removed) {
    LogWarn("remote.scratch_left", "a lock file stays: {}", removed.error().ToString());
  }
}

Result<> ScratchFolder::SignIn() {
  ASSIGN_OR_RETURN(live_, fs_.Lock(LivePath(writer_)));
  return Ok();
}

Result<> ScratchFolder::RemoveLeftovers() {
  ASSIGN_OR_RETURN(const auto entries, fs_.List(kScratchFolder));
  std::set<uint64_t> writers;
  for (const DirectoryEntry& entry : entries) {
    uint64_t writer = 0;
    if (ParseWriter(entry.name, writer) && writer != writer_) writers.insert(writer);
  }
  for (const uint64_t writer : writers) RETURN_IF_ERROR(RemoveIfDead(writer, entries));
  return Ok();
}

Result<> ScratchFolder::RemoveIfDead(uint64_t writer, const std::vector<DirectoryEntry>& entries) {
  const auto lock = fs_.Lock(LivePath(writer));
  if (!lock) {
    return lock.error().code == ErrorCode::kUnavailable ? Ok() : Result<>(lock.error());
  }
  for (const DirectoryEntry& entry : entries) {
    uint64_t of = 0;
    const bool is_file = ParseWriter(entry.name, of) && entry.name.ends_with(kTemporarySuffix);
    if (!is_file || of != writer || entry.is_directory) continue;
    RETURN_IF_ERROR(RemoveIfThere(fs_, PathOf(entry.name)));
    LogInfo("remote.leftover_removed", "{}: {} was never finished", fs_.root(), entry.name);
  }
  return RemoveIfThere(fs_, LivePath(writer));
}

std::string ScratchFolder::NewPath() {
  return PathOf(fmt::format("{}-{}{}", Hex16(writer_), next_number_++, kTemporarySuffix));
}

Result<> ScratchFolder::WithKey(std::string_view key, const std::stop_token& stop,
                                const std::function<Result<>()>& act) {
  const size_t number = HashOf(key) % kLockCount;
  MutexLock mutex(mutexes_[number]);
  ASSIGN_OR_RETURN(const auto lock,
                   LockWithPatience(fs_, PathOf(fmt::format("key-{}.lock", number)), stop));
  return act();
}

}  // namespace ficus
