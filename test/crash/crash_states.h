// Every state that a power cut can leave of a node's two file systems.
//
// After "All File Systems Are Not Created Equal" (Pillai et al., OSDI 2014) and CrashMonkey (Mohan
// et al., OSDI 2018): what was synced is there, of the rest any legal subset, data torn in one of
// five ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "engine/io/memory_file_system.h"

namespace ficus {

// What a node finds when it starts.
struct Disks {
  std::unique_ptr<MemoryFileSystem> fs;
  std::unique_ptr<MemoryFileSystem> log_fs;

  // Temporary files are removed unread, so two states that differ in them only are one.
  static uint64_t DigestOf(const MemoryFileSystem& disk) { return disk.Digest(".tmp"); }
  uint64_t Digest() const { return DigestOf(*fs) * 31 + DigestOf(*log_fs); }
};

struct CrashStateLimits {
  // Up to so many pending effects of a file system all subsets are taken; beyond it: none, all, and
  // at up to `places` places one alone, one missing, prefix and suffix; and random ones.
  size_t exhaustive_max = 6;
  size_t places = 12;
  size_t random_subsets = 16;
  MemoryFileSystem::NameOrder order = MemoryFileSystem::NameOrder::kWeak;
};

// Calls `visit` with each distinct state, once. Deterministic.
void ForEachCrashState(const MemoryFileSystem& fs, const MemoryFileSystem& log_fs,
                       const CrashStateLimits& limits, const std::function<void(Disks)>& visit);

}  // namespace ficus
