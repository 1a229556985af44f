// Which build this is.
#pragma once

#include <memory>
#include <string>

#include "engine/base/metrics.h"

namespace ficus {

struct BuildInfo {
  std::string version;   // "0.1.0"
  std::string compiler;  // "gcc 12.2.0"
  std::string mode;      // "optimised" or "debug"
};

const BuildInfo& GetBuildInfo();

// "ficus 0.1.0 (gcc 12.2.0, optimised)"
std::string BuildInfoLine();

// ficus_build_info{version,compiler,mode} 1
void AddBuildInfoMetric(MetricRegistry& registry);

}  // namespace ficus
