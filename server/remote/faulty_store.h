// Wraps a store and makes chosen requests go wrong, each in a way in which a network does.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "server/remote/object_store.h"
#include "server/remote/store_op.h"

namespace ficus {

enum class FaultKind : uint8_t {
  kErrorBefore,  // fails, nothing was done
  kLostAnswer,   // done, but the answer is an error
  // A get ends with kIo after half of its bytes. A put keeps half of the body and says nothing.
  kShortBody,
  kFlippedBit,  // in the body of a get, or in what a put keeps
  kStall,       // nothing happens until the caller's stop, then kCancelled
  kDuplicate,   // done twice; the first answer counts
};
std::string_view FaultKindName(FaultKind kind);

// Matches requests; the first matching fault that is due acts. Unset fields match everything.
// kShortBody and kFlippedBit act on puts and gets, on other requests as kErrorBefore.
struct StoreFault {
  FaultKind kind = FaultKind::kErrorBefore;
  std::optional<StoreOp> op = {};
  std::string key_contains = {};
  uint64_t skip = 0;   // matching requests to let pass first
  uint64_t times = 1;  // how often it acts; UINT64_MAX: for ever
  ErrorCode code = ErrorCode::kUnavailable;
};

// The same seed and the same requests in the same order give the same faults. All members: any
// thread. `inner` outlives it.
class FaultyStore final : public ObjectStore {
 public:
  explicit FaultyStore(ObjectStore& inner, uint64_t seed = 1) : inner_(inner), random_(seed) {}

  void AddFault(StoreFault fault);
  // Besides, of 1000 requests about `per_mille` meet one of `kinds`.
  void AddRandomFaults(uint64_t per_mille, std::vector<FaultKind> kinds);
  void ClearFaults();

  // Called before each request with its number, from 0: the place to count kill points.
  using Observer = std::function<void(uint64_t number, StoreOp op, std::string_view key)>;
  void SetObserver(Observer observer);

  uint64_t requests() const;
  // Faults that acted.
  uint64_t faults() const;

  const std::string& url() const override { return inner_.url(); }
  StoreAbilities abilities() const override { return inner_.abilities(); }
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
  struct Rule {
    StoreFault fault;
    uint64_t seen = 0;
    uint64_t acted = 0;
  };
  // What is to happen to one request.
  struct Fate {
    std::optional<FaultKind> kind;
    ErrorCode code = ErrorCode::kUnavailable;
  };

  // Counts the request and decides.
  Fate Decide(StoreOp op, std::string_view key);
  template <typename T>
  Result<T> Play(StoreOp op, std::string_view key, const std::stop_token& stop,
                 const std::function<Result<T>()>& request);
  template <typename T>
  Result<T> PlayFate(const Fate& fate, StoreOp op, std::string_view key,
                     const std::stop_token& stop, const std::function<Result<T>()>& request);
  Result<ObjectInfo> PutWrong(std::string_view key, const ObjectSource& source,
                              const PutCondition& condition, FaultKind kind,
                              const std::stop_token& stop);
  Result<ObjectInfo> GetShort(std::string_view key, std::optional<ByteRange> range,
                              const Sink& sink, const std::stop_token& stop);
  Result<ObjectInfo> GetFlipped(std::string_view key, std::optional<ByteRange> range,
                                const Sink& sink, const std::stop_token& stop);

  ObjectStore& inner_;

  mutable Mutex mutex_;
  SeededRandom random_ GUARDED_BY(mutex_);
  std::vector<Rule> rules_ GUARDED_BY(mutex_);
  uint64_t per_mille_ GUARDED_BY(mutex_) = 0;
  std::vector<FaultKind> random_kinds_ GUARDED_BY(mutex_);
  Observer observer_ GUARDED_BY(mutex_);
  uint64_t requests_ GUARDED_BY(mutex_) = 0;
  uint64_t faults_ GUARDED_BY(mutex_) = 0;
};

}  // namespace ficus
