// Randomness as the engine sees it: injected, so that a seed replays a run.
#pragma once

#include <cstdint>

#include "engine/base/mutex.h"

namespace ficus {

// All members: any thread.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual uint64_t Next() = 0;

  // A random number that is not zero: zero means "none" wherever an id is stored.
  uint64_t NextId();
};

// getrandom(2). For identities: group ids, subject ids, log ids.
class SystemRandom final : public RandomSource {
 public:
  uint64_t Next() override;
};

// SplitMix64: the same seed gives the same sequence on every machine.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next() override;
  // Uniform in [0, bound); bound > 0.
  uint64_t Below(uint64_t bound);

 private:
  Mutex mutex_;
  uint64_t state_ GUARDED_BY(mutex_);
};

}  // namespace ficus
