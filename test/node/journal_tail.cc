#include "test/node/journal_tail.h"

namespace ficus {

uint64_t JournalTail::Acknowledged() {
  Read();
  return points_;
}

uint64_t JournalTail::Runs() {
  Read();
  return runs_;
}

void JournalTail::Read() {
  std::ifstream file(path_, std::ios::binary);
  file.seekg(read_);
  for (std::string line; std::getline(file, line);) {
    if (file.eof()) break;  // its end is not written yet
    read_ += static_cast<std::streamoff>(line.size()) + 1;
    if (line.find("run ") == 0) ++runs_;
    if (line.find("acked ") == 0) points_ += std::stoull(line.substr(line.rfind(' ') + 1));
  }
}

}  // namespace ficus
