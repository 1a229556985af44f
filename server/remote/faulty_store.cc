#include "server/remote/faulty_store.h"

#include <algorithm>
#include <utility>

#include "server/remote/store_error.h"

namespace ficus {
namespace {

Error Played(FaultKind kind, ErrorCode code, StoreOp op, std::string_view key) {
  return {code, std::string(StoreOpName(op)) + " " + std::string(key) +
                    ": fault: " + std::string(FaultKindName(kind))};
}

void WaitForStop(const std::stop_token& stop) {
  Mutex mutex;
  CondVar stopped;
  const std::stop_callback wake(stop, [&] {
    MutexLock lock(mutex);
    stopped.NotifyAll();
  });
  MutexLock lock(mutex);
  while (!stop.stop_requested()) stopped.Wait(lock);
}

// The first `size_bytes` of another source.
class ShortSource final : public ObjectSource {
 public:
  ShortSource(const ObjectSource& whole, uint64_t size_bytes)
      : whole_(whole), size_bytes_(size_bytes) {}
  uint64_t size_bytes() const override { return size_bytes_; }
  Result<> ReadAt(uint64_t offset, std::span<char> out) const override {
    return whole_.ReadAt(offset, out);
  }

 private:
  const ObjectSource& whole_;
  const uint64_t size_bytes_;
};

// Another source with one bit flipped.
class FlippedSource final : public ObjectSource {
 public:
  FlippedSource(const ObjectSource& whole, uint64_t bit) : whole_(whole), bit_(bit) {}
  uint64_t size_bytes() const override { return whole_.size_bytes(); }
  Result<> ReadAt(uint64_t offset, std::span<char> out) const override {
    RETURN_IF_ERROR(whole_.ReadAt(offset, out));
    const uint64_t at = bit_ / 8;
    if (at >= offset && at - offset < out.size()) {
      out[at - offset] = static_cast<char>(out[at - offset] ^ (1 << (bit_ % 8)));
    }
    return Ok();
  }

 private:
  const ObjectSource& whole_;
  const uint64_t bit_;
};

}  // namespace

std::string_view FaultKindName(FaultKind kind) {
  switch (kind) {
    case FaultKind::kErrorBefore:
      return "error before";
    case FaultKind::kLostAnswer:
      return "lost answer";
    case FaultKind::kShortBody:
      return "short body";
    case FaultKind::kFlippedBit:
      return "flipped bit";
    case FaultKind::kStall:
      return "stall";
    case FaultKind::kDuplicate:
      return "duplicate";
  }
  return "unknown";
}

void FaultyStore::AddFault(StoreFault fault) {
  MutexLock lock(mutex_);
  rules_.push_back({std::move(fault)});
}

void FaultyStore::AddRandomFaults(uint64_t per_mille, std::vector<FaultKind> kinds) {
  MutexLock lock(mutex_);
  per_mille_ = per_mille;
  random_kinds_ = std::move(kinds);
}

void FaultyStore::ClearFaults() {
  MutexLock lock(mutex_);
  rules_.clear();
  per_mille_ = 0;
}

void FaultyStore::SetObserver(Observer observer) {
  MutexLock lock(mutex_);
  observer_ = std::move(observer);
}

uint64_t FaultyStore::requests() const {
  MutexLock lock(mutex_);
  return requests_;
}

uint64_t FaultyStore::faults() const {
  MutexLock lock(mutex_);
  return faults_;
}

FaultyStore::Fate FaultyStore::Decide(StoreOp op, std::string_view key) {
  Observer observer;
  uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    number = requests_++;
    observer = observer_;
  }
  // Without the lock, so that the observer can add faults.
  if (observer) observer(number, op, key);
  MutexLock lock(mutex_);
  for (Rule& rule : rules_) {
    const StoreFault& fault = rule.fault;
    const bool matches = (!fault.op.has_value() || *fault.op == op) &&
                         key.find(fault.key_contains) != std::string_view::npos;
    if (!matches || rule.seen++ < fault.skip || rule.acted >= fault.times) continue;
    ++rule.acted;
    ++faults_;
    return {fault.kind, fault.code};
  }
  if (random_kinds_.empty() || random_.Below(1000) >= per_mille_) return {};
  ++faults_;
  return {random_kinds_[random_.Below(random_kinds_.size())], ErrorCode::kUnavailable};
}

template <typename T>
Result<T> FaultyStore::PlayFate(const Fate& fate, StoreOp op, std::string_view key,
                                const std::stop_token& stop,
                                const std::function<Result<T>()>& request) {
  if (!fate.kind.has_value()) return request();
  switch (*fate.kind) {
    case FaultKind::kStall:
      WaitForStop(stop);
      return StoppedError(op, key);
    case FaultKind::kLostAnswer:
      if (Result<T> answer = request(); !answer) return answer;
      return Played(*fate.kind, fate.code, op, key);
    case FaultKind::kDuplicate: {
      Result<T> first = request();
      const Result<T> second = request();
      (void)second;  // nobody hears it
      return first;
    }
    default:
      return Played(*fate.kind, fate.code, op, key);
  }
}

