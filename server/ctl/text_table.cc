#include "server/ctl/text_table.h"

#include <algorithm>

#include "engine/base/check.h"

namespace ficus {
namespace {

// Characters, not bytes: names may be of any script.
size_t Width(const std::string& cell) {
  return static_cast<size_t>(std::count_if(cell.begin(), cell.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  }));
}

}  // namespace

void TextTable::Add(std::vector<std::string> row) {
  CHECK(row.size() == rows_.front().size()) << row.size() << " cells";
  for (std::string& cell : row) {
    if (cell.empty()) cell = std::string(1, '-');
  }
  rows_.push_back(std::move(row));
}

std::string TextTable::Text() const {
  std::vector<size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - Width(row[i]) + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace ficus
