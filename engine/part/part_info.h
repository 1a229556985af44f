// What is known about a part without reading its blocks: its footer says it, and a manifest repeats
// it.
#pragma once

#include <cstdint>

#include "engine/base/log_position.h"
#include "engine/model/ids.h"
#include "engine/model/time_range.h"

namespace ficus {

struct PartInfo {
  FileNumber number;
  uint64_t file_bytes = 0;
  // CRC-32C of the footer, which holds those of every section: names the contents of the whole
  // file.
  uint32_t checksum = 0;
  uint64_t rows = 0;
  uint64_t blocks = 0;
  uint64_t series = 0;
  TimeRange times;             // smallest that holds all rows
  LogPosition first_position;  // batches that its rows come from; decides between equal versions
  LogPosition last_position;
  uint32_t generation = 0;  // 0: flushed from memory; one more than the highest input of a merge
  bool has_tombstones = false;
  friend bool operator==(const PartInfo&, const PartInfo&) = default;
};

}  // namespace ficus
