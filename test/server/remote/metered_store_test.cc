#include "server/remote/metered_store.h"

#include "server/remote/faulty_store.h"
#include "server/remote/memory_store.h"
#include "test/server/remote/store_verbs.h"

namespace ficus {
namespace {

double ValueOf(const MetricRegistry& metrics, const std::string& name, const MetricLabels& labels) {
  for (const MetricFamily& family : metrics.Collect()) {
    if (family.name != name) continue;
    for (const MetricSample& sample : family.samples) {
      if (sample.labels == labels) return sample.value;
    }
  }
  return -1;
}

double Requests(const MetricRegistry& metrics, const char* op, const char* code) {
  return ValueOf(metrics, "ficus_remote_requests_total",
                 {{"remote", "disk"}, {"op", op}, {"code", code}});
}

}  // namespace

TEST_CASE("requests, outcomes and bytes are counted", "[remote]") {
  MetricRegistry metrics;
  ManualClock clock(0);
  MemoryStore memory;
  const auto faulty = std::make_shared<FaultyStore>(memory);
  MeteredStore store(faulty, "disk", metrics, clock);
  REQUIRE(Requests(metrics, "list", "ok") == 0);
  Put(store, "k", "12345");
  Put(store, "l", "678");
  REQUIRE(CodeOf(store.Put("k", TextSource("x"), IfAbsent(), {})) == ErrorCode::kAlreadyExists);
  REQUIRE(Get(store, "k") == "12345");
  REQUIRE_FALSE(Head(store, "none").has_value());
  faulty->AddFault({.op = StoreOp::kDelete});
  const std::vector<std::string> keys{"k"};
  REQUIRE_FALSE(store.Delete(keys, {}).has_value());
  REQUIRE(Requests(metrics, "put", "ok") == 2);
  REQUIRE(Requests(metrics, "put", "already exists") == 1);
  REQUIRE(Requests(metrics, "get", "ok") == 1);
  REQUIRE(Requests(metrics, "head", "not found") == 1);
  REQUIRE(Requests(metrics, "delete", "unavailable") == 1);
  REQUIRE(ValueOf(metrics, "ficus_remote_sent_bytes_total", {{"remote", "disk"}}) == 9);
  REQUIRE(ValueOf(metrics, "ficus_remote_received_bytes_total", {{"remote", "disk"}}) == 5);
}

TEST_CASE("the time of requests is measured", "[remote]") {
  MetricRegistry metrics;
  ManualClock clock(0);
  MeteredStore store(std::make_shared<MemoryStore>(), "disk", metrics, clock);
  Put(store, "k", "x");
  const auto slow = [&](std::string_view) {
    clock.Advance(2 * kNanosPerSecond);
    return Ok();
  };
  REQUIRE(store.Get("k", std::nullopt, slow, {}).has_value());
  for (const MetricFamily& family : metrics.Collect()) {
    if (family.name != "ficus_remote_seconds") continue;
    for (const MetricSample& sample : family.samples) {
      const bool is_get = sample.labels == MetricLabels{{"remote", "disk"}, {"op", "get"}};
      if (is_get) REQUIRE(sample.histogram->sum() == Approx(2.0));
    }
  }
}

}  // namespace ficus
