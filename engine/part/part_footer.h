// What the JSON in a part's footer says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/part/part_info.h"
#include "engine/part/primary_index.h"

namespace ficus {

struct PartFooter {
  // All but number, file_bytes and checksum, which the frame of the file holds.
  PartInfo info;
  uint64_t entries = 0;  // series entries
  // Of the rows.
  SeriesKey first;
  SeriesKey last;
  // Where the bytes went, for people.
  uint64_t key_bytes = 0;
  uint64_t column_bytes = 0;
  friend bool operator==(const PartFooter&, const PartFooter&) = default;
};

// One JSON object; the same footer gives the same bytes.
std::string PartFooterToJson(const PartFooter& footer);

// kCorruption for anything that PartFooterToJson did not write: a missing or negative number, an
// empty range of times. Members that it does not know are ignored.
Result<PartFooter> PartFooterFromJson(std::string_view json);

}  // namespace ficus
