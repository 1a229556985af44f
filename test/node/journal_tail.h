// Follows the journal of a load client while it is written.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

namespace ficus {

class JournalTail {
 public:
  // The file may come later.
  explicit JournalTail(std::string path) : path_(std::move(path)) {}

  // The points that the journal calls acknowledged by now, those of earlier runs included.
  uint64_t Acknowledged();
  // The clients that have begun to write by now.
  uint64_t Runs();

 private:
  void Read();

  const std::string path_;
  std::streamoff read_ = 0;  // whole lines only
  uint64_t points_ = 0;
  uint64_t runs_ = 0;
};

}  // namespace ficus
