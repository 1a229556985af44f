// What a node says about itself on /metrics.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace ficus::load {

// Name of a metric -> sum over its labels. Buckets of histograms are not summed: `_sum` and
// `_count` are what remains of one.
using NodeMetrics = std::map<std::string, double, std::less<>>;

// Parses Prometheus text. Lines that are no sample are skipped.
NodeMetrics ParseMetrics(std::string_view text);

// GET http://<address>/metrics. Takes at most about two seconds and 16 MiB.
// kUnavailable: no connection or no whole answer. kUnknown: an answer other than 200.
Result<NodeMetrics> FetchMetrics(const std::string& address);

// The metric, if the node has it.
std::optional<double> Find(const NodeMetrics& metrics, std::string_view name);

}  // namespace ficus::load
