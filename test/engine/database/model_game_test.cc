// The node against a list of rows, on every way to the disk.
#include "test/engine/database/model_game.h"

#include <cstdio>

#include <catch2/catch.hpp>

#include "engine/io/disk_file_system.h"
#include "test/support/seed.h"
#include "test/support/skip.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

std::unique_ptr<FileSystem> OpenDisk(const TempDirectory& root, const std::string& name,
                                     IoEngine engine) {
  const auto disk = OpenDiskFileSystem(root.path(), {.engine = engine});
  REQUIRE(disk.has_value());
  REQUIRE((*disk)->CreateDirectory(name).has_value());
  auto fs = OpenDiskFileSystem(root.File(name), {.engine = engine});
  REQUIRE(fs.has_value());
  return *std::move(fs);
}

// A larger game by FICUS_TEST_ROUNDS: so many times the data.
void PlayOn(IoEngine engine) {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  const TempDirectory root;
  ModelGameOptions options;
  options.seed = seed;
  options.file_bytes_factor *= static_cast<size_t>(TestRounds(1));
  ModelGame game(options, OpenDisk(root, "data", engine), OpenDisk(root, "log", engine));
  game.Play();

  const ModelGame::Score& score = game.score();
  std::printf(
      "%zu rows written, %zu of them again, %.1f MiB of files over %.1f MiB of memory, %u merge "
      "generations, %zu "
      "segments of %zu lengths, %zu restarts, %zu kills, %zu schema changes, %zu pushed back, "
      "%zu questions, %zu rows answered\n",
      score.rows_written, score.rows_written_again,
      static_cast<double>(score.file_bytes) / (1 << 20),
      static_cast<double>(options.ledger_bytes) / (1 << 20), score.generations, score.segments,
      score.segment_nanos.size(), score.restarts, score.kills,
      score.measure_changes + score.sharding_changes + score.layout_changes,
      score.writes_pushed_back, score.questions, score.rows_answered);
  REQUIRE(score.file_bytes >= 4 * options.ledger_bytes);
  REQUIRE(score.rows_written_again > score.rows_written / 10);
  REQUIRE(score.generations >= 3);
  REQUIRE(score.segments >= 4);
  REQUIRE(score.segment_nanos.size() >= 2);
  REQUIRE(score.restarts >= 2);
  REQUIRE(score.kills >= 2);
  REQUIRE(score.measure_changes >= 2);
  REQUIRE(score.sharding_changes >= 1);
  REQUIRE(score.layout_changes >= 1);
  REQUIRE(score.rows_answered > score.rows_written / 2);
}

TEST_CASE("a node of threads answers what a list of rows answers", "[database][model]") {
  PlayOn(IoEngine::kThreads);
}

TEST_CASE("a node of rings answers what a list of rows answers", "[database][model]") {
  if (!UringRefusal().empty()) SKIP_TEST("io_uring cannot be used here");
  PlayOn(IoEngine::kUring);
}

}  // namespace
}  // namespace ficus
