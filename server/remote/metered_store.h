// Counts the requests to a store, their outcome, time and bytes.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/base/metrics.h"
#include "server/remote/store_decorator.h"
#include "server/remote/store_op.h"

namespace ficus {

// ficus_remote_requests_total{remote,op,code}, code "ok" or the name of the error;
// ficus_remote_seconds{remote,op}; ficus_remote_sent_bytes_total{remote} and
// ficus_remote_received_bytes_total{remote}: of bodies, whatever became of the request.
class MeteredStore final : public StoreDecorator {
 public:
  // `remote` is its name in the configuration. `metrics` and `clock` outlive it.
  MeteredStore(std::shared_ptr<ObjectStore> inner, std::string_view remote, MetricRegistry& metrics,
               const Clock& clock);

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
  template <typename Request>
  auto Count(StoreOp op, const Request& request);
  void Record(StoreOp op, std::string_view code, int64_t nanos);

  const std::string remote_;
  MetricRegistry& metrics_;
  const Clock& clock_;
  std::array<Histogram*, kStoreOpCount> seconds_{};
  Counter& sent_;
  Counter& received_;
};

}  // namespace ficus
