// Which mem parts to make one, so that a query does not visit every commit of the last seconds:
// pure arithmetic over what is known of them.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/base/log_position.h"
#include "engine/part/mem_part.h"

namespace ficus {

// Neighbours parts[begin, end).
struct MemStretch {
  size_t begin = 0;
  size_t end = 0;
  size_t parts() const { return end - begin; }
};

// How often each mem part of a table was made of others; one of many introductions counts as made
// of theirs. One thread.
class MemLevels {
 public:
  size_t size() const { return levels_.size(); }

  // A part of so many introductions.
  void Add(size_t introductions);
  void RemoveFirst(size_t count);
  // The parts of the stretch are one now.
  void Join(const MemStretch& stretch);

  // The newest neighbours of one level that are worth it, or of the lowest two; none: no parts. `parts` are the table's,
  // oldest first. Nothing up to position `flushing_to`, which leaves memory soon (0: no flush is
  // under way), nothing from both sides of `line`, and no more than `bytes_max` together.
  MemStretch Find(const std::vector<std::shared_ptr<const MemPart>>& parts, LogPosition flushing_to,
                  LogPosition line, size_t bytes_max) const;

 private:
  std::vector<int> levels_;
};

}  // namespace ficus
