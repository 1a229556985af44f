#include "server/backup/run_journal.h"

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/bytes.h"
#include "engine/base/random.h"
#include "engine/encoding/checksum.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

RunHistory Begin() {
  RunHistory history;
  history.run = "20261120T093000Z-0000000000000001";
  history.snapshot = "20261120093000-00000001";
  history.started_at = 12345;
  history.spec.name = "hourly";
  history.spec.remote = "local-disk";
  history.spec.time_style = TimeStyle::kHourly;
  history.spec.form = TimedirForm::kSeed;
  history.spec.groups = {"sw_metric", "sw_record*"};
  history.spec.catalogs = {"measure"};
  history.spec.verify = VerifyMode::kFull;
  history.spec.sample_percent = 12.5;
  history.spec.keep = {24, 7, 4, 6, 3};
  history.spec.allow_degraded = true;
  return history;
}

JournaledObject Object(uint64_t number) {
  JournaledObject done;
  done.route = number % 2 == 0 ? ObjectRoute::kSent : ObjectRoute::kCopied;
  done.object.folder = "measure";
  done.object.path = "sw_metric/" + std::to_string(number) + ".part";
  done.object.key = "2026-11-20/measure/" + done.object.path;
  done.object.size_bytes = number * 1000;
  done.object.sha256[3] = static_cast<uint8_t>(number);
  done.object.group = GroupId(17);
  done.object.checksum = 99;
  done.object.is_section_file = true;
  return done;
}

void WriteAll(FileSystem& fs) {
  auto journal = RunJournal::Create(fs, Begin());
  REQUIRE(journal.has_value());
  REQUIRE((*journal)->AddAim({"2026-11-20", 3, 2}).has_value());
  REQUIRE((*journal)->AddIntents({"a", "b"}).has_value());
  REQUIRE((*journal)->AddDone(Object(1)).has_value());
  REQUIRE((*journal)->AddDone(Object(2)).has_value());
  REQUIRE((*journal)->AddCommitted(3).has_value());
  REQUIRE((*journal)->AddCancelled().has_value());
}

std::string Bytes(FileSystem& fs) {
  auto bytes = ReadWholeFile(fs, JournalPath(Begin().run), 1 << 20, FileClass::kTool);
  REQUIRE(bytes.has_value());
  return *bytes;
}

}  // namespace

TEST_CASE("a journal says everything that was written into it", "[backup][journal]") {
  auto fs = MemoryFileSystem::Create();
  WriteAll(*fs);
  RunHistory read;
  REQUIRE(RunJournal::Reopen(*fs, Begin().run, read).has_value());
  const RunHistory wrote = Begin();
  REQUIRE(read.run == wrote.run);
  REQUIRE(read.snapshot == wrote.snapshot);
  REQUIRE(read.started_at == wrote.started_at);
  REQUIRE(read.spec.name == wrote.spec.name);
  REQUIRE(read.spec.remote == wrote.spec.remote);
  REQUIRE(read.spec.time_style == wrote.spec.time_style);
  REQUIRE(read.spec.form == wrote.spec.form);
  REQUIRE(read.spec.groups == wrote.spec.groups);
  REQUIRE(read.spec.catalogs == wrote.spec.catalogs);
  REQUIRE(read.spec.verify == wrote.spec.verify);
  REQUIRE(read.spec.sample_percent == wrote.spec.sample_percent);
  REQUIRE(read.spec.keep == wrote.spec.keep);
  REQUIRE(read.spec.allow_degraded);
  REQUIRE(read.aims == std::vector<RunAim>{{"2026-11-20", 3, 2}});
  REQUIRE(read.intents == std::vector<std::string>{"a", "b"});
  REQUIRE(read.done == std::vector<JournaledObject>{Object(1), Object(2)});
  REQUIRE(read.committed_generation == 3);
  REQUIRE(read.cancelled);
  REQUIRE(*ListJournals(*fs) == std::vector<std::string>{wrote.run});
  REQUIRE(RunJournal::Remove(*fs, wrote.run).has_value());
  REQUIRE(ListJournals(*fs)->empty());
}

TEST_CASE("a journal torn at any byte says what stood before the tear", "[backup][journal]") {
  auto fs = MemoryFileSystem::Create();
  WriteAll(*fs);
  const std::string bytes = Bytes(*fs);
  size_t before = 0;
  for (size_t length = 0; length <= bytes.size(); ++length) {
    CAPTURE(length);
    uint64_t readable = 0;
    const auto history = DecodeJournal(std::string_view(bytes).substr(0, length), readable);
    if (!history) {
      REQUIRE(history.error().code == ErrorCode::kNotFound);
      REQUIRE(before == 0);
      continue;
    }
    REQUIRE(readable <= length);
    REQUIRE(readable >= before);
    before = readable;
  }
  REQUIRE(before == bytes.size());
}

