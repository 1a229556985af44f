// ficus_load query: prints points of a measure.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace ficus::load {

struct QueryOptions {
  std::string address;
  std::string group;
  std::string measure;
  std::string entity;    // value of the first tag; empty for all
  int64_t minutes = 60;  // how far back from now
  uint32_t limit = 10;
};

// The newest points, newest first, a line each; then how many there are in that time.
Result<> PrintPoints(const QueryOptions& options);

}  // namespace ficus::load
