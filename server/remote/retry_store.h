// Tries requests again that failed for a reason that may pass.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "engine/base/random.h"
#include "server/remote/sleeper.h"
#include "server/remote/store_decorator.h"
#include "server/remote/store_op.h"

namespace ficus {

struct RetryPolicy {
  int attempts = 8;  // at least 1
  // The n-th pause is a random part of min(pause_max, pause_first * 2^n).
  int64_t pause_first_nanos = 200 * kNanosPerMilli;
  int64_t pause_max_nanos = 20 * kNanosPerSecond;
};

// kIo, kUnavailable and kDeadlineExceeded are tried again, unless they come from the caller's own
// source or sink; others are final. A stop ends a pause at once.
//
// A put succeeds only when a look at the object afterwards agrees with its answer in etag and size;
// after a conditional one it may also be a later object of somebody else. A conditional put whose
// answer was lost may have been applied: whether it was is decided by comparing the object with the
// source, so what must be told apart from others' writes should hold something of its own. When an
// object that was to be replaced is neither the old one nor the source's, the answer is
// kUnavailable at once: whether the put came in between cannot be known.
//
// A get that breaks off is read again from its beginning; what the sink has received is compared by
// checksum, not handed out twice, and kFailedPrecondition says that the object changed meanwhile.
class RetryStore final : public StoreDecorator {
 public:
  // `random` and `sleeper` outlive it.
  RetryStore(std::shared_ptr<ObjectStore> inner, RetryPolicy policy, RandomSource& random,
             Sleeper& sleeper)
      : StoreDecorator(std::move(inner)), policy_(policy), random_(random), sleeper_(sleeper) {}

  Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                         const PutCondition& condition, std::stop_token stop) override;
  Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                         std::stop_token stop) override;
  Result<ObjectInfo> Head(std::string_view key, std::stop_token stop) override;
  Result<ObjectInfo> Copy(std::string_view from, std::string_view to,
                          std::stop_token stop) override;
  Result<> Delete(std::span<const std::string> keys, std::stop_token stop) override;
  Result<ListPage> List(const ListRequest& request, std::stop_token stop) override;

 private:
  // Repeats `attempt` while its error may pass and `final` does not say otherwise.
  template <typename T>
  Result<T> Repeat(StoreOp op, std::string_view key, const std::stop_token& stop,
                   const std::function<Result<T>()>& attempt,
                   const std::function<bool()>& is_final = nullptr);
  int64_t PauseAfter(int attempt);

  enum class After : uint8_t {
    kSame,      // what the answer said
    kReplaced,  // an object with another etag
    kDamaged,   // another size under the same etag, or gone
  };
  Result<After> LookAfter(const ObjectInfo& put, const std::stop_token& stop);
  Result<ObjectInfo> Confirm(const ObjectInfo& put, const std::stop_token& stop);
  Result<ObjectInfo> PutUnconditionally(std::string_view key, const ObjectSource& source,
                                        const std::stop_token& stop);
  Result<ObjectInfo> PutConditionally(std::string_view key, const ObjectSource& source,
                                      const PutCondition& condition, const std::stop_token& stop);
  // Whether this attempt of a conditional put, or one before it, may have been applied although its
  // answer was none.
  enum class Doubt : uint8_t {
    kNone,
    kUntilSeen,  // a look at the object may tell
    kForEver,    // another object is there now
  };
  Result<ObjectInfo> PutOnce(std::string_view key, const ObjectSource& source,
                             const PutCondition& condition, const std::stop_token& stop,
                             Doubt& doubt);
  // The object when it holds exactly the bytes of `source`; none when it is missing or another.
  Result<std::optional<ObjectInfo>> FindSame(std::string_view key, const ObjectSource& source,
                                             const std::stop_token& stop);

  const RetryPolicy policy_;
  RandomSource& random_;
  Sleeper& sleeper_;
};

// Whether the same request may succeed later.
bool MayPass(ErrorCode code);

}  // namespace ficus
