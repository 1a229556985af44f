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

struct Place {
  const std::vector<std::shared_ptr<const MemPart>>& parts;
  const std::vector<int>& levels;
  LogPosition flushing_to;
  LogPosition line;
  size_t bytes_max;

  bool AreOnOneSide(size_t a, size_t b) const {
    return (parts[a]->last_position() <= line) == (parts[b]->last_position() <= line);
  }
};

// The newest stretch of neighbours with levels that are alike and of as many parts as `fan_in_of`
// its level says; none: no parts.
template <typename AreAlike, typename FanInOf>
MemStretch FindNewest(const Place& place, const AreAlike& are_alike, const FanInOf& fan_in_of) {
  const auto& parts = place.parts;
  const auto& levels = place.levels;
  const auto is_worth_it = [&](const MemStretch& stretch) {
    return stretch.parts() > 0 && stretch.parts() >= fan_in_of(levels[stretch.begin]);
  };
  MemStretch stretch{parts.size(), parts.size()};
  size_t bytes = 0;
  for (size_t i = parts.size(); i-- > 0 && parts[i]->first_position() > place.flushing_to;) {
    bytes += parts[i]->memory_bytes();
    const bool joins =
        stretch.parts() == 0 || (are_alike(levels[i], levels[i + 1]) &&
                                 place.AreOnOneSide(i, i + 1) && bytes <= place.bytes_max);
    if (!joins) {
      if (is_worth_it(stretch)) return stretch;
      stretch.end = i + 1;
      bytes = parts[i]->memory_bytes();
    }
    stretch.begin = i;
  }
  return is_worth_it(stretch) ? stretch : MemStretch{};
}

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
  const bool is_flushing = flushing_to > LogPosition();
  const Place place = {parts, levels_, flushing_to, line, bytes_max};
  const MemStretch alike = FindNewest(
      place, [](int a, int b) { return a == b; },
      [&](int level) { return is_flushing || level > 0 ? kLargeFanIn : kFanIn; });
  if (alike.parts() > 0) return alike;
  // What arrives by ones and by dozens in turn.
  return FindNewest(
      place, [](int a, int b) { return a <= 1 && b <= 1; }, [](int) { return kLargeFanIn; });
}

}  // namespace ficus
