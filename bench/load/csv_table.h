// Tables of recorded metrics: gzipped CSV with a time in the first column.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace ficus::load {

// The text of a gzipped file. kIo; kCorruption when it is damaged or its text is longer than
// `bytes_max`.
Result<std::string> ReadGzip(const std::string& path, size_t bytes_max);

struct CsvTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as wide as the header
};

// Fields are separated by commas and not quoted, as in the tables at hand; a quote is refused.
// kCorruption names the line.
Result<CsvTable> ParseCsv(std::string_view text);

// "2022-08-22 03:51:19.607158889 +0000 UTC ..." -> milliseconds since 1970 UTC, cut off.
std::optional<int64_t> ParseTime(std::string_view text);

// A number in decimal notation, with nothing behind it.
std::optional<double> ParseNumber(std::string_view text);

}  // namespace ficus::load
