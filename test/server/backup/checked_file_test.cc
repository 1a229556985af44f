#include "server/backup/checked_file.h"

#include <string>

#include <catch2/catch.hpp>

#include "test/server/backup/job_harness.h"

namespace ficus {
namespace {

struct Scene {
  ManualClock clock{kMorning};
  SeededRandom random{1};
  std::unique_ptr<MemoryFileSystem> fs = MemoryFileSystem::Create();
  FakeNode node{clock, random};
  std::unique_ptr<HeldSnapshot> snapshot;

  explicit Scene(const std::string& path, size_t bytes) {
    node.SetFileSystem(*fs);
    std::string content(bytes, '\0');
    for (char& c : content) c = static_cast<char>(random.Next());
    node.AddFile("measure", path, content);
    auto taken = node.Take({}, {});
    REQUIRE(taken.has_value());
    snapshot = std::move(*taken);
  }

  const CatalogSnapshot& catalog() const { return snapshot->contents().catalogs[2]; }
  Result<std::unique_ptr<CheckedFile>> Open() {
    return CheckedFile::Open(*snapshot, catalog(), catalog().files[0], {});
  }
  std::string place() const { return FakeNode::Place("measure", catalog().files[0].path); }
};

}  // namespace

TEST_CASE("every flipped byte of a local file is found and named", "[backup][checked]") {
  const auto path = GENERATE(as<std::string>(), "g/1.part", "g/1.idx", "g/identity");
  Scene scene(path, 300);
  auto whole = scene.Open();
  REQUIRE(whole.has_value());
  REQUIRE((*whole)->sha256() == Sha256Of(scene.node.Contents()["measure/" + path]));
  whole->reset();
  for (uint64_t at = 0; at < scene.catalog().files[0].size_bytes; ++at) {
    CAPTURE(path, at);
    REQUIRE(scene.fs->FlipBits(scene.place(), at, 1).has_value());
    const auto damaged = scene.Open();
    REQUIRE(!damaged);
    const bool named = damaged.error().message.find("measure/" + path) == 0;
    REQUIRE(named);
    REQUIRE(scene.fs->FlipBits(scene.place(), at, 1).has_value());
  }
}

TEST_CASE("a file that is not the one of the snapshot is refused", "[backup][checked]") {
  Scene scene("g/1.part", 300);
  // Whole by itself, but another one.
  scene.node.AddFile("measure", "g/2.part", std::string(300, 'x'));
  REQUIRE(scene.fs->Rename(FakeNode::Place("measure", "g/2.part"), scene.place()).has_value());
  const auto other = scene.Open();
  REQUIRE(!other);
  REQUIRE(other.error().message.find("footer: not the one of the snapshot") != std::string::npos);
}

TEST_CASE("a checked file is read at any offset, and read again when it changes",
          "[backup][checked]") {
  Scene scene("g/1.part", 700000);
  auto file = scene.Open();
  REQUIRE(file.has_value());
  const std::string whole = scene.node.Contents()["measure/g/1.part"];
  uint64_t furthest = 0;
  (*file)->OnRead([&](uint64_t end) { furthest = std::max(furthest, end); });
  for (const uint64_t offset : {0, 1, 262143, 262144, 262145, 500000}) {
    std::string out(150000, '\0');
    REQUIRE((*file)->ReadAt(offset, out).has_value());
    REQUIRE(out == whole.substr(offset, out.size()));
  }
  REQUIRE(furthest == 650000);
  std::string beyond(10, '\0');
  REQUIRE((*file)->ReadAt(whole.size() - 9, beyond).error().code == ErrorCode::kIo);
  // The disk rots between hashing and sending.
  REQUIRE(scene.fs->FlipBits(scene.place(), 300000, 4).has_value());
  std::string out(10, '\0');
  REQUIRE((*file)->ReadAt(0, out).has_value());
  REQUIRE((*file)->ReadAt(300100, out).error().code == ErrorCode::kCorruption);
}

}  // namespace ficus
