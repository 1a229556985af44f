#include "server/observability/build_info.h"

#include <fmt/core.h>

namespace ficus {
namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "gcc " __VERSION__;
#endif
#if defined(__OPTIMIZE__)
constexpr const char* kMode = "optimised";
#else
constexpr const char* kMode = "debug";
#endif

}  // namespace

const BuildInfo& GetBuildInfo() {
  // FICUS_VERSION comes from project() in the top CMakeLists.txt.
  static const BuildInfo info{FICUS_VERSION, kCompiler, kMode};
  return info;
}

std::string BuildInfoLine() {
  const BuildInfo& info = GetBuildInfo();
  return fmt::format("ficus {} ({}, {})", info.version, info.compiler, info.mode);
}

void AddBuildInfoMetric(MetricRegistry& registry) {
  const BuildInfo& info = GetBuildInfo();
  registry
      .AddGauge("ficus_build_info", "Which build this is; the value is always 1.",
                {{"version", info.version}, {"compiler", info.compiler}, {"mode", info.mode}})
      .Set(1);
}

}  // namespace ficus
