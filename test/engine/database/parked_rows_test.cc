#include "engine/database/parked_rows.h"

#include <memory>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/database/parked_log.h"
#include "engine/io/publish.h"
#include "test/engine/database/database_harness.h"

namespace ficus {
namespace {

constexpr const char* kGroup = "sw_metric";
constexpr const char* kMeasure = "service_cpm";
constexpr const char* kDirectory = "measure/data/sw_metric";
constexpr const char* kAside = "aside";

// A node with a batch in the log whose group's directory was taken away while it was down.
struct Node : DatabaseHarness {
  LogCapture log;

  void Prepare() {
    REQUIRE(Open().has_value());
    REQUIRE(CreateGroup(kGroup).has_value());
    REQUIRE(CreateMeasure(kGroup, kMeasure).has_value());
    REQUIRE(Write(kGroup, kMeasure, {{1, now(), 10}, {2, now(), 20}}).result.has_value());
    before = Read(kGroup, kMeasure);
    Kill();
    REQUIRE(fs().Rename(kDirectory, kAside, FileClass::kTool).has_value());
  }
  void BringBack() {
    if (fs().Status(kDirectory).has_value()) REQUIRE(RemoveTree(fs(), kDirectory).has_value());
    REQUIRE(fs().Rename(kAside, kDirectory, FileClass::kTool).has_value());
  }
  uint64_t Parked() { return database().Status().parked_records; }

  NodeRows before;
};

TEST_CASE(
    "a parked batch stays parked from start to start until its place is back, and then is read",
    "[database][parked]") {
  Node node;
  node.Prepare();
  for (int start = 0; start < 3; ++start) {
    REQUIRE(node.Open().has_value());
    REQUIRE(node.Parked() == 1);
    REQUIRE(node.FlushAll().has_value());
    // The log lets go of the batch: its file is the only copy.
    node.Pass(20 * 60 * kNanosPerSecond);
    node.Close();
  }
  node.BringBack();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read(kGroup, kMeasure) == node.before);
  REQUIRE(node.Parked() == 0);
  REQUIRE(CountParked(node.log_fs()).value() == 0);
}

TEST_CASE("rows that were parked are there after the next kill, and once", "[database][parked]") {
  Node node;
  node.Prepare();
  REQUIRE(node.Open().has_value());
  node.Close();
  node.BringBack();
  for (int start = 0; start < 3; ++start) {
    REQUIRE(node.Open().has_value());
    REQUIRE(node.Read(kGroup, kMeasure) == node.before);
    REQUIRE(node.Parked() == 0);
    node.Kill();
  }
}

TEST_CASE("a stop between writing parked rows and removing their file repeats it without doubles",
          "[database][parked]") {
  Node node;
  node.Prepare();
  REQUIRE(node.Open().has_value());
  node.Close();
  const std::string name = ListParked(node.log_fs())->front().name;
  const std::string path = "parked/" + name;
  const std::string file = *ReadWholeFile(node.log_fs(), path, 1 << 20, FileClass::kTool);
  node.BringBack();
  for (int start = 0; start < 3; ++start) {
    REQUIRE(PublishFile(node.log_fs(), node.random(), path, file, FileClass::kTool).has_value());
    REQUIRE(node.Open().has_value());
    REQUIRE(node.Read(kGroup, kMeasure) == node.before);
    REQUIRE(node.FlushAll().has_value());
    REQUIRE(node.MergeAll().has_value());
    REQUIRE(node.Read(kGroup, kMeasure) == node.before);
    node.Close();
  }
}

TEST_CASE("a parked batch that is damaged is kept, and the node starts", "[database][parked]") {
  Node node;
  node.Prepare();
  REQUIRE(node.Open().has_value());
  node.Close();
  const std::string path = "parked/" + ListParked(node.log_fs())->front().name;
  REQUIRE(PublishFile(node.log_fs(), node.random(), path, "noise", FileClass::kTool).has_value());
  node.BringBack();
  // What is left of the log would bring the rows back by itself.
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Parked() == 1);
  REQUIRE(node.log_fs().Status(path).has_value());
}

}  // namespace
}  // namespace ficus
