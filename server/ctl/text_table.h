// Rows of words in columns that line up.
#pragma once

#include <string>
#include <vector>

namespace ficus {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head) : rows_{std::move(head)} {}
  // As many cells as the head has (CHECKed). An empty cell is shown as "-".
  void Add(std::vector<std::string> row);
  // With the head; two spaces between columns, none at the end of a line.
  std::string Text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace ficus
