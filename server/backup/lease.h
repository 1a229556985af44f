// The right to write into a destination, held by one run at a time.
//
// An object in the store that is only ever replaced on condition of what was read before: created
// when absent, taken over when released or when its owner has given no sign of life for a whole
// kTtl as our own monotonic clock measures it, so that clocks which disagree take nothing from a
// living owner. It is released by overwriting, never by deleting: not every store can delete on
// a condition. After an answer that was lost or unclear the object is read again and the nonce
// tells whether the write was ours. After Litestream's leaser; the difference is the release.
//
// A store that cannot put on condition gets a lease that only warns others off (one writer at a
// time is then up to the operator); a line in the log says so.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "server/backup/destination_records.h"
#include "server/backup/pause.h"
#include "server/remote/object_store.h"

namespace ficus {

// All members: any thread.
class Lease {
 public:
  static constexpr int64_t kTtl = 60 * kNanosPerSecond;
  static constexpr int64_t kRenewAfter = kTtl / 3;
  // An owner stops to write this long before others may take over.
  static constexpr int64_t kMargin = kTtl / 12;
  static constexpr int64_t kPollEvery = kNanosPerSecond;
  static constexpr int64_t kReleaseTime = 2 * kNanosPerSecond;
  // Wall clocks are believed to differ by no more: a lease that expired longer ago is free at once.
  static constexpr int64_t kSkewMax = 10 * 60 * kNanosPerSecond;

  struct Terms {
    ObjectStore& store;
    const Clock& clock;
    RandomSource& random;
    uint64_t node_id = 0;
    // A lease of the same run is our own from before a restart, and taken over at once.
    std::string run;
    Pause pause = PauseFor;
  };

  // One try. kAlreadyExists, with the owner in the text, when another run has it.
  static Result<std::unique_ptr<Lease>> TryAcquire(const Terms& terms, std::stop_token stop);
  // Waits for a free lease or a dead owner: at most `patience` nanoseconds, then as above.
  static Result<std::unique_ptr<Lease>> Acquire(const Terms& terms, int64_t patience,
                                                std::stop_token stop);

  // Does not release: that is a request to the store.
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  uint64_t generation() const { return generation_; }

  // Before each change in the store. Renews when kRenewAfter has passed. kFailedPrecondition once
  // the lease is lost; the error of the store when it cannot be renewed in time.
  Result<> Check(std::stop_token stop);
  // Renews in any case: before what must not be done twice.
  Result<> Confirm(std::stop_token stop);
  // Others may have it at once. No other member afterwards. Takes kReleaseTime at most: whoever
  // releases has often just been told to stop.
  Result<> Release();

  // Renews in the background, also while a long transfer keeps everybody busy. `on_lost` is called
  // once, from there. kResourceExhausted when there is no thread for it.
  Result<> KeepAlive(std::function<void()> on_lost);
  void StopKeepingAlive();

 private:
  struct Held {
    LeaseRecord record;
    std::string etag;
  };

  Lease(const Terms& terms, Held held, int64_t asked_at);

  static Result<std::optional<Held>> Read(const Terms& terms, std::stop_token stop);
  static Result<std::optional<Held>> Write(const Terms& terms, LeaseRecord record,
                                           const std::optional<Held>& over, std::stop_token stop);
  Result<std::optional<Held>> WriteOver(const Held& before, std::stop_token stop);
  Result<> Renew(std::stop_token stop);
  bool IsDue(bool at_once) const REQUIRES(mutex_);

  const Terms terms_;
  uint64_t generation_ = 0;

  Mutex mutex_;
  CondVar renewed_;
  Held held_ GUARDED_BY(mutex_);
  int64_t asked_at_ GUARDED_BY(mutex_) = 0;  // monotonic, before the last write was sent
  bool renewing_ GUARDED_BY(mutex_) = false;
  bool lost_ GUARDED_BY(mutex_) = false;
  std::jthread keeper_;
};

}  // namespace ficus
