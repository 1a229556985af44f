#include "server/observability/prometheus_text.h"

#include <cmath>
#include <cstdint>

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/utf8.h"

namespace ficus {
namespace {

std::string_view TypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
  }
  CHECK(false);
  return {};
}

// The shortest decimal that reads back to the same number.
std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

enum class Escape { kHelp, kLabel };

std::string Escaped(std::string_view text, Escape escape) {
  std::string escaped;
  for (const char c : ToUtf8(text)) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else if (c == '"' && escape == Escape::kLabel) {
      escaped += "\\\"";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// {a="1",b="2"}, or nothing.
std::string Labels(const MetricLabels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text +=
        fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, Escaped(value, Escape::kLabel));
  }
  return text.empty() ? text : "{" + text + "}";
}

void AppendHistogram(const std::string& name, const MetricSample& sample, std::string& text) {
  const std::vector<uint64_t> counts = sample.histogram->counts();
  const std::vector<double>& bounds = sample.histogram->bounds();
  uint64_t seen = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    seen += counts[i];
    MetricLabels labels = sample.labels;
    labels.emplace_back("le", i < bounds.size() ? Number(bounds[i]) : "+Inf");
    text += fmt::format("{}_bucket{} {}\n", name, Labels(labels), seen);
  }
  const std::string labels = Labels(sample.labels);
  text += fmt::format("{}_sum{} {}\n", name, labels, Number(sample.histogram->sum()));
  text += fmt::format("{}_count{} {}\n", name, labels, seen);
}

}  // namespace

std::string PrometheusText(const std::vector<MetricFamily>& families) {
  std::string text;
  for (const MetricFamily& family : families) {
    text += fmt::format("# HELP {} {}\n", family.name, Escaped(family.help, Escape::kHelp));
    text += fmt::format("# TYPE {} {}\n", family.name, TypeName(family.type));
    for (const MetricSample& sample : family.samples) {
      if (sample.histogram != nullptr) {
        AppendHistogram(family.name, sample, text);
      } else {
        text += fmt::format("{}{} {}\n", family.name, Labels(sample.labels), Number(sample.value));
      }
    }
  }
  return text;
}

}  // namespace ficus
