// The promise of the node under kill -9, at random times and at chosen operations of its disk: what
// was acknowledged is there after the next start, once and with its value, and nothing else but
// what was sent.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <signal.h>

#include "test/support/seed.h"
#include "test/support/temp_directory.h"
#include "test/torture/ordeal.h"

namespace ficus {
namespace {

// A node's life: long enough that a fall meets old files, short enough that all of it is read again
// and again.
constexpr int kFallsOfOneNode = 15;

// One node after the other, each with its own folder.
class Nodes {
 public:
  Nodes(std::string engine, uint64_t seed) : engine_(std::move(engine)), seed_(seed) {}

  // The node that is to fall next; it stands.
  Ordeal& Next() {
    if (falls_++ % kFallsOfOneNode == 0) {
      if (ordeal_ != nullptr) End();
      ordeal_.reset();
      folder_ = std::make_unique<TempDirectory>();
      ordeal_ = std::make_unique<Ordeal>(
          OrdealOptions{folder_->path(), folder_->File("data"), engine_, seed_++});
      REQUIRE(ordeal_->StartAndVerify() == "");
    }
    return *ordeal_;
  }
  // After so many falls it still makes backups, and still stops as it should.
  void End() {
    REQUIRE(ordeal_->VerifyBackup() == "");
    REQUIRE(ordeal_->node().Stop(std::chrono::seconds(60)) == 0);
    points_ += ordeal_->acknowledged();
    calls_ += ordeal_->calls();
  }
  void Print(int kills) const {
    std::printf("%d kills on %s: %llu points and %llu other calls acknowledged, seeds to %llu\n",
                kills, engine_.c_str(), static_cast<unsigned long long>(points_),
                static_cast<unsigned long long>(calls_),
                static_cast<unsigned long long>(seed_ - 1));
  }

 private:
  const std::string engine_;
  uint64_t seed_;
  int falls_ = 0;
  uint64_t points_ = 0;
  uint64_t calls_ = 0;
  std::unique_ptr<TempDirectory> folder_;
  std::unique_ptr<Ordeal> ordeal_;
};

TEST_CASE("what was acknowledged survives kill -9 at a random time", "[torture][kill]") {
  const std::string engine = GENERATE("auto", "threads");
  const uint64_t seed = TestSeed(1);
  const int kills = Rounds(65, 1250);
  CAPTURE(engine, seed);
  Nodes nodes(engine, seed);
  for (int kill = 0; kill < kills; ++kill) {
    CAPTURE(kill);
    Ordeal& ordeal = nodes.Next();
    ordeal.BeginLoad();
    INFO(ordeal.node().log());
    REQUIRE(ordeal.WaitForPoints(4'000));
    ordeal.Fall();
    REQUIRE(ordeal.StartAndVerify() == "");
  }
  nodes.End();
  nodes.Print(kills);
}

struct Point {
  std::string rule;
  uint64_t skip_max = 0;  // so many of these operations pass at most
  bool at_start = false;  // while the node recovers
};

// Where a node is killed: in place of these operations or, with "cut", in the middle of them.
std::vector<Point> LogPoints() {
  return {
      {"cut op=write class=log", 40},  {"kill op=write class=log", 40},
      {"kill op=fsync class=log", 40}, {"kill op=open class=log"},
      {"kill op=allocate class=log"},  {"kill op=fsync_directory class=log"},
      {"kill op=rename class=log"},
  };
}

std::vector<Point> PartPoints() {
  return {
      {"kill op=open class=flush", 8},
      {"cut op=write class=flush", 8},
      {"kill op=fsync class=flush", 8},
      {"kill op=rename class=flush", 8},
      {"kill op=fsync_directory class=flush", 8},
      {"kill op=open class=merge", 4},
      {"kill op=read class=merge", 4},
      {"cut op=write class=merge", 2},
      {"kill op=fsync class=merge", 2},
      {"kill op=rename class=merge", 2},
      {"kill op=fsync_directory class=merge", 2},
  };
}

std::vector<Point> NamePoints() {
  return {
      {"kill op=open class=manifest", 16},
      {"cut op=write class=manifest", 16},
      {"kill op=fsync class=manifest", 16},
      {"kill op=rename class=manifest", 16},
      {"kill op=fsync_directory class=manifest", 16},
      {"kill op=link", 16},
      {"cut op=write class=snapshot", 2},
      {"kill op=rename class=snapshot", 2},
      {"kill op=fsync_directory class=snapshot", 4},
      {"kill op=remove path=.part", 4},
      {"kill op=remove path=.snp", 16},
      {"kill op=create_directory", 8},
      {"kill op=rename path=trash"},
      {"kill op=list", 8},
  };
}

std::vector<Point> StartPoints() {
  return {
      {"kill op=read", 40, true}, {"kill op=open", 20, true}, {"kill op=list", 8, true},
      {"kill op=write", 2, true}, {"kill op=fsync", 2, true}, {"kill op=remove", 2, true},
  };
}

void KillAtEach(const std::vector<Point>& points) {
  const std::string engine = GENERATE("auto", "threads");
  const uint64_t seed = TestSeed(1'000);
  CAPTURE(engine, seed);
  const int rounds = Rounds(1, 33);
  Nodes nodes(engine, seed);
  SeededRandom random(seed);
  int kills = 0;
  for (int round = 0; round < rounds; ++round) {
    for (const Point& point : points) {
      Ordeal& ordeal = nodes.Next();
      const std::string rule =
          point.rule + " skip=" + std::to_string(random.Below(point.skip_max + 1));
      CAPTURE(round, rule);
      if (point.at_start) {
        ordeal.BeginLoad();
        REQUIRE(ordeal.WaitForPoints(2'000));
        ordeal.Fall();
        ordeal.faults().Write(rule);
        // It may live long enough to serve.
        if (ordeal.node().Start()) ordeal.BeginLoad();
      } else {
        // What the node does by itself may meet the rule before it has told that it obeys.
        if (ordeal.faults().Impose(ordeal.node(), rule)) ordeal.BeginLoad();
      }
      const bool ended = ordeal.WaitForEnd();
      INFO(ordeal.node().log());
      REQUIRE(ended);
      REQUIRE(*ordeal.node().process().Wait(std::chrono::seconds(0)) == 128 + SIGKILL);
      ordeal.Fall();
      ordeal.faults().Write("");
      REQUIRE(ordeal.StartAndVerify() == "");
      ++kills;
    }
  }
  nodes.End();
  nodes.Print(kills);
}

TEST_CASE("what was acknowledged survives kill -9 at operations of the log", "[torture][kill]") {
  KillAtEach(LogPoints());
}

TEST_CASE("what was acknowledged survives kill -9 while parts are written", "[torture][kill]") {
  KillAtEach(PartPoints());
}

TEST_CASE("what was acknowledged survives kill -9 while names come and go", "[torture][kill]") {
  KillAtEach(NamePoints());
}

TEST_CASE("what was acknowledged survives kill -9 while the node starts", "[torture][kill]") {
  KillAtEach(StartPoints());
}

}  // namespace
}  // namespace ficus
