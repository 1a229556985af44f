// A log that lost acknowledged rows: the node says so and stays down until the operator accepts it.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "test/node/node.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

std::string FirstLogFile(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".log") files.push_back(entry.path().string());
  }
  REQUIRE(!files.empty());
  return *std::min_element(files.begin(), files.end());
}

size_t UsedBytes(const std::string& file) { return ReadFile(file).find_last_not_of('\0'); }

// Turns bytes over in the middle of the first `used` ones.
void Damage(const std::string& file, size_t used) {
  const std::string content = ReadFile(file);
  REQUIRE(used > 10'000);
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  // Not into the zeros that fill a block up: nobody would miss those.
  bytes.seekp(static_cast<std::streamoff>(content.find_first_not_of('\0', used / 2)));
  bytes << "this was not written by the node";
}

int AcceptLoss(const Node& node, bool yes, const std::string& output) {
  std::vector<std::string> command = {FICUSCTL_PATH, "log", "accept-loss", "--root", node.data()};
  if (yes) command.push_back("--yes");
  return ChildProcess(command, output).Wait(std::chrono::seconds(300)).value_or(-1);
}

TEST_CASE(
    "a node whose log is damaged in its middle starts once the loss is accepted, and only then",
    "[e2e]") {
  const TempDirectory directory;
  const std::string output = directory.File("out");
  Node node(directory.path(),
            {"storage: {path: \"" + directory.File("data") + "\", flush: {interval: 1h}}"});
  REQUIRE(node.Start());
  REQUIRE(RunLoadClient({"run", "--address", node.address(), "--points", "20000", "--report", "0"},
                        output) == 0);
  const std::string first = FirstLogFile(node.data() + "/wal");
  const size_t used = UsedBytes(first);
  // Damage with nothing sound behind it would be a write that was cut off.
  REQUIRE(RunLoadClient({"run", "--address", node.address(), "--points", "1000", "--report", "0"},
                        output) == 0);
  node.Kill();
  Damage(first, used);

  REQUIRE(!node.Start());
  REQUIRE(node.log().find("ficusctl log accept-loss") != std::string::npos);
  REQUIRE(AcceptLoss(node, false, output) != 0);
  REQUIRE(!node.Start());
  REQUIRE(AcceptLoss(node, true, output) == 0);
  REQUIRE(node.Start());
  REQUIRE(node.log().find("log.loss_accepted") != std::string::npos);
  REQUIRE(RunLoadClient({"run", "--address", node.address(), "--points", "1000", "--report", "0"},
                        output) == 0);
  REQUIRE(node.Stop() == 0);
  // The word was for one start.
  REQUIRE(node.Start());
  REQUIRE(node.Stop() == 0);
}

}  // namespace
}  // namespace ficus
