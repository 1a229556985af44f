// A folder that goes with its owner.
#pragma once

#include <string>

namespace ficus::bench {

class ScratchFolder {
 public:
  // Makes a new folder in `parent`.
  explicit ScratchFolder(const std::string& parent);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace ficus::bench
