// Entries read one after another, and what reading them holds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include <catch2/catch.hpp>
#include <malloc.h>

#include "engine/part/entry_cursor.h"

namespace ficus {

struct DrainedEntries {
  uint64_t entries = 0;
  size_t held_bytes = 0;  // the most at any time; 0 under sanitizers, which have their own heap
};

// From the thread of the test alone.
inline DrainedEntries Drain(
    const std::function<Result<std::unique_ptr<EntryCursor>>()>& list_entries) {
  constexpr uint64_t kEntriesPerLook = 1000;
  const auto heap_bytes = [] {
    const struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
  };
  const size_t before = heap_bytes();
  DrainedEntries drained;
  const auto look = [&] {
    const size_t now = heap_bytes();
    if (now > before) drained.held_bytes = std::max(drained.held_bytes, now - before);
  };
  const auto cursor = list_entries();
  REQUIRE(cursor.has_value());
  look();
  for (SeriesEntry entry;;) {
    const Result<bool> found = (*cursor)->Next(entry);
    REQUIRE(found.has_value());
    if (!*found) return drained;
    if (++drained.entries % kEntriesPerLook == 1) look();
  }
}

}  // namespace ficus
