// ficus_load run: writes points and says every few seconds how it goes.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace ficus::load {

struct RunOptions {
  std::string address;
  std::string metrics;  // host:port of /metrics; empty: do not ask the node
  std::string group;    // empty: "sw_load", or "nezha" for recorded points
  std::string journal;  // file; empty: none. Generated points only
  std::string data;     // folder with metric/*.csv.gz; empty: generated points
  int64_t seconds = 0;  // 0: no end
  uint64_t points = 0;  // 0: no end
  double rate = 0;      // points per second; 0: as fast as the node takes them
  uint64_t series = 1000;
  uint32_t streams = 2;
  uint32_t shards = 2;
  uint32_t copies = 8;
  int64_t step_ms = 0;       // between points of a series; 0: by rate and series
  int64_t ago_seconds = -1;  // how long ago the first point was; negative: by rate
  int64_t report_seconds = 5;
  int64_t reconnect_seconds = 0;
  uint64_t unanswered_max = 8192;  // points sent and not answered, for each stream
};

// Until the end or `stop`. Prints lines of figures and a summary.
// kFailedPrecondition: the node refused points. kUnavailable: it went away. Else as WriteStream
// says.
Result<> RunLoad(const RunOptions& options, const std::atomic<bool>& stop);

}  // namespace ficus::load
