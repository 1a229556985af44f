// What an I/O engine counts, by operation and file class.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/base/metrics.h"
#include "engine/io/io_verdict.h"

namespace ficus {

// ficus_io_submit_total   operations handed to the kernel, repeated ones included; of the ring
//                         engine: entries of the submission queue
// ficus_io_bytes_total    bytes moved
// ficus_io_errors_total   operations that failed
// ficus_io_latency_seconds  from the call to the completion
// all with {engine, op, class}; op is read, write, fsync, rename or fsync_directory. And
// ficus_io_engine_info{engine, reason} = 1.
//
// All members: any thread.
class IoMetrics {
 public:
  // `registry` may be null: then nothing outside sees the numbers.
  IoMetrics(MetricRegistry* registry, std::string_view engine, std::string_view reason);

  struct Sample {
    uint64_t submits = 1;
    uint64_t bytes = 0;
    bool failed = false;
    int64_t nanos = 0;
  };
  // `op` is one of those above.
  void Count(IoOp op, FileClass file_class, const Sample& sample);

 private:
  static constexpr std::array kOps{IoOp::kRead, IoOp::kWrite, IoOp::kSync, IoOp::kRename,
                                   IoOp::kSyncDirectory};
  struct Series {
    Counter* submits = nullptr;
    Counter* bytes = nullptr;
    Counter* errors = nullptr;
    Histogram* latency = nullptr;
  };

  std::unique_ptr<MetricRegistry> own_;
  std::array<std::array<Series, kFileClassCount>, kIoOpCount> series_;
};

}  // namespace ficus
