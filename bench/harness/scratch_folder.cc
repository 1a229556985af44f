#include "bench/harness/scratch_folder.h"

#include <cstdlib>
#include <filesystem>

#include "engine/base/check.h"

namespace ficus::bench {

ScratchFolder::ScratchFolder(const std::string& parent) : path_(parent + "/ficus-bench-XXXXXX") {
  CHECK(::mkdtemp(path_.data()) != nullptr) << "no folder can be made in " << parent;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;  // what is left lies in a temporary folder
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace ficus::bench
