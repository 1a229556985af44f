// Backups as an operator has them: made by the clock while clients write, verified, and brought
// back with the programs that ship.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "test/node/node.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

std::vector<std::string> WithBackups(const TempDirectory& directory) {
  return {"storage: {path: \"" + directory.File("data") + "\", flush: {interval: 500ms}}",
          "remotes: {disk: {url: \"file://" + directory.File("backups") + "\"}}",
          "backups: {often: {remote: disk, schedule: \"@every 1s\", time_style: hourly, "
          "verify: full, keep: {min: 2}}}"};
}

// Runs ficusctl to its end; its exit code. What it printed is in `output`.
int Ctl(std::vector<std::string> arguments, const std::string& output) {
  std::filesystem::remove(output);
  arguments.insert(arguments.begin(), FICUSCTL_PATH);
  ChildProcess process(arguments, output);
  return process.Wait(std::chrono::seconds(300)).value_or(-1);
}

int Verify(const Node& node, const std::string& journal, const std::string& output) {
  return RunLoadClient({"verify", "--address", node.address(), "--journal", journal}, output);
}

// One run that holds everything that was acknowledged before, and none after it.
void BackUpByHand(const Node& node, const std::string& output) {
  REQUIRE(Ctl({"--addr", node.address(), "schedule", "pause", "often"}, output) == 0);
  // One that the clock began may still be under way.
  const bool done = WaitUntil([&] {
    return Ctl({"--addr", node.address(), "backup", "run", "often"}, output) == 0;
  });
  INFO(ReadFile(output));
  REQUIRE(done);
}

// The newest time directory of the backups.
std::string NewestTimedir(const TempDirectory& directory) {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(directory.File("backups"))) {
    const std::string name = entry.path().filename();
    if (name[0] == '2') newest = std::max(newest, name);
  }
  return newest;
}

TEST_CASE("what was backed up by the clock under load is there again after the data is gone",
          "[e2e][backup]") {
  const TempDirectory directory;
  const std::string journal = directory.File("journal");
  const std::string output = directory.File("load.out");
  const std::string said = directory.File("ctl.out");
  Node node(directory.path(), WithBackups(directory));
  REQUIRE(node.Start());
  const auto load = StartLoadClient({"run", "--address", node.address(), "--journal", journal,
                                     "--series", "500", "--rate", "20000", "--report", "0"},
                                    output);
  const auto runs = [&] { return node.Metric("ficus_backup_runs_total", {"result=\"success\""}); };
  REQUIRE(WaitUntil([&] { return runs() >= 2 || !load->Running(); }));
  INFO(node.log());
  REQUIRE(runs() >= 2);
  REQUIRE(load->Running());
  load->Signal(SIGTERM);
  const int loaded = load->Wait(std::chrono::seconds(300)).value_or(-1);
  INFO(ReadFile(output));
  const auto ended = node.process().Wait(std::chrono::milliseconds(0));
  INFO("the node " << (ended ? "ended with " + std::to_string(*ended) : "runs") << "\n"
                   << node.log());
  REQUIRE(loaded == 0);

  BackUpByHand(node, said);
  REQUIRE(Ctl({"--addr", node.address(), "-o", "json", "backup", "status"}, said) == 0);
  REQUIRE(ReadFile(said).find("verified") != std::string::npos);
  node.Kill();
  std::filesystem::remove_all(directory.File("data"));

  const std::string timedir = NewestTimedir(directory);
  const int restored =
      Ctl({"restore", "run", timedir, "--source", "file://" + directory.File("backups"), "--root",
           directory.File("data")},
          said);
  INFO(ReadFile(said));
  REQUIRE(restored == 0);
  REQUIRE(node.Start());
  REQUIRE(Verify(node, journal, output) == 0);

  // The restored node is a node: what it acknowledges from here on survives, too.
  REQUIRE(RunLoadClient({"run", "--address", node.address(), "--journal", journal, "--series",
                         "500", "--points", "20000", "--report", "0"},
                        output) == 0);
  node.Kill();
  REQUIRE(node.Start());
  REQUIRE(Verify(node, journal, output) == 0);
  REQUIRE(node.Stop() == 0);
}

TEST_CASE("snapshots are taken while clients write, and each one verifies", "[e2e][snapshot]") {
  const TempDirectory directory;
  const std::string output = directory.File("load.out");
  const std::string said = directory.File("ctl.out");
  Node node(directory.path(),
            {"storage: {path: \"" + directory.File("data") +
             "\", flush: {interval: 300ms}, snapshots: {keep: 2, min_age: 1ms}}"});
  REQUIRE(node.Start());
  const auto load = StartLoadClient(
      {"run", "--address", node.address(), "--series", "500", "--rate", "20000", "--report", "0"},
      output);
  REQUIRE(WaitUntil([&] { return node.Metric("ficus_write_points_total") > 20'000; }));
  for (int i = 0; i < 4; ++i) {
    const int taken = Ctl({"--addr", node.address(), "-o", "json", "snapshot", "create"}, said);
    INFO(ReadFile(said));
    REQUIRE(taken == 0);
    // The schema, and what was written.
    REQUIRE(ReadFile(said).find("schema-property/") != std::string::npos);
    REQUIRE(ReadFile(said).find("measure") != std::string::npos);
  }
  REQUIRE(load->Running());
  load->Signal(SIGTERM);
  REQUIRE(load->Wait(std::chrono::seconds(300)) == 0);
  REQUIRE(node.Stop() == 0);
  // Two are kept, and nothing of the others is left.
  size_t folders = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory.File("data/measure/snapshots"))) {
    ++folders;
    const int verified = Ctl(
        {"snapshot", "verify", entry.path().filename(), "--root", directory.File("data")}, said);
    INFO(ReadFile(said));
    REQUIRE(verified == 0);
  }
  REQUIRE(folders == 2);
}

TEST_CASE("a restore over living data wants to be asked twice", "[e2e][backup]") {
  const TempDirectory directory;
  const std::string output = directory.File("load.out");
  const std::string said = directory.File("ctl.out");
  Node node(directory.path(), WithBackups(directory));
  REQUIRE(node.Start());
  REQUIRE(RunLoadClient({"run", "--address", node.address(), "--points", "5000", "--report", "0"},
                        output) == 0);
  BackUpByHand(node, said);
  const std::vector<std::string> run = {"restore",
                                        "run",
                                        NewestTimedir(directory),
                                        "--source",
                                        "file://" + directory.File("backups"),
                                        "--root",
                                        directory.File("data")};
  REQUIRE(Ctl(run, said) == 9);
  REQUIRE(ReadFile(said).find("--yes") != std::string::npos);
  // A time directory that nobody wrote is refused, and nothing is touched.
  std::vector<std::string> typo = run;
  typo[2] = "2001-01-01";
  typo.emplace_back("--yes");
  REQUIRE(Ctl(typo, said) == 6);
  REQUIRE(node.Stop() == 0);
  REQUIRE(node.Start());
  REQUIRE(node.Stop() == 0);
}

}  // namespace
}  // namespace ficus
