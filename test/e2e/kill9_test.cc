// The promise of the node: what it acknowledged is there after any kill, and nothing else but what
// was sent.
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/node/journal_tail.h"
#include "test/node/node.h"
#include "test/support/seed.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

// A node that flushes, merges and cuts its log all the time, so that a kill hits all of it.
std::vector<std::string> Restless(const TempDirectory& directory, const std::string& engine) {
  return {
      "storage: {path: \"" + directory.File("data") +
          "\", flush: {interval: 200ms, bytes: 1MiB}, wal: {file_bytes: 1MiB, max_bytes: 16MiB}}",
      "io: {engine: " + engine + "}"};
}

int Verify(const Node& node, const std::string& journal, const std::string& output) {
  return RunLoadClient({"verify", "--address", node.address(), "--journal", journal}, output);
}

TEST_CASE("what was acknowledged survives kill -9 at any time", "[e2e][crash]") {
  const std::string engine = GENERATE("auto", "threads");
  const uint64_t seed = TestSeed(1);
  CAPTURE(engine, seed);
  SeededRandom random(seed);
  const TempDirectory directory;
  const std::string journal = directory.File("journal");
  const std::string output = directory.File("load.out");
  JournalTail tail(journal);
  Node node(directory.path(), Restless(directory, engine));
  REQUIRE(node.Start());
  for (int round = 0; round < TestRounds(5); ++round) {
    CAPTURE(round);
    const uint64_t wanted = tail.Acknowledged() + 1'000 + random.Below(40'000);
    const auto load =
        StartLoadClient({"run", "--address", node.address(), "--journal", journal, "--series",
                         "300", "--streams", "3", "--window", "2000", "--report", "0"},
                        output);
    REQUIRE(WaitUntil([&] { return tail.Acknowledged() > wanted || !load->Running(); }));
    INFO(ReadFile(output));
    REQUIRE(load->Running());
    node.Kill();
    REQUIRE(load->Wait(std::chrono::seconds(60)) == 3);
    INFO(node.log());
    REQUIRE(node.Start());
    REQUIRE(Verify(node, journal, output) == 0);
  }
  REQUIRE(node.Stop() == 0);
}

TEST_CASE("a client that comes back gets every point acknowledged", "[e2e][crash]") {
  const TempDirectory directory;
  const std::string journal = directory.File("journal");
  const std::string output = directory.File("load.out");
  JournalTail tail(journal);
  Node node(directory.path(), Restless(directory, "auto"));
  REQUIRE(node.Start());
  const auto load = StartLoadClient(
      {"run", "--address", node.address(), "--journal", journal, "--series", "300", "--streams",
       "2", "--points", "150000", "--reconnect", "300", "--report", "0"},
      output);
  for (int kill = 1; kill <= 3; ++kill) {
    const uint64_t wanted = tail.Acknowledged() + 20'000;
    REQUIRE(WaitUntil([&] { return tail.Acknowledged() > wanted || !load->Running(); }));
    node.Kill();
    REQUIRE(node.Start(Node::Ports::kSame));
  }
  const auto code = load->Wait(std::chrono::seconds(300));
  INFO(ReadFile(output));
  REQUIRE(code == 0);
  REQUIRE(Verify(node, journal, output) == 0);
  REQUIRE(ReadFile(output).find("150000 acknowledged by 1 runs") != std::string::npos);
  REQUIRE(node.Stop() == 0);
}

TEST_CASE("the check itself finds a lost point", "[e2e]") {
  const TempDirectory directory;
  const std::string journal = directory.File("journal");
  const std::string output = directory.File("load.out");
  Node node(directory.path());
  REQUIRE(node.Start());
  REQUIRE(RunLoadClient({"run", "--address", node.address(), "--journal", journal, "--series", "30",
                         "--streams", "1", "--points", "3000", "--report", "0"},
                        output) == 0);
  REQUIRE(Verify(node, journal, output) == 0);
  std::ofstream(journal, std::ios::app) << "acked 0 0 3000 1\n";
  REQUIRE(Verify(node, journal, output) == 1);
  REQUIRE(ReadFile(output).find("1 missing, 0 wrong") != std::string::npos);
  REQUIRE(node.Stop() == 0);
}

}  // namespace
}  // namespace ficus
