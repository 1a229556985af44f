#include "server/ctl/markers.h"

#include <memory>

#include "engine/io/publish.h"

namespace ficus {

Result<> AcceptLogLoss(FileSystem& fs, RandomSource& random) {
  ASSIGN_OR_RETURN(const std::unique_ptr<FileLock> lock, fs.Lock("LOCK"));
  return PublishFile(fs, random, "accept-log-loss", "", FileClass::kTool);
}

}  // namespace ficus
