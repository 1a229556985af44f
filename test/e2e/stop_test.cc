// Starting, stopping and who may.
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "test/node/node.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

constexpr int kExitBusy = 5;

bool Says(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

TEST_CASE("SIGTERM under load ends the node with 0 and keeps what was acknowledged", "[e2e]") {
  const TempDirectory directory;
  const std::string journal = directory.File("journal");
  const std::string output = directory.File("load.out");
  Node node(directory.path());
  REQUIRE(node.Start());
  const auto load = StartLoadClient({"run", "--address", node.address(), "--journal", journal,
                                     "--series", "300", "--report", "0"},
                                    output);
  REQUIRE(WaitUntil([&] { return ReadFile(journal).size() > 2000 || !load->Running(); }));
  REQUIRE(node.Stop() == 0);
  REQUIRE(load->Wait(std::chrono::seconds(60)) == 3);
  REQUIRE(node.Start());
  const int verified =
      RunLoadClient({"verify", "--address", node.address(), "--journal", journal}, output);
  INFO(ReadFile(output));
  REQUIRE(verified == 0);
  REQUIRE(node.Stop() == 0);
}

TEST_CASE("after a clean stop there is nothing to replay", "[e2e]") {
  const TempDirectory directory;
  const std::string journal = directory.File("journal");
  const std::string output = directory.File("load.out");
  // Nothing is flushed before the stop.
  Node node(directory.path(),
            {"storage: {path: \"" + directory.File("data") + "\", flush: {interval: 1h}}"});
  REQUIRE(node.Start());
  REQUIRE(RunLoadClient({"run", "--address", node.address(), "--journal", journal, "--points",
                         "20000", "--report", "0"},
                        output) == 0);
  REQUIRE(node.Stop() == 0);
  const size_t before = node.log().size();
  REQUIRE(node.Start());
  const std::string log = node.log().substr(before);
  const size_t replayed = log.find("log.replayed");
  REQUIRE(replayed != std::string::npos);
  INFO(log.substr(replayed, 200));
  REQUIRE(Says(log.substr(replayed, log.find('\n', replayed) - replayed), " 0 rows introduced"));
  REQUIRE(RunLoadClient({"verify", "--address", node.address(), "--journal", journal}, output) ==
          0);
  REQUIRE(node.Stop() == 0);
}

TEST_CASE("a second process on the same root is refused, and the first goes on", "[e2e]") {
  const TempDirectory directory;
  const std::string output = directory.File("out");
  Node node(directory.path());
  REQUIRE(node.Start());
  ChildProcess second({FICUSD_PATH, "--config", node.config_file(), "--set",
                       "grpc.listen=127.0.0.1:0", "--set", "http.listen=127.0.0.1:0", "--set",
                       "metrics.listen=127.0.0.1:0", "--set", "log.output=stderr"},
                      output);
  REQUIRE(second.Wait(std::chrono::seconds(300)) == kExitBusy);
  REQUIRE(Says(ReadFile(output), "LOCK"));
  REQUIRE(RunLoadClient({"run", "--address", node.address(), "--points", "1000", "--report", "0"},
                        output) == 0);
  REQUIRE(node.Stop() == 0);
}

TEST_CASE("the node does the same on both I/O engines", "[e2e]") {
  const std::string engine = GENERATE("io_uring", "threads");
  CAPTURE(engine);
  const TempDirectory directory;
  const std::string journal = directory.File("journal");
  const std::string output = directory.File("load.out");
  Node node(directory.path(), {"io: {engine: " + engine + "}"});
  REQUIRE(node.Start());
  REQUIRE(Says(node.log(), engine + " on "));
  const int wrote = RunLoadClient({"run", "--address", node.address(), "--metrics", node.metrics(),
                                   "--journal", journal, "--points", "50000", "--report", "1"},
                                  output);
  INFO(ReadFile(output));
  REQUIRE(wrote == 0);
  for (const bool restarted : {false, true}) {
    CAPTURE(restarted);
    if (restarted) {
      REQUIRE(node.Stop() == 0);
      REQUIRE(node.Start());
    }
    REQUIRE(RunLoadClient({"verify", "--address", node.address(), "--journal", journal}, output) ==
            0);
  }
  REQUIRE(Says(ReadFile(output), "50000 acknowledged"));
  REQUIRE(node.Stop() == 0);
}

TEST_CASE("a node that was told to stop twice stops once", "[e2e]") {
  const TempDirectory directory;
  Node node(directory.path());
  REQUIRE(node.Start());
  node.process().Signal(15);
  REQUIRE(node.Stop() == 0);
}

}  // namespace
}  // namespace ficus
