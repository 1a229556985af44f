// From the URL of a destination to a store that is ready for use.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/metrics.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "server/remote/file_store.h"
#include "server/remote/object_store.h"
#include "server/remote/rate_limit_store.h"
#include "server/remote/retry_store.h"
#include "server/remote/sleeper.h"

namespace ficus {

struct StoreOptions {
  std::string remote;  // its name in the configuration: a metric label
  RetryPolicy retry = {};
  RateLimits rates = {};
  size_t calls_max = 0;  // at once; 0: no limit
  MissingFolder missing = MissingFolder::kCreate;

  // What is null is the system's; without metrics nothing is counted. All outlive the store.
  MetricRegistry* metrics = nullptr;
  const Clock* clock = nullptr;
  RandomSource* random = nullptr;
  Sleeper* sleeper = nullptr;
};

// The store behind `url`, wrapped from the outside in: retry, bounded calls, rates, counts. So a
// pause holds no place, and each attempt is counted.
//
// file:///absolute/folder. kInvalidArgument says what is wrong with a URL, kUnimplemented which
// schemes there are. Messages never repeat user names, passwords or queries of a URL.
Result<std::unique_ptr<ObjectStore>> OpenStore(std::string_view url, StoreOptions options);

// Whether OpenStore would take the URL, without looking at what it names; for configurations.
Result<> CheckStoreUrl(std::string_view url);

}  // namespace ficus
