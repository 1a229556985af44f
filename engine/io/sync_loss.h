// What a wrapper that invents failed syncs tells the model of a disk beneath it.
#pragma once

#include <string_view>

namespace ficus {

// A file whose unsynced contents can be lost: what is pending stays pending for ever, later syncs
// do not cover it, and reads go on showing it, as a page cache does after a failed fsync.
class SyncLoss {
 public:
  virtual ~SyncLoss() = default;
  virtual void LoseUnsynced() = 0;
};

// The same for the names in a directory.
class DirectorySyncLoss {
 public:
  virtual ~DirectorySyncLoss() = default;
  virtual void LoseUnsyncedNames(std::string_view path) = 0;
};

}  // namespace ficus
