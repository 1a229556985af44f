#include "server/remote/metered_store.h"

#include <utility>

namespace ficus {
namespace {

// Counts the bytes that the store reads.
class CountedSource final : public ObjectSource {
 public:
  CountedSource(const ObjectSource& source, Counter& bytes) : source_(source), bytes_(bytes) {}
  uint64_t size_bytes() const override { return source_.size_bytes(); }
  Result<> ReadAt(uint64_t offset, std::span<char> out) const override {
    Result<> read = source_.ReadAt(offset, out);
    if (read.has_value()) bytes_.Add(out.size());
    return read;
  }

 private:
  const ObjectSource& source_;
  Counter& bytes_;
};

}  // namespace

MeteredStore::MeteredStore(std::shared_ptr<ObjectStore> inner, std::string_view remote,
                           MetricRegistry& metrics, const Clock& clock)
    : StoreDecorator(std::move(inner)),
      remote_(remote),
      metrics_(metrics),
      clock_(clock),
      sent_(metrics.AddCounter("ficus_remote_sent_bytes_total", "Bytes of bodies sent to a remote.",
                               {{"remote", remote_}})),
      received_(metrics.AddCounter("ficus_remote_received_bytes_total",
                                   "Bytes of bodies received from a remote.",
                                   {{"remote", remote_}})) {
  for (size_t op = 0; op < kStoreOpCount; ++op) {
    const std::string name(StoreOpName(static_cast<StoreOp>(op)));
    seconds_[op] = &metrics.AddHistogram("ficus_remote_seconds", "Time of requests to a remote.",
                                         LatencyBounds(), {{"remote", remote_}, {"op", name}});
    Record(static_cast<StoreOp>(op), "ok", -1);
  }
}

// With negative `nanos` the series only comes into being, so that a rate has a beginning.
void MeteredStore::Record(StoreOp op, std::string_view code, int64_t nanos) {
  Counter& requests = metrics_.AddCounter(
      "ficus_remote_requests_total", "Requests to a remote, by outcome.",
      {{"remote", remote_}, {"op", std::string(StoreOpName(op))}, {"code", std::string(code)}});
  if (nanos < 0) return;
  requests.Add();
  seconds_[static_cast<size_t>(op)]->Observe(static_cast<double>(nanos) /
                                             static_cast<double>(kNanosPerSecond));
}

template <typename Request>
auto MeteredStore::Count(StoreOp op, const Request& request) {
  const int64_t start = clock_.Monotonic();
  auto result = request();
  Record(op, result.has_value() ? "ok" : ErrorCodeName(result.error().code),
         clock_.Monotonic() - start);
  return result;
}

Result<ObjectInfo> MeteredStore::Put(std::string_view key, const ObjectSource& source,
                                     const PutCondition& condition, std::stop_token stop) {
  return Count(StoreOp::kPut,
               [&] { return inner().Put(key, CountedSource(source, sent_), condition, stop); });
}

Result<ObjectInfo> MeteredStore::Get(std::string_view key, std::optional<ByteRange> range,
                                     const Sink& sink, std::stop_token stop) {
  const auto take = [&](std::string_view bytes) {
    received_.Add(bytes.size());
    return sink(bytes);
  };
  return Count(StoreOp::kGet, [&] { return inner().Get(key, range, take, stop); });
}

Result<ObjectInfo> MeteredStore::Head(std::string_view key, std::stop_token stop) {
  return Count(StoreOp::kHead, [&] { return inner().Head(key, stop); });
}

Result<ObjectInfo> MeteredStore::Copy(std::string_view from, std::string_view to,
                                      std::stop_token stop) {
  return Count(StoreOp::kCopy, [&] { return inner().Copy(from, to, stop); });
}

Result<> MeteredStore::Delete(std::span<const std::string> keys, std::stop_token stop) {
  return Count(StoreOp::kDelete, [&] { return inner().Delete(keys, stop); });
}

Result<ListPage> MeteredStore::List(const ListRequest& request, std::stop_token stop) {
  return Count(StoreOp::kList, [&] { return inner().List(request, stop); });
}

}  // namespace ficus
