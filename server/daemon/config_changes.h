// What a running node can take over of a configuration that was read again.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace ficus {

struct ConfigChanges {
  // As `running`, with every value of `next` that a running node can take over.
  Config applied;
  // Keys, sorted as the configuration prints them.
  std::vector<std::string> changed;       // taken over
  std::vector<std::string> need_restart;  // count from the next start on
};

// Reloadable are log.level, log.format, query.timeout, query.damaged_parts, disk.warn, and the
// files and intervals of grpc.tls, http.tls and auth where a protection is neither switched on nor
// off. Pure.
ConfigChanges CompareConfigs(const Config& running, const Config& next);

}  // namespace ficus