template <typename T>
Result<T> FaultyStore::Play(StoreOp op, std::string_view key, const std::stop_token& stop,
                            const std::function<Result<T>()>& request) {
  return PlayFate<T>(Decide(op, key), op, key, stop, request);
}

Result<ObjectInfo> FaultyStore::Put(std::string_view key, const ObjectSource& source,
                                    const PutCondition& condition, std::stop_token stop) {
  const Fate fate = Decide(StoreOp::kPut, key);
  const bool wrong = fate.kind == FaultKind::kShortBody || fate.kind == FaultKind::kFlippedBit;
  if (wrong) return PutWrong(key, source, condition, *fate.kind, stop);
  return PlayFate<ObjectInfo>(fate, StoreOp::kPut, key, stop,
                              [&] { return inner_.Put(key, source, condition, stop); });
}

Result<ObjectInfo> FaultyStore::PutWrong(std::string_view key, const ObjectSource& source,
                                         const PutCondition& condition, FaultKind kind,
                                         const std::stop_token& stop) {
  const uint64_t size = source.size_bytes();
  if (size == 0) return inner_.Put(key, source, condition, stop);
  if (kind == FaultKind::kShortBody) {
    ASSIGN_OR_RETURN(ObjectInfo info,
                     inner_.Put(key, ShortSource(source, size / 2), condition, stop));
    info.size_bytes = size;
    return info;
  }
  uint64_t bit = 0;
  {
    MutexLock lock(mutex_);
    bit = random_.Below(size * 8);
  }
  return inner_.Put(key, FlippedSource(source, bit), condition, stop);
}

Result<ObjectInfo> FaultyStore::Get(std::string_view key, std::optional<ByteRange> range,
                                    const Sink& sink, std::stop_token stop) {
  const Fate fate = Decide(StoreOp::kGet, key);
  if (fate.kind == FaultKind::kShortBody) return GetShort(key, range, sink, stop);
  if (fate.kind == FaultKind::kFlippedBit) return GetFlipped(key, range, sink, stop);
  // A body is handed out once: a second delivery is dropped by the transport.
  const bool twice = fate.kind == FaultKind::kDuplicate;
  return PlayFate<ObjectInfo>(twice ? Fate{} : fate, StoreOp::kGet, key, stop,
                              [&] { return inner_.Get(key, range, sink, stop); });
}

Result<ObjectInfo> FaultyStore::GetShort(std::string_view key, std::optional<ByteRange> range,
                                         const Sink& sink, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const ObjectInfo info, inner_.Head(key, stop));
  const ByteRange wanted = range.value_or(ByteRange{0, info.size_bytes});
  RETURN_IF_ERROR(CheckRange(key, wanted, info.size_bytes));
  const ByteRange half{wanted.offset, wanted.length / 2};
  RETURN_IF_ERROR(inner_.Get(key, half, sink, stop));
  return Played(FaultKind::kShortBody, ErrorCode::kIo, StoreOp::kGet, key);
}

Result<ObjectInfo> FaultyStore::GetFlipped(std::string_view key, std::optional<ByteRange> range,
                                           const Sink& sink, const std::stop_token& stop) {
  bool flipped = false;
  const Sink flip = [&](std::string_view bytes) -> Result<> {
    if (flipped || bytes.empty()) return sink(bytes);
    flipped = true;
    std::string changed(bytes);
    uint64_t bit = 0;
    {
      MutexLock lock(mutex_);
      bit = random_.Below(changed.size() * 8);
    }
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    return sink(changed);
  };
  return inner_.Get(key, range, flip, stop);
}

Result<ObjectInfo> FaultyStore::Head(std::string_view key, std::stop_token stop) {
  return Play<ObjectInfo>(StoreOp::kHead, key, stop, [&] { return inner_.Head(key, stop); });
}

Result<ObjectInfo> FaultyStore::Copy(std::string_view from, std::string_view to,
                                     std::stop_token stop) {
  return Play<ObjectInfo>(StoreOp::kCopy, to, stop, [&] { return inner_.Copy(from, to, stop); });
}

Result<> FaultyStore::Delete(std::span<const std::string> keys, std::stop_token stop) {
  const std::string_view first = keys.empty() ? std::string_view() : keys.front();
  return Play<void>(StoreOp::kDelete, first, stop, [&] { return inner_.Delete(keys, stop); });
}

Result<ListPage> FaultyStore::List(const ListRequest& request, std::stop_token stop) {
  return Play<ListPage>(StoreOp::kList, request.prefix, stop,
                        [&] { return inner_.List(request, stop); });
}

}  // namespace ficus
