// A node that is brought down again and again under load, and the client outside that knows what it
// must have kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "test/node/journal_tail.h"
#include "test/node/node.h"
#include "test/torture/fault_file.h"
#include "test/torture/upheaval.h"

namespace ficus {

struct OrdealOptions {
  std::string folder;  // of the client; outlives every fall of the node
  std::string data;    // of the node
  std::string engine;  // of io.engine
  uint64_t seed = 0;
};

// How often a test repeats itself: FICUS_TEST_ROUNDS when set, else `longer` when FICUS_CRASH_LONG
// is set, else `ordinary`.
int Rounds(int ordinary, int longer);

class Ordeal {
 public:
  explicit Ordeal(const OrdealOptions& options);

  // Starts the node, which has what it acknowledged, each point once, and nothing that nobody sent.
  // "" or what is wrong.
  std::string StartAndVerify();
  // Begins to write, and to do everything else, until the node is gone.
  void BeginLoad();
  // Waits until a random number of points has been acknowledged since BeginLoad(). False when the
  // node ended before that.
  bool WaitForPoints(uint64_t points_max);
  // Waits until the node has ended by itself; false when it does not.
  bool WaitForEnd();
  // The same, or it says that it can make no new file for its log: then it acknowledges nothing and
  // waits for a disk that never comes back.
  bool WaitForEndOrStandstill();
  // Kills the node if it still runs, and ends the load.
  void Fall();
  // A backup made now is whole; "" or what is wrong.
  std::string VerifyBackup();

  Node& node() { return node_; }
  FaultFile& faults() { return faults_; }
  SeededRandom& random() { return random_; }
  uint64_t acknowledged() { return tail_.Acknowledged(); }
  uint64_t calls() const { return upheaval_.calls(); }

 private:
  std::string Ask(const std::string& what, std::vector<std::string> command);

  const std::string folder_;
  const std::string journal_;
  SeededRandom random_;
  FaultFile faults_;
  Node node_;
  JournalTail tail_;
  Upheaval upheaval_;
  std::unique_ptr<ChildProcess> load_;
  uint64_t runs_before_ = 0;  // clients that had written before this load
  size_t log_before_ = 0;     // of the node, when this load began
};

}  // namespace ficus
