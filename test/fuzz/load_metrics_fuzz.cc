// Parses arbitrary text as what a node answers to GET /metrics.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bench/load/node_metrics.h"
#include "engine/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ficus::load::NodeMetrics metrics = ficus::load::ParseMetrics(text);
  for (const auto& [name, value] : metrics) {
    CHECK(!name.empty());
    CHECK(ficus::load::Find(metrics, name).has_value());
  }
  return 0;
}
