// Tells a node which of its disk operations go wrong: engine/io/fault_control.h.
#pragma once

#include <string>

#include "test/node/node.h"

namespace ficus {

class FaultFile {
 public:
  // Nodes that this process starts from here on look at the file.
  explicit FaultFile(std::string path);
  ~FaultFile();
  FaultFile(const FaultFile&) = delete;
  FaultFile& operator=(const FaultFile&) = delete;

  // Replaces the rules; what waited for the old ones goes on.
  void Write(const std::string& rules);
  // The same, and waits until `node` has read them. False when it ended before that.
  bool Impose(Node& node, const std::string& rules);

 private:
  const std::string path_;
  int writes_ = 0;
};

}  // namespace ficus
