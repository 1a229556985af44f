// Which way to the disk a node really takes, counted by itself.
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "test/node/node.h"
#include "test/support/skip.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

double Submitted(const Node& node, const std::string& engine, const std::string& file_class) {
  return node.Metric("ficus_io_submit_total",
                     {"engine=\"" + engine + "\"", "class=\"" + file_class + "\""});
}

// Load, flushes and merges; then a death, a replay and questions to files that nobody has read
// since. Every class of file goes through `engine`, none through `other`.
void LookAtEngine(const std::string& engine, const std::string& other) {
  const TempDirectory directory;
  const std::string journal = directory.File("journal");
  const std::string output = directory.File("load.out");
  Node node(directory.path(),
            {"io: {engine: " + engine + "}",
             "storage: {path: \"" + directory.File("data") + "\", flush: {interval: 200ms}}"});
  const bool started = node.Start();
  if (!started && engine == "io_uring" && node.log().find("io_uring") != std::string::npos) {
    SKIP_TEST("io_uring cannot be used here");
  }
  REQUIRE(started);
  const auto expect = [&](const std::vector<std::string>& classes) {
    for (const std::string& file_class : classes) {
      CAPTURE(file_class);
      REQUIRE(Submitted(node, engine, file_class) > 0);
      REQUIRE(Submitted(node, other, file_class) == 0);
    }
  };

  const auto load = StartLoadClient({"run", "--address", node.address(), "--journal", journal,
                                     "--series", "200", "--rate", "20000", "--report", "0"},
                                    output);
  const bool merged =
      WaitUntil([&] { return node.Metric("ficus_merges_total") > 0 || !load->Running(); },
                std::chrono::seconds(120));
  INFO(ReadFile(output));
  REQUIRE(merged);
  REQUIRE(load->Running());
  expect({"log", "flush", "merge", "manifest"});
  node.Kill();
  load->Wait(std::chrono::seconds(60));

  REQUIRE(node.Start());
  expect({"recovery", "log"});
  // The schemas have been read; no rows yet.
  const double before = Submitted(node, engine, "query");
  const int verified =
      RunLoadClient({"verify", "--address", node.address(), "--journal", journal}, output);
  INFO(ReadFile(output));
  REQUIRE(verified == 0);
  REQUIRE(Submitted(node, engine, "query") > before);
  expect({"query"});
  REQUIRE(node.Stop() == 0);
}

TEST_CASE("with io_uring, log, flushes, merges, cold reads and recovery go through the ring",
          "[e2e][io]") {
  LookAtEngine("io_uring", "threads");
}

TEST_CASE("with threads, nothing goes through a ring", "[e2e][io]") {
  LookAtEngine("threads", "io_uring");
}

}  // namespace
}  // namespace ficus
