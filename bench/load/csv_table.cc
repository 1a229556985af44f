#include "bench/load/csv_table.h"

#include <array>
#include <charconv>
#include <chrono>
#include <memory>

#include <fmt/format.h>
#include <zlib.h>

namespace ficus::load {
namespace {

constexpr size_t kColumnsMax = 4096;

std::vector<std::string> SplitLine(std::string_view line) {
  std::vector<std::string> fields;
  while (true) {
    const size_t comma = line.find(',');
    fields.emplace_back(line.substr(0, comma));
    if (comma == std::string_view::npos || fields.size() > kColumnsMax) return fields;
    line.remove_prefix(comma + 1);
  }
}

Error BadLine(size_t number, std::string_view reason) {
  return Error{ErrorCode::kCorruption, fmt::format("line {}: {}", number, reason)};
}

// The digits at text[at, at + count) as a number.
std::optional<unsigned> Digits(std::string_view text, size_t at, size_t count) {
  if (at + count > text.size()) return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

}  // namespace

Result<std::string> ReadGzip(const std::string& path, size_t bytes_max) {
  const std::unique_ptr<gzFile_s, decltype(&::gzclose)> file(::gzopen(path.c_str(), "rb"),
                                                             &::gzclose);
  if (file == nullptr) return Error{ErrorCode::kIo, "open " + path};
  std::string text;
  std::array<char, 65536> buffer;
  while (true) {
    const int got = ::gzread(file.get(), buffer.data(), buffer.size());
    if (got < 0) return Error{ErrorCode::kCorruption, "unpack " + path};
    if (got == 0) break;
    text.append(buffer.data(), static_cast<size_t>(got));
    if (text.size() > bytes_max) return Error{ErrorCode::kCorruption, path + " is too long"};
  }
  int code = Z_OK;
  ::gzerror(file.get(), &code);  // a file that ends too early is told only here
  if (code != Z_OK && code != Z_STREAM_END) return Error{ErrorCode::kCorruption, "unpack " + path};
  return text;
}

Result<CsvTable> ParseCsv(std::string_view text) {
  CsvTable table;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    if (line.find('"') != std::string_view::npos) return BadLine(number, "a quoted field");
    std::vector<std::string> fields = SplitLine(line);
    if (table.header.empty()) {
      if (fields.size() > kColumnsMax) return BadLine(number, "too many columns");
      table.header = std::move(fields);
    } else if (fields.size() != table.header.size()) {
      return BadLine(number,
                     fmt::format("{} fields instead of {}", fields.size(), table.header.size()));
    } else {
      table.rows.push_back(std::move(fields));
    }
  }
  return table;
}

std::optional<int64_t> ParseTime(std::string_view text) {
  const auto year = Digits(text, 0, 4);
  const auto month = Digits(text, 5, 2);
  const auto day = Digits(text, 8, 2);
  const auto hour = Digits(text, 11, 2);
  const auto minute = Digits(text, 14, 2);
  const auto second = Digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[10] != ' ' || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day));
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  int64_t millis = 0;
  size_t zone = 19;
  if (zone < text.size() && text[zone] == '.') {
    size_t digits = 0;
    for (++zone; zone < text.size() && text[zone] >= '0' && text[zone] <= '9'; ++zone, ++digits) {
      if (digits < 3) millis = millis * 10 + (text[zone] - '0');
    }
    for (; digits < 3; ++digits) millis *= 10;
  }
  if (text.substr(zone, 6) != " +0000") return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + *hour) * 60 + *minute) * 60'000 + *second * 1000 + millis;
}

std::optional<double> ParseNumber(std::string_view text) {
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace ficus::load
