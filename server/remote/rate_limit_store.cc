#include "server/remote/rate_limit_store.h"

#include <algorithm>

#include "server/remote/store_error.h"

namespace ficus {
namespace {

constexpr int64_t kBurstNanos = kNanosPerSecond / 10;

// Takes the bytes from the bucket as the store asks for them.
class SlowSource final : public ObjectSource {
 public:
  SlowSource(const ObjectSource& source, TokenBucket& bucket, std::string_view key,
             const std::stop_token& stop)
      : source_(source), bucket_(bucket), key_(key), stop_(stop) {}
  uint64_t size_bytes() const override { return source_.size_bytes(); }
  Result<> ReadAt(uint64_t offset, std::span<char> out) const override {
    if (!bucket_.Take(out.size(), stop_)) return StoppedError(StoreOp::kPut, key_);
    return source_.ReadAt(offset, out);
  }

 private:
  const ObjectSource& source_;
  TokenBucket& bucket_;
  const std::string_view key_;
  const std::stop_token& stop_;
};

}  // namespace

int64_t TokenBucket::NanosFor(uint64_t bytes) const {
  const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second_);
  // A year is for ever.
  constexpr double kSecondsMax = 366.0 * 86'400;
  return static_cast<int64_t>(std::min(seconds, kSecondsMax) *
                              static_cast<double>(kNanosPerSecond));
}

bool TokenBucket::Take(uint64_t bytes, const std::stop_token& stop) {
  if (bytes_per_second_ == 0 || bytes == 0) return !stop.stop_requested();
  const int64_t cost = NanosFor(bytes);
  const int64_t now = clock_.Monotonic();
  int64_t wait = 0;
  {
    MutexLock lock(mutex_);
    free_at_ = (used_ ? std::max(free_at_, now - kBurstNanos) : now) + cost;
    used_ = true;
    wait = free_at_ - now;
  }
  if (wait <= 0) return !stop.stop_requested();
  if (sleeper_.Sleep(wait, stop)) return true;
  MutexLock lock(mutex_);
  free_at_ -= std::min(cost, wait);
  return false;
}

Result<ObjectInfo> RateLimitStore::Put(std::string_view key, const ObjectSource& source,
                                       const PutCondition& condition, std::stop_token stop) {
  return inner().Put(key, SlowSource(source, up_, key, stop), condition, stop);
}

Result<ObjectInfo> RateLimitStore::Get(std::string_view key, std::optional<ByteRange> range,
                                       const Sink& sink, std::stop_token stop) {
  const auto take = [&](std::string_view bytes) -> Result<> {
    if (!down_.Take(bytes.size(), stop)) return StoppedError(StoreOp::kGet, key);
    return sink(bytes);
  };
  return inner().Get(key, range, take, stop);
}

}  // namespace ficus
