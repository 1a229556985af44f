// Metrics in the text format that Prometheus scrapes, version 0.0.4.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/metrics.h"

namespace ficus {

inline constexpr std::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

// One HELP and one TYPE line for each family, then its samples; histograms with cumulative buckets,
// sum and count. Label values may hold any bytes: what is not UTF-8 is replaced, since one such
// value would cost the whole scrape. Pure.
std::string PrometheusText(const std::vector<MetricFamily>& families);

}  // namespace ficus
