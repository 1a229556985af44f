// Starts that are told to end before the node serves: they end where they stand, an ordinary stop,
// and the next start finds everything that was acknowledged.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "test/node/node.h"
#include "test/support/temp_directory.h"
#include "test/torture/fault_file.h"

namespace ficus {
namespace {

void Write(const Node& node, const std::string& journal, const std::string& points) {
  const std::string output = journal + ".load";
  const int wrote = RunLoadClient({"run", "--address", node.address(), "--journal", journal,
                                   "--points", points, "--report", "0"},
                                  output);
  INFO(ReadFile(output));
  REQUIRE(wrote == 0);
}

void HasEverything(const Node& node, const std::string& journal) {
  const std::string output = journal + ".verify";
  const int verified =
      RunLoadClient({"verify", "--address", node.address(), "--journal", journal}, output);
  INFO(ReadFile(output));
  REQUIRE(verified == 0);
}

// The name of the log file with the second lowest number.
std::string SecondLogFile(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".log") files.push_back(entry.path().filename());
  }
  REQUIRE(files.size() > 2);
  std::sort(files.begin(), files.end());
  return files[1];
}

// Starts the node, sends it signals while it stands still by `rule`, and lets it go on; what it
// said, once it has ended.
std::string EndStart(Node& node, FaultFile& faults, const std::string& rule) {
  const size_t before = node.log().size();
  const auto says = [&](const std::string& words) {
    return node.log().find(words, before) != std::string::npos;
  };
  faults.Write("stall times=ever " + rule);
  node.Launch();
  REQUIRE(WaitUntil([&] { return says("faults.stalled") || !node.process().Running(); }));
  for (int times = 0; times < 2; ++times) node.process().Signal(SIGTERM);
  REQUIRE(WaitUntil([&] { return says("SIGTERM: stopping") || !node.process().Running(); }));
  faults.Write("");
  const int code = node.process().Wait(std::chrono::seconds(60)).value_or(-1);
  INFO(node.log().substr(before));
  REQUIRE(code == 0);
  REQUIRE(says("the start was ended"));
  REQUIRE_FALSE(says("daemon.ready"));
  return node.log().substr(before);
}

TEST_CASE("a start that replays ends when it is told to, and the next one has every row",
          "[torture][stop]") {
  const TempDirectory directory;
  const std::string journal = directory.File("journal");
  FaultFile faults(directory.File("faults"));
  // Nothing is flushed: the log has all of it.
  Node node(directory.path(), {"storage: {path: \"" + directory.File("data") +
                               "\", flush: {interval: 1h}, wal: {file_bytes: 1MiB}}"});
  REQUIRE(node.Start());
  Write(node, journal, "100000");
  node.Kill();
  const std::string file = SecondLogFile(directory.File("data/wal"));
  for (const char* reading : {"0", "1", "2"}) {
    CAPTURE(reading);
    const std::string log = EndStart(
        node, faults, "op=open class=recovery path=" + file + " skip=" + std::string(reading));
    REQUIRE(log.find("log.replayed") == std::string::npos);
  }
  REQUIRE(node.Start());
  REQUIRE(node.log().find("log.parked") == std::string::npos);
  HasEverything(node, journal);
  REQUIRE(node.Stop() == 0);
}

TEST_CASE(
    "a start that fetches a backup ends when it is told to, and the next one fetches the rest",
    "[torture][stop]") {
  const TempDirectory directory;
  const TempDirectory other;
  const std::string journal = directory.File("journal");
  const std::string remotes =
      "remotes: {disk: {url: \"file://" + directory.File("backups") + "\"}}";
  FaultFile faults(directory.File("faults"));
  Node node(directory.path(),
            {remotes, "backups: {daily: {remote: disk, schedule: \"@yearly\", missed: ignore}}"});
  REQUIRE(node.Start());
  Write(node, journal, "20000");
  const std::string said = directory.File("ctl.out");
  const int backed_up =
      ChildProcess({FICUSCTL_PATH, "--addr", node.address(), "backup", "run", "daily"}, said)
          .Wait(std::chrono::seconds(300))
          .value_or(-1);
  INFO(ReadFile(said));
  REQUIRE(backed_up == 0);
  REQUIRE(node.Stop() == 0);

  Node copy(other.path(), {remotes, "restore: {on_start: if_empty, remote: disk, concurrency: 1}"});
  const std::string log = EndStart(copy, faults, "op=open class=backup skip=2");
  REQUIRE(log.find("restore.staged") == std::string::npos);
  REQUIRE(copy.Start());
  REQUIRE(copy.log().find("restore.done") != std::string::npos);
  HasEverything(copy, journal);
  REQUIRE(copy.Stop() == 0);
}

}  // namespace
}  // namespace ficus