TEST_CASE("no flipped bit of a journal is taken for something that was written",
          "[backup][journal]") {
  auto fs = MemoryFileSystem::Create();
  WriteAll(*fs);
  const std::string bytes = Bytes(*fs);
  for (size_t at = 0; at < bytes.size(); ++at) {
    CAPTURE(at);
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    uint64_t readable = 0;
    const auto history = DecodeJournal(flipped, readable);
    REQUIRE(readable <= at);
    REQUIRE((!history || !history->cancelled));
  }
}

// `payload` as a record at `offset`, with the right checksum.
std::string Record(std::string_view payload, uint64_t offset) {
  std::string record;
  PutLittle(record, static_cast<uint32_t>(payload.size()));
  PutLittle(record, PlacedCrc32c(payload, 0, offset));
  record += payload;
  return record;
}

TEST_CASE("a whole record that is not known is reported, not cut off", "[backup][journal]") {
  auto fs = MemoryFileSystem::Create();
  WriteAll(*fs);
  const std::string bytes = Bytes(*fs);
  const std::string head = bytes.substr(0, 16);
  std::string name;
  PutLengthPrefixed(name, Begin().run);
  const std::string cut_off_begin = '\x01' + name;
  const std::vector<std::string> journals = {
      bytes + Record("\x63of a newer version", bytes.size()),
      bytes + Record("", bytes.size()),
      bytes + Record("\x06 and more", bytes.size()),
      head + Record(cut_off_begin, head.size()),
  };
  for (const std::string& journal : journals) {
    uint64_t readable = 0;
    const auto history = DecodeJournal(journal, readable);
    REQUIRE_FALSE(history.has_value());
    REQUIRE(history.error().code == ErrorCode::kUnsupportedVersion);
  }
  auto file = fs->Open(JournalPath(Begin().run),
                       {.file_class = FileClass::kTool, .mode = OpenMode::kReadWrite});
  REQUIRE((*file)->WriteAt(0, journals.front()).has_value());
  RunHistory history;
  REQUIRE_FALSE(RunJournal::Reopen(*fs, Begin().run, history).has_value());
  REQUIRE(Bytes(*fs) == journals.front());
}

TEST_CASE("a journal goes on behind a torn tail", "[backup][journal]") {
  auto fs = MemoryFileSystem::Create();
  {
    auto journal = RunJournal::Create(*fs, Begin());
    REQUIRE((*journal)->AddDone(Object(1)).has_value());
  }
  const std::string path = JournalPath(Begin().run);
  {
    auto file = fs->Open(path, {.file_class = FileClass::kBackup, .mode = OpenMode::kReadWrite});
    const uint64_t size = *(*file)->Size();
    REQUIRE((*file)->WriteAt(size, std::string("\x50\0\0\0torn", 8)).has_value());
  }
  RunHistory history;
  {
    auto journal = RunJournal::Reopen(*fs, Begin().run, history);
    REQUIRE(journal.has_value());
    REQUIRE(history.done.size() == 1);
    REQUIRE((*journal)->AddDone(Object(2)).has_value());
  }
  REQUIRE(RunJournal::Reopen(*fs, Begin().run, history).has_value());
  REQUIRE(history.done == std::vector<JournaledObject>{Object(1), Object(2)});
}

TEST_CASE("what a journal has answered survives a power cut", "[backup][journal]") {
  auto fs = MemoryFileSystem::Create();
  auto journal = RunJournal::Create(*fs, Begin());
  for (uint64_t i = 1; i <= 20; ++i) {
    REQUIRE((*journal)->AddDone(Object(i)).has_value());
    SeededRandom dice(i);
    auto after = fs->Crash(dice, MemoryFileSystem::NameOrder::kWeak);
    RunHistory history;
    REQUIRE(RunJournal::Reopen(*after, Begin().run, history).has_value());
    REQUIRE(history.done.size() == i);
  }
}

TEST_CASE("many keys are spread over records", "[backup][journal]") {
  auto fs = MemoryFileSystem::Create();
  std::vector<std::string> keys;
  for (int i = 0; i < 30000; ++i) keys.push_back("2026-11-20/measure/g/" + std::to_string(i));
  {
    auto journal = RunJournal::Create(*fs, Begin());
    REQUIRE((*journal)->AddIntents(keys).has_value());
  }
  RunHistory history;
  REQUIRE(RunJournal::Reopen(*fs, Begin().run, history).has_value());
  REQUIRE(history.intents == keys);
}

}  // namespace ficus
