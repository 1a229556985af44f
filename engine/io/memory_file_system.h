// A file system in memory that can lose power: for tests of everything above it.
//
// It keeps two views: what a process sees, and what is certainly on the device. Between them lies a
// list of pending effects: pieces of written data until the file is synced, names until the
// directory is synced. After ALICE (Pillai et al., OSDI 2014) and CrashMonkey (Mohan et al., OSDI
// 2018).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/random.h"
#include "engine/io/file_system.h"

namespace ficus {

class MemoryFileSystem : public FileSystem {
 public:
  // How a data piece that was written but not synced may be found after the crash.
  enum class Tear : uint8_t { kWritten, kOld, kZeros, kGarbage, kSizeOnly };

  // Whether names persist in the order of their operations (as a journal gives) or any subset per
  // directory may.
  enum class NameOrder : uint8_t { kStrong, kWeak };

  struct Limits {
    uint64_t total_bytes = uint64_t{1} << 40;
    uint64_t total_inodes = uint64_t{1} << 32;
  };

  static std::unique_ptr<MemoryFileSystem> Create();
  static std::unique_ptr<MemoryFileSystem> Create(Limits limits);

  // A new file system holding only what is durable, plus a random legal subset of what was pending.
  virtual std::unique_ptr<MemoryFileSystem> Crash(RandomSource& random, NameOrder order) const = 0;

  // Number of pending effects, and the crash state that keeps exactly those with keep[i] (by
  // index), each kept data piece torn as `tear` says. Illegal under `order`: null.
  virtual size_t pending_count() const = 0;
  virtual std::unique_ptr<MemoryFileSystem> CrashKeeping(const std::vector<bool>& keep, Tear tear,
                                                         NameOrder order) const = 0;

  // A copy that shares nothing: volatile view, durable view and pending effects. No file may be
  // open.
  virtual std::unique_ptr<MemoryFileSystem> Clone() const = 0;

  // Hash of every name and every byte as a process sees them, but for the bytes of files whose name
  // ends with `unread_suffix` (when it is not empty). Equal trees have equal digests.
  virtual uint64_t Digest(std::string_view unread_suffix) const = 0;

  // Called before every operation that changes something, with its number (from 0) and a line such
  // as "rename a b": the order-of-effects log of tests, and the place to count crash points.
  using Observer = std::function<void(uint64_t number, std::string_view effect)>;
  virtual void SetObserver(Observer observer) = 0;

  // Changes limits while running: a full disk, and space coming back.
  virtual void SetLimits(Limits limits) = 0;

  // XORs one byte of a file in both views: bit rot.
  virtual Result<> FlipBits(std::string_view path, uint64_t offset, uint8_t mask) = 0;
};

}  // namespace ficus
