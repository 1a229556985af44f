#include "engine/io/io_metrics.h"

#include <algorithm>
#include <string>

namespace ficus {
namespace {

// The name of the operation as a label: one word.
std::string OpLabel(IoOp op) {
  std::string label(IoOpName(op));
  std::replace(label.begin(), label.end(), ' ', '_');
  return label;
}

}  // namespace

IoMetrics::IoMetrics(MetricRegistry* registry, std::string_view engine, std::string_view reason) {
  if (registry == nullptr) {
    own_ = std::make_unique<MetricRegistry>();
    registry = own_.get();
  }
  const std::string name(engine);
  registry
      ->AddGauge("ficus_io_engine_info", "The I/O engine in use and why it was chosen.",
                 {{"engine", name}, {"reason", std::string(reason)}})
      .Set(1);
  for (const IoOp op : kOps) {
    for (size_t i = 0; i < kFileClassCount; ++i) {
      const MetricLabels labels{{"engine", name},
                                {"op", OpLabel(op)},
                                {"class", std::string(FileClassName(static_cast<FileClass>(i)))}};
      series_[static_cast<size_t>(op)][i] = {
          &registry->AddCounter("ficus_io_submit_total", "Operations handed to the kernel.",
                                labels),
          &registry->AddCounter("ficus_io_bytes_total", "Bytes read or written.", labels),
          &registry->AddCounter("ficus_io_errors_total", "Operations that failed.", labels),
          &registry->AddHistogram("ficus_io_latency_seconds", "From the call to the completion.",
                                  LatencyBounds(), labels)};
    }
  }
}

void IoMetrics::Count(IoOp op, FileClass file_class, const Sample& sample) {
  const Series& series = series_[static_cast<size_t>(op)][static_cast<size_t>(file_class)];
  series.submits->Add(sample.submits);
  if (sample.bytes > 0) series.bytes->Add(sample.bytes);
  if (sample.failed) series.errors->Add();
  series.latency->Observe(static_cast<double>(sample.nanos) * 1e-9);
}

}  // namespace ficus
