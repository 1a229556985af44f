#include "test/crash/crash_states.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "engine/base/random.h"

namespace ficus {
namespace {

using Subset = std::vector<bool>;
using Tear = MemoryFileSystem::Tear;

constexpr Tear kTears[] = {Tear::kWritten, Tear::kOld, Tear::kZeros, Tear::kGarbage,
                           Tear::kSizeOnly};

std::vector<Subset> AllSubsets(size_t count) {
  std::vector<Subset> subsets;
  for (uint64_t bits = 0; bits < uint64_t{1} << count; ++bits) {
    Subset keep(count);
    for (size_t i = 0; i < count; ++i) keep[i] = (bits >> i & 1U) != 0;
    subsets.push_back(std::move(keep));
  }
  return subsets;
}

std::vector<Subset> ChosenSubsets(size_t count, const CrashStateLimits& limits) {
  std::vector<Subset> subsets = {Subset(count, false), Subset(count, true)};
  for (size_t place = 0; place < limits.places; ++place) {
    const size_t i = place * (count - 1) / (limits.places - 1);  // the first and the last, too
    Subset alone(count, false);
    alone[i] = true;
    Subset missing(count, true);
    missing[i] = false;
    Subset prefix(count, false);
    std::fill(prefix.begin(), prefix.begin() + static_cast<ptrdiff_t>(i), true);
    Subset suffix = prefix;
    suffix.flip();
    for (Subset* subset : {&alone, &missing, &prefix, &suffix}) {
      subsets.push_back(std::move(*subset));
    }
  }
  SeededRandom random(count);
  for (size_t n = 0; n < limits.random_subsets; ++n) {
    Subset keep(count);
    for (size_t i = 0; i < count; ++i) keep[i] = random.Below(2) == 0;
    subsets.push_back(std::move(keep));
  }
  return subsets;
}

std::vector<std::unique_ptr<MemoryFileSystem>> StatesOf(const MemoryFileSystem& fs,
                                                        const CrashStateLimits& limits) {
  const size_t count = fs.pending_count();
  std::vector<std::unique_ptr<MemoryFileSystem>> states;
  std::set<uint64_t> seen;
  for (const Subset& keep :
       count <= limits.exhaustive_max ? AllSubsets(count) : ChosenSubsets(count, limits)) {
    for (const Tear tear : kTears) {
      auto state = fs.CrashKeeping(keep, tear, limits.order);
      if (state == nullptr) break;  // such a subset cannot be left
      if (seen.insert(Disks::DigestOf(*state)).second) states.push_back(std::move(state));
    }
  }
  return states;
}

}  // namespace

void ForEachCrashState(const MemoryFileSystem& fs, const MemoryFileSystem& log_fs,
                       const CrashStateLimits& limits, const std::function<void(Disks)>& visit) {
  const auto states = StatesOf(fs, limits);
  const auto log_states = StatesOf(log_fs, limits);
  for (const auto& state : states) {
    for (const auto& log_state : log_states) visit({state->Clone(), log_state->Clone()});
  }
}

}  // namespace ficus
