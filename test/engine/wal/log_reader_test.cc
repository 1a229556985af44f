#include "engine/wal/log_reader.h"

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/bytes.h"
#include "engine/wal/group_encoder.h"
#include "test/engine/wal/log_world.h"

namespace ficus {
namespace {

using Batches = std::map<uint64_t, std::string>;

// The bytes whose change is tried: the head of each sector, where headers are, and a sample of the
// rest.
bool IsTried(uint64_t offset) { return offset % 4096 < 64 || offset % 61 == 0; }

// Three files of three groups, and a fourth with one; batches of two fragments among them.
void WriteLog(MemoryFileSystem& fs, bool close = true) {
  LogWorld world(fs);
  LogOptions options = LogWorld::SmallOptions();
  options.file_bytes = 40 << 10;
  world.OpenAndStart(options);
  for (int batch = 0; batch < 3; ++batch) {
    world.AppendAndRun("small " + std::to_string(batch));
    world.AppendAndRun(std::string(9000, 'x'));
    world.AppendAndRun(std::string(17000, 'y'));
  }
  world.AppendAndRun("last");
  if (close) world.Close();
}

Batches Read(LogReader& reader, uint64_t from = 0) {
  Batches batches;
  reader
      .Read(LogPosition(from),
            [&](const LogReader::Batch& batch) {
              batches[batch.position.value()] = batch.payload;
              return Ok();
            })
      .value();
  return batches;
}

Batches Written() {
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  return Read(*LogReader::Open(*fs, {}).value());
}

std::optional<LogDamage> DamageOf(FileSystem& fs) {
  return LogReader::Open(fs, {}).value()->report().damage;
}

void Overwrite(FileSystem& fs, std::string_view path, uint64_t offset, std::string_view bytes) {
  auto file = fs.Open(path, {.mode = OpenMode::kReadWrite}).value();
  file->WriteAt(offset, bytes).value();
}

void Copy(FileSystem& from, FileSystem& to, std::string_view path) {
  auto source = from.Open(path, {}).value();
  std::string bytes(source->Size().value(), '\0');
  source->ReadAt(0, bytes).value();
  auto target = to.Open(path, {.mode = OpenMode::kCreate}).value();
  target->WriteAt(0, bytes).value();
}

TEST_CASE("the report names files, positions and ends", "[wal][reader]") {
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  const auto before = Contents(*fs);
  auto reader = LogReader::Open(*fs, {}).value();
  const LogReport& report = reader->report();
  REQUIRE_FALSE(report.damage);
  REQUIRE_FALSE(report.torn_tail);
  REQUIRE(report.first == LogPosition(1));
  REQUIRE(report.last == LogPosition(10));
  REQUIRE(report.files.size() == 4);
  REQUIRE(report.files[1].name == "0000000000000002.log");
  REQUIRE(report.files[1].first == LogPosition(4));
  REQUIRE(report.files[1].last == LogPosition(6));
  REQUIRE(report.files[1].batches == 3);
  REQUIRE(report.files[1].bytes == 40 << 10);
  REQUIRE(Read(*reader).size() == 10);
  REQUIRE(Read(*reader, 10) == Batches{{10, "last"}});
  REQUIRE(Contents(*fs) == before);
}

TEST_CASE("a directory without log files has no log", "[wal][reader]") {
  auto fs = MemoryFileSystem::Create();
  REQUIRE(LogReader::Open(*fs, {}).error().code == ErrorCode::kNotFound);
  fs->Open("0000000000000001.log.0123456789abcdef.tmp", {.mode = OpenMode::kCreate}).value();
  fs->Open("notes.txt", {.mode = OpenMode::kCreate}).value();
  REQUIRE(LogReader::Open(*fs, {}).error().code == ErrorCode::kNotFound);
}

TEST_CASE("after a close every flipped byte is reported or changes nothing", "[wal][reader]") {
  const Batches written = Written();
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  int reported = 0;
  for (const std::string& name : LogFiles(*fs)) {
    const uint64_t bytes = fs->Status(name)->size_bytes;
    for (uint64_t offset = 0; offset < bytes; ++offset) {
      if (!IsTried(offset)) continue;
      CAPTURE(name, offset);
      fs->FlipBits(name, offset, 0x10).value();
      const auto reader = LogReader::Open(*fs, {}).value();
      const auto& damage = reader->report().damage;
      if (damage) {
        ++reported;
        REQUIRE(damage->file == name);
        REQUIRE(damage->begin <= offset);
        REQUIRE(offset < damage->end);
        // Nothing in front of the damage is lost, nothing wrong is read.
        for (const auto& [position, payload] : Read(*reader)) {
          REQUIRE(written.at(position) == payload);
        }
      } else {
        REQUIRE(Read(*reader) == written);
      }
      fs->FlipBits(name, offset, 0x10).value();
    }
  }
  // Of the bytes tried: those of payloads, fragment headers and file headers.
  REQUIRE(reported > (78'000 + 4 * 4096) / 61);
}

TEST_CASE("without a close only the last group can be taken for torn", "[wal][reader]") {
  const Batches written = Written();
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs, false);
  for (const std::string& name : LogFiles(*fs)) {
    const uint64_t bytes = fs->Status(name)->size_bytes;
    for (uint64_t offset = 0; offset < bytes; ++offset) {
      if (!IsTried(offset)) continue;
      CAPTURE(name, offset);
      fs->FlipBits(name, offset, 0x01).value();
      const auto reader = LogReader::Open(*fs, {}).value();
      if (!reader->report().damage && Read(*reader) != written) {
        REQUIRE(reader->report().torn_tail);
        REQUIRE(reader->report().last == LogPosition(9));
      }
      fs->FlipBits(name, offset, 0x01).value();
    }
  }
}

TEST_CASE("damage in front of durable batches is named and nothing is changed", "[wal][reader]") {
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  // The second group of the second file.
  fs->FlipBits("0000000000000002.log", 2 * 4096 + 100, 0x80).value();
  const auto before = Contents(*fs);
  LogWorld world(*fs);
  const Error error = world.TryOpen().error();
  REQUIRE(error.code == ErrorCode::kCorruption);
  REQUIRE(error.message ==
          "open log: log file 0000000000000002.log: bytes [4143, 20480): position 5 was durable");
  REQUIRE(Contents(*fs) == before);
}

TEST_CASE("a file of another log is named", "[wal][reader]") {
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  auto other = MemoryFileSystem::Create();
  {
    LogWorld world(*other, 99);
    world.OpenAndStart();
    for (int batch = 0; batch < 4; ++batch) world.AppendAndRun(std::string(3000, 'f'));
    world.Close();
  }
  fs->Remove("0000000000000002.log").value();
  Copy(*other, *fs, "0000000000000002.log");
  const auto damage = DamageOf(*fs);
  REQUIRE(damage);
  REQUIRE(damage->file == "0000000000000002.log");
  REQUIRE(damage->what.find("belongs to log") != std::string::npos);
  // Its batches are not read.
  REQUIRE(Read(*LogReader::Open(*fs, {}).value()).size() == 3);
}

TEST_CASE("a missing file in the middle is named, one at the front is trimmed", "[wal][reader]") {
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  fs->Remove("0000000000000001.log").value();
  REQUIRE_FALSE(DamageOf(*fs));
  fs->Remove("0000000000000003.log").value();
  const auto damage = DamageOf(*fs);
  REQUIRE(damage);
  REQUIRE(damage->file == "0000000000000003.log");
  REQUIRE(damage->what == "missing");
}

TEST_CASE("a renamed file, an older copy and a cut file are named", "[wal][reader]") {
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  SECTION("renamed") {
    fs->Rename("0000000000000004.log", "0000000000000003.log").value();
    REQUIRE(DamageOf(*fs)->file == "0000000000000003.log");
  }
  SECTION("an older copy, intact by itself") {
    auto file = fs->Open("0000000000000003.log", {.mode = OpenMode::kReadWrite}).value();
    file->WriteAt(3 * 4096, std::string((40 << 10) - 3 * 4096, '\0')).value();
    const auto damage = DamageOf(*fs);
    REQUIRE(damage->file == "0000000000000003.log");
    REQUIRE(damage->what == "position 8 was durable when 0000000000000004.log began");
  }
  SECTION("cut") {
    fs->Open("0000000000000003.log", {.mode = OpenMode::kReadWrite})
        .value()
        ->Truncate(20000)
        .value();
    REQUIRE(DamageOf(*fs)->file == "0000000000000003.log");
  }
  SECTION("emptied") {
    fs->Open("0000000000000003.log", {.mode = OpenMode::kReadWrite}).value()->Truncate(0).value();
    REQUIRE(DamageOf(*fs)->file == "0000000000000003.log");
  }
  SECTION("replaced by a twin that ends at the same position") {
    // The same log in another history: same id, number and positions, other batches.
    auto twin = MemoryFileSystem::Create();
    {
      LogWorld world(*twin);
      LogOptions options = LogWorld::SmallOptions();
      options.file_bytes = 40 << 10;
      world.OpenAndStart(options);
      for (int batch = 0; batch < 6; ++batch) world.AppendAndRun(std::string(9000, 'z'));
      world.Close();
    }
    fs->Remove("0000000000000001.log").value();
    Copy(*twin, *fs, "0000000000000001.log");
    const auto damage = DamageOf(*fs);
    REQUIRE(damage->file == "0000000000000002.log");
    REQUIRE(damage->what.find("continues another file") != std::string::npos);
  }
}

TEST_CASE("a file that another program wrote by the description is read", "[wal][reader]") {
  std::ifstream stream("test/fuzz/corpus/log_reader/intact_file", std::ios::binary);
  const std::string input{std::istreambuf_iterator<char>(stream), {}};
  auto fs = MemoryFileSystem::Create();
  fs->Open("0000000000000001.log", {.mode = OpenMode::kCreate}).value();
  Overwrite(*fs, "0000000000000001.log", 0, input.substr(1));
  auto reader = LogReader::Open(*fs, {}).value();
  REQUIRE(reader->report().id == LogId(77));
  REQUIRE(reader->report().scn == Scn(9));
  REQUIRE(Read(*reader) == Batches{{1, "hello"}});
}

TEST_CASE("a sector of another history of the same file is a hole", "[wal][reader]") {
  // Same id, number, place and position: only the chain tells them apart.
  auto fs = MemoryFileSystem::Create();
  auto twin = MemoryFileSystem::Create();
  for (MemoryFileSystem* each : {fs.get(), twin.get()}) {
    LogWorld world(*each);
    world.OpenAndStart();
    world.AppendAndRun(each == fs.get() ? "this" : "that");
    world.AppendAndRun("second");
    world.AppendAndRun("third");
  }
  const std::string name = "0000000000000001.log";
  Overwrite(*fs, name, 8192, Contents(*twin)[name].substr(8192, 4096));
  auto reader = LogReader::Open(*fs, {}).value();
  REQUIRE(reader->report().damage->what == "position 2 was durable");
  REQUIRE(Read(*reader) == Batches{{1, "this"}});
}

TEST_CASE("a fragment of an unknown type that must not be skipped is refused", "[wal][reader]") {
  auto fs = MemoryFileSystem::Create();
  WriteLog(*fs);
  std::string header(kLogHeaderBytes, '\0');
  fs->Open("0000000000000004.log", {}).value()->ReadAt(0, header).value();
  const LogId id = DecodeLogFileHeader(header).value().log;
  FragmentHeader fragment;
  fragment.type = static_cast<FragmentType>(9);
  fragment.previous = LogHeaderChain(header);
  std::string bytes(kFragmentHeaderBytes, '\0');
  EncodeFragmentHeader({id, 4, 4096}, fragment, bytes.data());
  Overwrite(*fs, "0000000000000004.log", 4096, bytes);
  REQUIRE(LogReader::Open(*fs, {}).error().code == ErrorCode::kUnsupportedVersion);
}

TEST_CASE("fragments of an unknown skippable type are passed over", "[wal][reader]") {
  auto fs = MemoryFileSystem::Create();
  LogFileHeader header;
  header.log = LogId(5);
  header.number = 1;
  header.first = LogPosition(1);
  const std::string encoded = EncodeLogFileHeader(header);
  FragmentHeader skippable;
  skippable.type = static_cast<FragmentType>(0x81);
  skippable.previous = LogHeaderChain(encoded);
  std::string bytes(4096, '\0');
  EncodeFragmentHeader({LogId(5), 1, 4096}, skippable, bytes.data());
  GroupEncoder encoder;
  encoder.Begin({{LogId(5), 1, 8192}, skippable.checksum, LogPosition(0)});
  encoder.Add(LogPosition(1), Scn(9), "kept");
  fs->Open("0000000000000001.log", {.mode = OpenMode::kCreate}).value();
  Overwrite(*fs, "0000000000000001.log", 0, encoded + bytes + std::string(encoder.Finish()));
  auto reader = LogReader::Open(*fs, {}).value();
  REQUIRE_FALSE(reader->report().damage);
  REQUIRE(Read(*reader) == Batches{{1, "kept"}});
}

}  // namespace
}  // namespace ficus
