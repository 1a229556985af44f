// Keeps the bytes of bodies that are sent and received below a rate.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/remote/sleeper.h"
#include "server/remote/store_decorator.h"

namespace ficus {

// A bucket that fills with time: whoever takes bytes waits until they have come in. Takers are
// served in the order of their coming. All members: any thread.
class TokenBucket {
 public:
  // `bytes_per_second` 0: no limit. What was not used within a tenth of a second is lost.
  TokenBucket(uint64_t bytes_per_second, const Clock& clock, Sleeper& sleeper)
      : bytes_per_second_(bytes_per_second), clock_(clock), sleeper_(sleeper) {}

  // False when stopped; what was not waited for is given back.
  bool Take(uint64_t bytes, const std::stop_token& stop);

 private:
  int64_t NanosFor(uint64_t bytes) const;

  const uint64_t bytes_per_second_;
  const Clock& clock_;
  Sleeper& sleeper_;

  Mutex mutex_;
  bool used_ GUARDED_BY(mutex_) = false;
  int64_t free_at_ GUARDED_BY(mutex_) = 0;  // monotonic: when all that was taken has come in
};

struct RateLimits {
  uint64_t up_bytes_per_second = 0;  // 0: no limit
  uint64_t down_bytes_per_second = 0;
};

// Bodies of puts and gets; copies move nothing here.
class RateLimitStore final : public StoreDecorator {
 public:
  // `clock` and `sleeper` outlive it.
  RateLimitStore(std::shared_ptr<ObjectStore> inner, RateLimits limits, const Clock& clock,
                 Sleeper& sleeper)
      : StoreDecorator(std::move(inner)),
        up_(limits.up_bytes_per_second, clock, sleeper),
        down_(limits.down_bytes_per_second, clock, sleeper) {}

  Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                         const PutCondition& condition, std::stop_token stop) override;
  Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                         std::stop_token stop) override;

 private:
  TokenBucket up_;
  TokenBucket down_;
};

}  // namespace ficus
