#include "engine/table/manifest.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "engine/io/memory_file_system.h"

namespace ficus {
namespace {

Manifest Sample(uint64_t epoch) {
  Manifest manifest;
  manifest.epoch = Epoch(epoch);
  manifest.group = GroupId(11);
  manifest.log = LogId(12);
  manifest.flushed = LogPosition(13);
  manifest.scn = Scn(14);
  manifest.next_file = FileNumber(30);
  PartInfo part;
  part.number = FileNumber(20);
  part.file_bytes = 4096;
  part.checksum = 77;
  part.rows = 5;
  part.blocks = 1;
  part.series = 2;
  part.times = {100, 200};
  part.first_position = LogPosition(1);
  part.last_position = LogPosition(9);
  part.generation = 3;
  part.has_tombstones = true;
  manifest.parts = {part};
  manifest.runs = {{FileNumber(21), 512, 78, 2}};
  manifest.damaged = {{FileNumber(9), true, TimeRange::All(), "checksum mismatch"}};
  manifest.obsolete = {"0000000000000001.part"};
  return manifest;
}

struct Shard {
  std::unique_ptr<MemoryFileSystem> fs = MemoryFileSystem::Create();
  SeededRandom random{1};

  Shard() { REQUIRE(fs->CreateDirectory("shard").has_value()); }
  void Write(const Manifest& manifest) {
    REQUIRE(WriteManifest(*fs, random, "shard", manifest).has_value());
  }
  ManifestReading Read() {
    Result<ManifestReading> reading = ReadNewestManifest(*fs, "shard");
    REQUIRE(reading.has_value());
    return *reading;
  }
};

TEST_CASE("a manifest comes back as it was", "[table][manifest]") {
  const Manifest manifest = Sample(5);
  const Result<Manifest> decoded = DecodeManifest(EncodeManifest(manifest));
  REQUIRE(decoded.has_value());
  REQUIRE(*decoded == manifest);
}

TEST_CASE("every flipped bit and every cut of a manifest is found", "[table][manifest]") {
  const std::string bytes = EncodeManifest(Sample(5));
  for (size_t i = 0; i < bytes.size(); ++i) {
    CAPTURE(i);
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      const Result<Manifest> decoded = DecodeManifest(flipped);
      REQUIRE(!decoded.has_value());
      REQUIRE(decoded.error().code == ErrorCode::kCorruption);
    }
    REQUIRE(!DecodeManifest(bytes.substr(0, i)).has_value());
  }
}

TEST_CASE("the newest manifest wins and the older ones are told", "[table][manifest]") {
  Shard shard;
  shard.Write(Sample(5));
  shard.Write(Sample(7));
  const ManifestReading reading = shard.Read();
  REQUIRE(reading.found);
  REQUIRE(!reading.hole.has_value());
  REQUIRE(reading.manifest.epoch == Epoch(7));
  REQUIRE(reading.older == std::vector<Epoch>{Epoch(5)});
}

TEST_CASE("a damaged newest manifest is a hole, and the one before it is what is seen",
          "[table][manifest]") {
  Shard shard;
  shard.Write(Sample(5));
  shard.Write(Sample(7));
  REQUIRE(shard.fs->FlipBits("shard/" + ManifestFileName(Epoch(7)), 40, 1).has_value());
  const ManifestReading reading = shard.Read();
  REQUIRE(reading.found);
  REQUIRE(reading.manifest.epoch == Epoch(5));
  REQUIRE(reading.hole->message.find("0000000000000007.snp") != std::string::npos);
}

TEST_CASE("a manifest under the name of another epoch is a hole", "[table][manifest]") {
  Shard shard;
  shard.Write(Sample(5));
  REQUIRE(
      shard.fs->Rename("shard/" + ManifestFileName(Epoch(5)), "shard/" + ManifestFileName(Epoch(6)))
          .has_value());
  const ManifestReading reading = shard.Read();
  REQUIRE(!reading.found);
  REQUIRE(reading.hole.has_value());
}

TEST_CASE("file names that are no manifest's are not taken for one", "[table][manifest]") {
  Epoch epoch;
  REQUIRE(ParseManifestFileName("00000000000000ff.snp", epoch));
  REQUIRE(epoch == Epoch(255));
  for (const char* name : {"ff.snp", "00000000000000FF.snp", "00000000000000ff.part", ".snp",
                           "00000000000000ff.snp.tmp"}) {
    CAPTURE(name);
    REQUIRE(!ParseManifestFileName(name, epoch));
  }
}

}  // namespace
}  // namespace ficus
