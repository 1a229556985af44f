#include "server/remote/concurrency_store.h"

#include <utility>

#include "engine/base/check.h"
#include "server/remote/store_error.h"

namespace ficus {

FairPlaces::Pass FairPlaces::Enter(const std::stop_token& stop) {
  // Made and destroyed without the mutex: it takes it, and its destructor waits for it.
  const std::stop_callback wake(stop, [this] {
    MutexLock lock(mutex_);
    changed_.NotifyAll();
  });
  if (stop.stop_requested()) return Pass();
  MutexLock lock(mutex_);
  Waiter self;
  waiters_.push_back(&self);
  HandOut();
  while (!self.has_place && !stop.stop_requested()) changed_.Wait(lock);
  if (self.has_place) return Pass(this);
  waiters_.remove(&self);
  return Pass();
}

void FairPlaces::HandOut() {
  bool some = false;
  while (free_ > 0 && !waiters_.empty()) {
    --free_;
    waiters_.front()->has_place = true;
    waiters_.pop_front();
    some = true;
  }
  if (some) changed_.NotifyAll();
}

void FairPlaces::Leave() {
  MutexLock lock(mutex_);
  ++free_;
  HandOut();
}

size_t FairPlaces::waiting() const {
  MutexLock lock(mutex_);
  return waiters_.size();
}

ConcurrencyStore::ConcurrencyStore(std::shared_ptr<ObjectStore> inner, size_t calls_max)
    : StoreDecorator(std::move(inner)), places_(calls_max) {
  CHECK(calls_max > 0);
}

Result<ObjectInfo> ConcurrencyStore::Put(std::string_view key, const ObjectSource& source,
                                         const PutCondition& condition, std::stop_token stop) {
  const FairPlaces::Pass pass = places_.Enter(stop);
  if (!pass) return StoppedError(StoreOp::kPut, key);
  return inner().Put(key, source, condition, stop);
}

Result<ObjectInfo> ConcurrencyStore::Get(std::string_view key, std::optional<ByteRange> range,
                                         const Sink& sink, std::stop_token stop) {
  const FairPlaces::Pass pass = places_.Enter(stop);
  if (!pass) return StoppedError(StoreOp::kGet, key);
  return inner().Get(key, range, sink, stop);
}

Result<ObjectInfo> ConcurrencyStore::Head(std::string_view key, std::stop_token stop) {
  const FairPlaces::Pass pass = places_.Enter(stop);
  if (!pass) return StoppedError(StoreOp::kHead, key);
  return inner().Head(key, stop);
}

Result<ObjectInfo> ConcurrencyStore::Copy(std::string_view from, std::string_view to,
                                          std::stop_token stop) {
  const FairPlaces::Pass pass = places_.Enter(stop);
  if (!pass) return StoppedError(StoreOp::kCopy, from);
  return inner().Copy(from, to, stop);
}

Result<> ConcurrencyStore::Delete(std::span<const std::string> keys, std::stop_token stop) {
  const FairPlaces::Pass pass = places_.Enter(stop);
  if (!pass) return StoppedError(StoreOp::kDelete, keys.empty() ? "" : keys.front());
  return inner().Delete(keys, stop);
}

Result<ListPage> ConcurrencyStore::List(const ListRequest& request, std::stop_token stop) {
  const FairPlaces::Pass pass = places_.Enter(stop);
  if (!pass) return StoppedError(StoreOp::kList, request.prefix);
  return inner().List(request, stop);
}

}  // namespace ficus
