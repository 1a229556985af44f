// Operations of the disk that do not return, or much too late: the node says how it does, holds its
// clients back instead of piling up what they send, and goes on when the disk does.
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "test/node/journal_tail.h"
#include "test/node/node.h"
#include "test/support/temp_directory.h"
#include "test/torture/fault_file.h"

namespace ficus {
namespace {

constexpr char kEndless[] = "0";
constexpr double kMemoryBytes = 64 << 20;
// Of a process that holds no rows yet, with room for what the ledger does not see.
constexpr double kProcessBytes = 192 << 20;

class Scene {
 public:
  explicit Scene(const std::string& query_timeout = "60s")
      : faults_(directory_.File("faults")),
        node_(directory_.path(),
              {"storage: {path: \"" + directory_.File("data") +
                   "\", flush: {interval: 200ms, bytes: 1MiB}, wal: "
                   "{file_bytes: 1MiB, max_bytes: 8MiB}}",
               "memory: {limit: 64MiB}", "query: {timeout: " + query_timeout + "}"}),
        tail_(directory_.File("journal")) {
    REQUIRE(node_.Start());
  }

  Node& node() { return node_; }
  FaultFile& faults() { return faults_; }
  uint64_t acknowledged() { return tail_.Acknowledged(); }

  // Clients that would fill any memory.
  std::unique_ptr<ChildProcess> Load(const std::string& points) const {
    return StartLoadClient(
        {"run", "--address", node_.address(), "--journal", directory_.File("journal"), "--series",
         "600", "--streams", "16", "--window", "1000000", "--points", points, "--report", "0"},
        directory_.File("load.out"));
  }
  std::string said() const { return ReadFile(directory_.File("load.out")); }
  int Verify() const {
    return RunLoadClient(
        {"verify", "--address", node_.address(), "--journal", directory_.File("journal")},
        directory_.File("verify.out"));
  }
  // Waits until an operation hangs.
  void Stall(const std::string& rule) {
    REQUIRE(faults_.Impose(node_, "stall times=ever " + rule));
    REQUIRE(WaitUntil([&] { return Stalled(); }));
  }
  bool Stalled() const {
    const std::string log = node_.log();
    const size_t at = log.rfind("faults.stalled");
    return at != std::string::npos && log.compare(at, 16, "faults.stalled 0") != 0;
  }
  // Nothing has been acknowledged for so many answers of the node in a row.
  void WaitUntilHeld() {
    uint64_t before = tail_.Acknowledged();
    int same = 0;
    REQUIRE(WaitUntil([&] {
      const uint64_t now = tail_.Acknowledged();
      same = now == before && !node_.Health().empty() ? same + 1 : 0;
      before = now;
      return same == 200;
    }));
  }
  void SaysHowItDoes() const {
    REQUIRE(node_.Health().find("HTTP/1.1") == 0);
    REQUIRE(node_.Metric("process_resident_memory_bytes") > 0);
    REQUIRE(node_.Metric("process_resident_memory_bytes") < kMemoryBytes + kProcessBytes);
  }
  void EndsWell(ChildProcess& load) {
    load.Signal(SIGTERM);
    REQUIRE(WaitUntil([&] { return !load.Running(); }, std::chrono::seconds(300)));
    INFO(said());
    INFO(node_.log());
    REQUIRE(node_.process().Running());
    // Refused rows were refused, not lost.
    REQUIRE((load.Wait(std::chrono::seconds(0)) == 0 || load.Wait(std::chrono::seconds(0)) == 1));
    REQUIRE(Verify() == 0);
  }

 private:
  const TempDirectory directory_;
  FaultFile faults_;
  Node node_;
  JournalTail tail_;
};

TEST_CASE("while a sync of the log hangs, the node answers and holds writers back",
          "[torture][stall]") {
  Scene scene;
  const auto load = scene.Load(kEndless);
  REQUIRE(WaitUntil([&] { return scene.acknowledged() > 20'000; }));
  scene.Stall("op=fsync class=log");
  scene.WaitUntilHeld();
  scene.SaysHowItDoes();
  // What was acknowledged is read meanwhile.
  REQUIRE(scene.Verify() == 0);
  SECTION("and goes on when it returns late") {
    const uint64_t before = scene.acknowledged();
    scene.faults().Write("");
    REQUIRE(WaitUntil([&] { return scene.acknowledged() > before; }));
    scene.EndsWell(*load);
    REQUIRE(scene.node().Stop() == 0);
  }
  SECTION("and a kill loses nothing") {
    scene.node().Kill();
    load->Wait(std::chrono::seconds(60));
    scene.faults().Write("");
    REQUIRE(scene.node().Start());
    REQUIRE(scene.Verify() == 0);
    REQUIRE(scene.node().Stop() == 0);
  }
}

TEST_CASE("while a flush hangs, memory stays within its limit", "[torture][stall]") {
  const std::string rule = GENERATE("op=write class=flush", "op=fsync class=manifest");
  CAPTURE(rule);
  Scene scene;
  const auto load = scene.Load(kEndless);
  REQUIRE(WaitUntil([&] { return scene.acknowledged() > 20'000; }));
  scene.Stall(rule);
  REQUIRE(WaitUntil([&] {
    scene.SaysHowItDoes();
    return !load->Running() || scene.acknowledged() > 150'000;
  }));
  scene.SaysHowItDoes();
  scene.faults().Write("");
  scene.EndsWell(*load);
  REQUIRE(scene.node().Stop() == 0);
}

TEST_CASE("while reads of queries hang, rows are written and the node answers",
          "[torture][stall]") {
  Scene scene("2s");
  const auto first = scene.Load("300000");
  REQUIRE(WaitUntil([&] { return !first->Running(); }));
  scene.EndsWell(*first);
  REQUIRE(scene.faults().Impose(scene.node(), "stall times=ever op=read class=query"));
  const auto reader = std::make_unique<ChildProcess>(
      std::vector<std::string>{FICUS_LOAD_PATH, "verify", "--address", scene.node().address(),
                               "--journal", scene.node().data() + "/../journal"},
      scene.node().data() + "/../reader.out");
  REQUIRE(WaitUntil([&] { return scene.Stalled() || !reader->Running(); }));
  const uint64_t before = scene.acknowledged();
  const auto second = scene.Load("300000");
  REQUIRE(WaitUntil([&] { return scene.acknowledged() > before + 20'000; }));
  scene.SaysHowItDoes();
  scene.faults().Write("");
  REQUIRE(WaitUntil([&] { return !reader->Running(); }));
  scene.EndsWell(*second);
  REQUIRE(scene.node().Stop() == 0);
}

}  // namespace
}  // namespace ficus
