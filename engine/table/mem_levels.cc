#include "engine/table/mem_levels.h"

#include "engine/base/check.h"

namespace ficus {
namespace {

constexpr size_t kFanIn = 16;
// Of those that were made so, and of all while a flush is under way. Sorting rows once more costs
// more than a flush of that many parts: this only bounds the cursors of a query where flushes are
// rare or take long.
constexpr size_t kLargeFanIn = 256;

}  // namespace

void MemLevels::RemoveFirst(size_t count) {
  CHECK(count <= levels_.size());
  levels_.erase(levels_.begin(), levels_.begin() + static_cast<ptrdiff_t>(count));
}

void MemLevels::Join(const MemStretch& stretch) {
  CHECK(stretch.parts() > 0 && stretch.end <= levels_.size());
  const auto first = levels_.begin() + static_cast<ptrdiff_t>(stretch.begin);
  ++*first;
  levels_.erase(first + 1, levels_.begin() + static_cast<ptrdiff_t>(stretch.end));
}

MemStretch MemLevels::Find(const std::vector<std::shared_ptr<const MemPart>>& parts,
                           LogPosition flushing_to, LogPosition line, size_t bytes_max) const {
  CHECK(parts.size() == levels_.size());
  const auto joins = [&](size_t part) {
    const auto is_below = [&](size_t other) { return parts[other]->last_position() <= line; };
    return levels_[part] == levels_[part + 1] && is_below(part) == is_below(part + 1);
  };
  const bool is_flushing = flushing_to > LogPosition();
  const auto is_worth_it = [&](const MemStretch& stretch) {
    const size_t fan_in = is_flushing || levels_[stretch.begin] > 0 ? kLargeFanIn : kFanIn;
    return stretch.parts() >= fan_in;
  };
  MemStretch stretch{parts.size(), parts.size()};
  size_t bytes = 0;
  for (size_t part = parts.size(); part-- > 0 && parts[part]->first_position() > flushing_to;) {
    bytes += parts[part]->memory_bytes();
    if (stretch.parts() > 0 && (!joins(part) || bytes > bytes_max)) {
      if (is_worth_it(stretch)) return stretch;
      stretch.end = part + 1;
      bytes = parts[part]->memory_bytes();
    }
    stretch.begin = part;
  }
  return stretch.parts() > 0 && is_worth_it(stretch) ? stretch : MemStretch{};
}

}  // namespace ficus
