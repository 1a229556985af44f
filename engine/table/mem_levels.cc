#include "engine/table/mem_levels.h"

#include <algorithm>

#include "engine/base/check.h"

namespace ficus {
namespace {

constexpr size_t kFanIn = 16;
// Of those that were made so, and of all while a flush is under way. Sorting rows once more costs
// more than a flush of that many parts: this only bounds the cursors of a query where flushes are
// rare or take long.
constexpr size_t kLargeFanIn = 256;

}  // namespace

void MemLevels::Add(size_t introductions) { levels_.push_back(introductions < kFanIn ? 0 : 1); }

void MemLevels::RemoveFirst(size_t count) {
  CHECK(count <= levels_.size());
  levels_.erase(levels_.begin(), levels_.begin() + static_cast<ptrdiff_t>(count));
}

void MemLevels::Join(const MemStretch& stretch) {
  CHECK(stretch.parts() > 0 && stretch.end <= levels_.size());
  const auto first = levels_.begin() + static_cast<ptrdiff_t>(stretch.begin);
  const auto end = levels_.begin() + static_cast<ptrdiff_t>(stretch.end);
  *first = *std::max_element(first, end) + 1;
  levels_.erase(first + 1, end);
}

MemStretch MemLevels::Find(const std::vector<std::shared_ptr<const MemPart>>& parts,
                           LogPosition flushing_to, LogPosition line, size_t bytes_max) const {
  CHECK(parts.size() == levels_.size());
  const auto is_same_side = [&](size_t a, size_t b) {
    return (parts[a]->last_position() <= line) == (parts[b]->last_position() <= line);
  };
  const bool is_flushing = flushing_to > LogPosition();
  const auto find = [&](const auto& are_alike, const auto& fan_in_of) {
    const auto is_worth_it = [&](const MemStretch& stretch) {
      return stretch.parts() > 0 && stretch.parts() >= fan_in_of(levels_[stretch.begin]);
    };
    MemStretch stretch{parts.size(), parts.size()};
    size_t bytes = 0;
    for (size_t part = parts.size(); part-- > 0 && parts[part]->first_position() > flushing_to;) {
      bytes += parts[part]->memory_bytes();
      const bool joins =
          stretch.parts() == 0 || (are_alike(levels_[part], levels_[part + 1]) &&
                                   is_same_side(part, part + 1) && bytes <= bytes_max);
      if (!joins) {
        if (is_worth_it(stretch)) return stretch;
        stretch.end = part + 1;
        bytes = parts[part]->memory_bytes();
      }
      stretch.begin = part;
    }
    return is_worth_it(stretch) ? stretch : MemStretch{};
  };
  const MemStretch alike =
      find([](int a, int b) { return a == b; },
           [&](int level) { return is_flushing || level > 0 ? kLargeFanIn : kFanIn; });
  if (alike.parts() > 0) return alike;
  // What arrives by ones and by dozens in turn.
  return find([](int a, int b) { return a <= 1 && b <= 1; }, [](int) { return kLargeFanIn; });
}

}  // namespace ficus
