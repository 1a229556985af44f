// Walks through the states that a crash can leave: of one moment, and of every moment of an action.
#pragma once

#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/io/memory_file_system.h"

namespace ficus {

// Calls `look` with every state that a crash can leave now, and says how many there were.
template <typename Look>
int ForEachCrash(const MemoryFileSystem& fs, Look look) {
  using Tear = MemoryFileSystem::Tear;
  using NameOrder = MemoryFileSystem::NameOrder;
  int states = 0;
  const size_t count = fs.pending_count();
  REQUIRE(count <= 10);
  for (const NameOrder order : {NameOrder::kStrong, NameOrder::kWeak}) {
    for (const Tear tear :
         {Tear::kWritten, Tear::kOld, Tear::kZeros, Tear::kGarbage, Tear::kSizeOnly}) {
      for (unsigned subset = 0; subset < 1U << count; ++subset) {
        std::vector<bool> keep(count);
        for (size_t i = 0; i < count; ++i) keep[i] = (subset >> i & 1U) != 0;
        const auto crashed = fs.CrashKeeping(keep, tear, order);
        if (crashed == nullptr) continue;
        ++states;
        look(*crashed);
      }
    }
  }
  return states;
}

// Runs `act` on `fs` and looks at every crash state before each of its effects and after the last.
template <typename Act, typename Look>
int ForEachCrashPoint(MemoryFileSystem& fs, Act act, Look look) {
  int states = 0;
  fs.SetObserver([&](uint64_t, std::string_view) { states += ForEachCrash(fs, look); });
  act();
  fs.SetObserver(nullptr);
  return states + ForEachCrash(fs, look);
}

}  // namespace ficus
