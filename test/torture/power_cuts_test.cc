// The promise of the node when the power goes, on file systems as they are: nothing that had not
// reached the disk is there after the next mount.
#include <cstdio>
#include <string>

#include <catch2/catch.hpp>

#include "test/node/mounted_disk.h"
#include "test/support/seed.h"
#include "test/support/skip.h"
#include "test/support/temp_directory.h"
#include "test/torture/ordeal.h"

namespace ficus {
namespace {

// Half of the nodes run on for a moment: they must find out by themselves, and acknowledge nothing.
void CutThePower(Ordeal& ordeal, PowerCutDisk& disk) {
  ordeal.BeginLoad();
  const bool has_points = ordeal.WaitForPoints(4'000);
  INFO(ordeal.node().log());
  REQUIRE(has_points);
  const bool runs_on = ordeal.random().Below(2) == 0;
  REQUIRE(disk.Cut());
  if (runs_on) {
    const bool has_ended = ordeal.WaitForEndOrStandstill();
    INFO("after the cut:\n" << ordeal.node().log());
    REQUIRE(has_ended);
  }
  ordeal.Fall();
  REQUIRE(disk.Remount());
  REQUIRE(ordeal.StartAndVerify() == "");
}

void CutAgainAndAgain(const std::string& type, const std::string& options, int cuts) {
  const std::string engine = GENERATE("auto", "threads");
  const uint64_t seed = TestSeed(1);
  CAPTURE(type, options, engine, seed);
  const TempDirectory directory;
  const auto disk = PowerCutDisk::Create(directory.path(), type, options);
  if (!disk) SKIP_TEST(("no power cuts on " + type + ": " + disk.error().message).c_str());
  Ordeal ordeal({directory.path(), (*disk)->mount_path() + "/data", engine, seed});
  REQUIRE(ordeal.StartAndVerify() == "");
  for (int cut = 0; cut < cuts; ++cut) {
    CAPTURE(cut);
    CutThePower(ordeal, **disk);
  }
  REQUIRE(ordeal.VerifyBackup() == "");
  REQUIRE(ordeal.node().Stop(std::chrono::seconds(60)) == 0);
  std::printf("%d power cuts on %s %s, %s: %llu points and %llu other calls acknowledged\n", cuts,
              type.c_str(), options.c_str(), engine.c_str(),
              static_cast<unsigned long long>(ordeal.acknowledged()),
              static_cast<unsigned long long>(ordeal.calls()));
}

TEST_CASE("what was acknowledged survives a power cut on ext4", "[torture][power]") {
  const std::string options =
      GENERATE("data=ordered", "data=writeback,commit=1000", "data=journal");
  CutAgainAndAgain("ext4", options, Rounds(9, 167));
}

TEST_CASE("what was acknowledged survives a power cut on xfs", "[torture][power]") {
  CutAgainAndAgain("xfs", "", Rounds(24, 500));
}

}  // namespace
}  // namespace ficus
