// The few descriptors that queries keep open, so that a scan of a part that was just scanned opens
// nothing, while ten thousand idle parts hold none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// Keeps the files that were used last, at most `capacity` of them. All members: any thread; no lock
// is held while a file is opened or closed.
class FileCache {
 public:
  explicit FileCache(size_t capacity) : capacity_(capacity) {}

  // The one that all parts and index runs of the process share.
  static FileCache& ForProcess();

  // A number for one part, never given twice.
  static uint64_t NewOwner();

  // The file at `path`, opened for queries where `owner` has none open. A file that has left the
  // cache closes when its last holder lets go.
  Result<std::shared_ptr<File>> Open(FileSystem& fs, const std::string& path, uint64_t owner);

  // The owner is going away.
  void Drop(uint64_t owner);
  // Lets go of every file, before a file system is taken away for instance.
  void Clear();
  // Takes effect at once; 0 keeps none.
  void SetCapacity(size_t capacity);

  size_t size() const;

 private:
  struct Entry {
    uint64_t owner;
    std::shared_ptr<File> file;
  };
  using Entries = std::list<Entry>;

  std::shared_ptr<File> Find(uint64_t owner);
  void Insert(uint64_t owner, std::shared_ptr<File> file);
  // Moves what is beyond the capacity out, to be closed without the lock.
  Entries TakeSurplus() REQUIRES(mutex_);

  mutable Mutex mutex_;
  size_t capacity_ GUARDED_BY(mutex_);
  Entries entries_ GUARDED_BY(mutex_);  // the one used last first
  std::unordered_map<uint64_t, Entries::iterator> places_ GUARDED_BY(mutex_);
};

}  // namespace ficus
