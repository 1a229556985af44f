// Whether the file snapshots on a node's disk are what they must be.
#pragma once

#include <map>
#include <string>

#include "test/crash/expectation.h"
#include "test/engine/database/database_harness.h"

namespace ficus {

// Remembers what it opened: the same list of files with the same checksums is the same snapshot.
class SnapshotCheck {
 public:
  // Every expected snapshot is listed, whole, and opens as a database that shows its world; no
  // other one is there, nor anything of an unfinished one.
  Result<> Check(DatabaseHarness& node, const Expectation& expected);

 private:
  Result<World> Open(DatabaseHarness& node, const SnapshotContents& contents);

  std::map<std::string, Result<World>> opened_;  // by encoded contents
};

}  // namespace ficus
