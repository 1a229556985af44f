// Lets a bounded number of calls into a store at a time.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <utility>

#include "engine/base/mutex.h"
#include "server/remote/store_decorator.h"
#include "server/remote/store_op.h"

namespace ficus {

// Places that are handed out in the order of asking. All members: any thread.
class FairPlaces {
 public:
  explicit FairPlaces(size_t count) : free_(count) {}

  // Gives its place back when destroyed. An empty pass: stopped before it was its turn.
  class Pass {
   public:
    Pass() = default;
    explicit Pass(FairPlaces* places) : places_(places) {}
    Pass(Pass&& other) noexcept : places_(std::exchange(other.places_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() {
      if (places_ != nullptr) places_->Leave();
    }
    explicit operator bool() const { return places_ != nullptr; }

   private:
    FairPlaces* places_ = nullptr;
  };

  Pass Enter(const std::stop_token& stop);
  // Callers inside Enter that have no place yet.
  size_t waiting() const;

 private:
  struct Waiter {
    bool has_place = false;
  };

  void Leave();
  void HandOut() REQUIRES(mutex_);

  mutable Mutex mutex_;
  CondVar changed_;
  size_t free_ GUARDED_BY(mutex_);
  std::list<Waiter*> waiters_ GUARDED_BY(mutex_);  // without a place, first come first
};

// A sink must not call the same store: it would wait for the place that its own get holds.
class ConcurrencyStore final : public StoreDecorator {
 public:
  // `calls_max` >= 1 (CHECKed).
  ConcurrencyStore(std::shared_ptr<ObjectStore> inner, size_t calls_max);

  Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                         const PutCondition& condition, std::stop_token stop) override;
  Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                         std::stop_token stop) override;
  Result<ObjectInfo> Head(std::string_view key, std::stop_token stop) override;
  Result<ObjectInfo> Copy(std::string_view from, std::string_view to,
                          std::stop_token stop) override;
  Result<> Delete(std::span<const std::string> keys, std::stop_token stop) override;
  Result<ListPage> List(const ListRequest& request, std::stop_token stop) override;

  const FairPlaces& places() const { return places_; }

 private:
  FairPlaces places_;
};

}  // namespace ficus
