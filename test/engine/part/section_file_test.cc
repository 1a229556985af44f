#include "engine/part/section_file.h"

#include <catch2/catch.hpp>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

struct Disk {
  std::unique_ptr<MemoryFileSystem> fs = MemoryFileSystem::Create();
  SeededRandom random{1};

  void Write(const std::vector<std::pair<SectionKind, std::string>>& sections,
             const std::string& json) {
    auto writer = SectionFileWriter::Create(kPartFile, *fs, random, "f", FileNumber(7), {});
    REQUIRE(writer.has_value());
    for (const auto& [kind, bytes] : sections) {
      (*writer)->Begin(kind);
      REQUIRE((*writer)->Append(bytes).has_value());
    }
    const auto published = (*writer)->Publish(json);
    REQUIRE(published.has_value());
    REQUIRE(published->file_bytes == Bytes().size());
  }
  std::string Bytes() { return ReadWholeFile(*fs, "f", 1 << 30, FileClass::kTool).value(); }
  std::unique_ptr<File> Open() { return fs->Open("f", {}).value(); }
};

// Changes a record of the directory and makes the footer's checksum right again.
std::string WithRecord(std::string file, size_t record, size_t field, uint32_t value) {
  const size_t trailer = file.size() - kSectionFileTrailerBytes;
  const auto directory = LoadLittle<uint32_t>(file.data() + trailer);
  const auto json = LoadLittle<uint32_t>(file.data() + trailer + 4);
  const size_t begin = trailer - directory - json;
  StoreLittle(file.data() + begin + record * kSectionRecordBytes + field, value);
  StoreLittle(file.data() + trailer + 28,
              Crc32c(std::string_view(file).substr(begin, directory + json + 28)));
  return file;
}

Result<SectionFooter> Parse(std::string_view file) {
  uint64_t missing = 0;
  return ParseFooter(kPartFile, file, file.size(), missing);
}

}  // namespace

TEST_CASE("a section file says where its sections are", "[part]") {
  Disk disk;
  disk.Write({{SectionKind::kData, "abc"}, {SectionKind::kMeta, ""}, {SectionKind::kPrimary, "de"}},
             "{}");
  const auto file = disk.Open();
  const auto footer = ReadFooter(kPartFile, *file);
  REQUIRE(footer.has_value());
  REQUIRE(footer->number == FileNumber(7));
  REQUIRE(footer->version == 1);
  REQUIRE(footer->json == "{}");
  REQUIRE(footer->sections.size() == 3);
  REQUIRE(footer->Find(SectionKind::kPrimary)->offset == 19);
  REQUIRE(footer->Find(SectionKind::kFilters) == nullptr);
  REQUIRE(*ReadSection(*file, *footer->Find(SectionKind::kData), 3) == "abc");
  REQUIRE(ReadSection(*file, *footer->Find(SectionKind::kData), 2).error().code ==
          ErrorCode::kResourceExhausted);
  REQUIRE(VerifySections(kPartFile, *file, *footer).has_value());
}

TEST_CASE("a footer longer than one read takes a second one", "[part]") {
  Disk disk;
  disk.Write({{SectionKind::kData, std::string(20'000, 'x')}},
             "{\"a\":\"" + std::string(10'000, 'y') + "\"}");
  const auto footer = ReadFooter(kPartFile, *disk.Open());
  REQUIRE(footer.has_value());
  REQUIRE(footer->json.size() > 10'000);
}

TEST_CASE("a section of unknown kind is refused unless it is optional", "[part]") {
  Disk disk;
  disk.Write({{SectionKind::kData, "abc"}, {SectionKind::kFilters, "de"}}, "{}");
  const std::string file = disk.Bytes();
  REQUIRE(Parse(file).error().code == ErrorCode::kUnsupportedVersion);
  const auto optional = Parse(WithRecord(file, 1, 4, 1));
  REQUIRE(optional.has_value());
  REQUIRE(optional->sections[1].optional);
  REQUIRE(Parse(WithRecord(WithRecord(file, 1, 4, 1), 1, 0, 4711)).has_value());
}

TEST_CASE("a directory that leaves bytes out or names them twice is refused", "[part][damage]") {
  Disk disk;
  disk.Write({{SectionKind::kData, "abc"}, {SectionKind::kPrimary, "de"}}, "{}");
  const std::string file = disk.Bytes();
  REQUIRE(Parse(file).has_value());
  for (const std::string& bad :
       {WithRecord(file, 0, 8, 17), WithRecord(file, 0, 16, 4), WithRecord(file, 1, 16, 1),
        WithRecord(file, 1, 16, 3), WithRecord(file, 1, 16, 0xffffffff), WithRecord(file, 0, 4, 2),
        WithRecord(file, 0, 28, 1), WithRecord(file, 0, 0, 2)}) {
    REQUIRE(Parse(bad).error().code == ErrorCode::kCorruption);
  }
}

TEST_CASE("a file of another kind is refused by its magic", "[part]") {
  Disk disk;
  disk.Write({{SectionKind::kData, "abc"}}, "{}");
  REQUIRE(ReadFooter(kIndexRunFile, *disk.Open()).error().code == ErrorCode::kCorruption);
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{55}}) {
    REQUIRE(Parse(std::string(bytes, '\0')).error().code == ErrorCode::kCorruption);
  }
}

TEST_CASE("verification looks at head, sections and footer", "[part][damage]") {
  Disk disk;
  disk.Write({{SectionKind::kData, "abc"}}, "{}");
  const auto footer = ReadFooter(kPartFile, *disk.Open());
  REQUIRE(footer.has_value());
  for (const uint64_t at : {uint64_t{0}, uint64_t{9}, uint64_t{17}, uint64_t{20}}) {
    CAPTURE(at);
    REQUIRE(disk.fs->FlipBits("f", at, 4).has_value());
    REQUIRE(VerifySections(kPartFile, *disk.Open(), *footer).error().code ==
            ErrorCode::kCorruption);
    REQUIRE(disk.fs->FlipBits("f", at, 4).has_value());
  }
  REQUIRE(VerifySections(kPartFile, *disk.Open(), *footer).has_value());
}

TEST_CASE("every section kind has a name", "[part]") {
  for (uint32_t kind = 1; kind <= 10; ++kind) {
    REQUIRE(SectionName(static_cast<SectionKind>(kind)) != "unknown");
  }
  REQUIRE(SectionName(static_cast<SectionKind>(99)) == "unknown");
}

}  // namespace ficus
