// The hidden folder of a file store: files that are still being written, and the locks of keys.
//
//     .ficus-tmp/<writer>.live      locked by the store that writes under that random number
//     .ficus-tmp/<writer>-<n>.tmp   a file of that store
//     .ficus-tmp/key-<n>.lock       held while the name of an object changes
//     .ficus-tmp/open.lock          held while a store signs in and clears up
//
// A file is a leftover when nobody holds the lock of its writer: that is found out by taking it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// All members: any thread. Outlived by the file system.
class ScratchFolder {
 public:
  // Creates the folder where missing, signs in and removes what dead writers left.
  static Result<std::unique_ptr<ScratchFolder>> Open(FileSystem& fs, RandomSource& random,
                                                     std::stop_token stop);
  // Signs out.
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  // The path of a new file, never handed out before.
  std::string NewPath();

  // Calls `act` while no other store, here or in another process, is inside for the same key. `act`
  // should be short: a mutex is held across its I/O. kCancelled when stopped before.
  Result<> WithKey(std::string_view key, const std::stop_token& stop,
                   const std::function<Result<>()>& act);

 private:
  // Keys share locks; more would only be more files.
  static constexpr size_t kLockCount = 32;

  ScratchFolder(FileSystem& fs, uint64_t writer) : fs_(fs), writer_(writer) {}

  Result<> SignIn();
  Result<> RemoveLeftovers();
  Result<> RemoveIfDead(uint64_t writer, const std::vector<DirectoryEntry>& entries);

  FileSystem& fs_;
  const uint64_t writer_;
  std::unique_ptr<FileLock> live_;
  std::atomic<uint64_t> next_number_{1};
  std::array<Mutex, kLockCount> mutexes_;  // spare threads of this process the wait for the file
};

}  // namespace ficus
