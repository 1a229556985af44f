#include "engine/part/file_cache.h"

#include <atomic>
#include <iterator>
#include <utility>

namespace ficus {
namespace {

constexpr size_t kProcessCapacity = 128;

}  // namespace

FileCache& FileCache::ForProcess() {
  // Never destroyed: parts may outlive the static objects of other files.
  static FileCache& cache = *new FileCache(kProcessCapacity);
  return cache;
}

uint64_t FileCache::NewOwner() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

Result<std::shared_ptr<File>> FileCache::Open(FileSystem& fs, const std::string& path,
                                              uint64_t owner) {
  if (std::shared_ptr<File> file = Find(owner); file != nullptr) return file;
  OpenOptions options;
  options.file_class = FileClass::kQuery;
  ASSIGN_OR_RETURN(std::shared_ptr<File> file, fs.Open(path, options));
  Insert(owner, file);
  return file;
}

std::shared_ptr<File> FileCache::Find(uint64_t owner) {
  MutexLock lock(mutex_);
  const auto place = places_.find(owner);
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return place->second->file;
}

void FileCache::Insert(uint64_t owner, std::shared_ptr<File> file) {
  Entries surplus;
  MutexLock lock(mutex_);
  // Two scans may have opened the file at once; the first one stays.
  if (places_.count(owner) > 0) return;
  entries_.push_front({owner, std::move(file)});
  places_[owner] = entries_.begin();
  surplus = TakeSurplus();
}

FileCache::Entries FileCache::TakeSurplus() {
  Entries surplus;
  while (entries_.size() > capacity_) {
    places_.erase(entries_.back().owner);
    surplus.splice(surplus.begin(), entries_, std::prev(entries_.end()));
  }
  return surplus;
}

void FileCache::Drop(uint64_t owner) {
  Entries dropped;
  MutexLock lock(mutex_);
  const auto place = places_.find(owner);
  if (place == places_.end()) return;
  dropped.splice(dropped.begin(), entries_, place->second);
  places_.erase(place);
}

void FileCache::Clear() {
  Entries dropped;
  MutexLock lock(mutex_);
  dropped.swap(entries_);
  places_.clear();
}

void FileCache::SetCapacity(size_t capacity) {
  Entries surplus;
  MutexLock lock(mutex_);
  capacity_ = capacity;
  surplus = TakeSurplus();
}

size_t FileCache::size() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace ficus
