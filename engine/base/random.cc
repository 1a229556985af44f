#include "engine/base/random.h"

#include <cerrno>
#include <sys/random.h>

#include "engine/base/check.h"

namespace ficus {

uint64_t RandomSource::NextId() {
  uint64_t id = 0;
  while (id == 0) id = Next();
  return id;
}

uint64_t SystemRandom::Next() {
  uint64_t value = 0;
  ssize_t got = -1;
  do {
    got = ::getrandom(&value, sizeof value, 0);
  } while (got < 0 && errno == EINTR);
  CHECK(got == static_cast<ssize_t>(sizeof value)) << "getrandom: errno " << errno;
  return value;
}

uint64_t SeededRandom::Next() {
  MutexLock lock(mutex_);
  state_ += 0x9e3779b97f4a7c15ULL;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

uint64_t SeededRandom::Below(uint64_t bound) {
  CHECK(bound > 0);
  // Numbers above the largest multiple of `bound` would favour small remainders.
  const uint64_t excess = (UINT64_MAX % bound + 1) % bound;
  uint64_t number = Next();
  while (number > UINT64_MAX - excess) number = Next();
  return number % bound;
}

}  // namespace ficus
