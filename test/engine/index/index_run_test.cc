#include "engine/index/index_run.h"

#include <algorithm>
#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"
#include "engine/part/section_file.h"
#include "test/support/golden.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

struct Disk {
  std::unique_ptr<MemoryFileSystem> fs = MemoryFileSystem::Create();
  SeededRandom random{1};
  uint64_t last_number = 0;

  std::shared_ptr<const IndexRun> Open(const IndexRunInfo& info) {
    auto run = IndexRun::Open(*fs, IndexRunFileName(info.number), &info, FileClass::kRecovery);
    INFO((run.has_value() ? "" : run.error().ToString()));
    REQUIRE(run.has_value());
    return *run;
  }
  std::shared_ptr<const IndexRun> Write(const std::vector<SeriesEntry>& entries) {
    const auto info =
        WriteIndexRun(*fs, random, "", FileNumber(++last_number), entries, FileClass::kFlush);
    REQUIRE(info.has_value());
    REQUIRE(info->entries == entries.size());
    return Open(*info);
  }
  Result<MergedRun> Merge(const std::vector<std::shared_ptr<const IndexRun>>& runs,
                          const std::function<bool(SubjectId)>& is_live) {
    return MergeIndexRuns(*fs, random, "", FileNumber(++last_number), runs, is_live);
  }
  std::string ReadFile(const std::string& path) {
    return ReadWholeFile(*fs, path, 1 << 30, FileClass::kTool).value();
  }
};

bool Before(const SeriesEntry& a, const SeriesEntry& b) {
  return std::tie(a.subject, a.series) < std::tie(b.subject, b.series);
}

// Ascending, distinct. The same series has the same entity in every call.
std::vector<SeriesEntry> RandomEntries(SeededRandom& random, size_t count) {
  std::vector<SeriesEntry> entries;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t series = SeededRandom(random.Below(3000)).Next();
    const uint64_t subject = 10 + series % 3;
    entries.push_back({SubjectId(subject), SeriesId(series),
                       "subject" + std::to_string(subject) + "|" + std::to_string(series)});
  }
  std::sort(entries.begin(), entries.end(), Before);
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  return entries;
}

std::vector<SeriesEntry> AllOf(const IndexRun& run) {
  std::vector<SeriesEntry> entries;
  REQUIRE(run.ScanAll([&](const SeriesEntry& entry) {
               entries.push_back(entry);
               return Ok();
             })
              .has_value());
  return entries;
}

std::vector<SeriesEntry> SubjectOf(const IndexRun& run, uint64_t subject) {
  std::vector<SeriesEntry> entries;
  REQUIRE(run.ScanSubject(
                 SubjectId(subject),
                 [&](SeriesId series, std::string_view entity) {
                   entries.push_back({SubjectId(subject), series, std::string(entity)});
                   return true;
                 },
                 nullptr)
              .has_value());
  return entries;
}

const std::vector<SeriesEntry> kFew = {{SubjectId(1), SeriesId(5), "a|x"},
                                       {SubjectId(1), SeriesId(9), "a|y"},
                                       {SubjectId(2), SeriesId(3), "b|x"}};
bool AllLive(SubjectId) { return true; }

}  // namespace

TEST_CASE("the bytes of a small index run are the format", "[index][golden]") {
  Disk disk;
  const auto run = disk.Write(kFew);
  const std::string bytes = disk.ReadFile(run->path());
  CheckGolden("index/small.idx.hex", HexDump(std::as_bytes(std::span(bytes))));
}

TEST_CASE("an index run gives back its entries, whole, by subject and by series", "[index]") {
  const uint64_t seed = TestSeed(1);
  SeededRandom random(seed);
  for (const size_t count : {size_t{1}, size_t{10}, size_t{3000}, size_t{20'000}}) {
    CAPTURE(seed, count);
    Disk disk;
    const auto entries = RandomEntries(random, count);
    const auto run = disk.Write(entries);
    REQUIRE(run->Verify().has_value());
    REQUIRE((AllOf(*run) == entries));
    for (uint64_t subject = 9; subject <= 14; ++subject) {
      std::vector<SeriesEntry> expected;
      std::copy_if(entries.begin(), entries.end(), std::back_inserter(expected),
                   [&](const SeriesEntry& entry) { return entry.subject == SubjectId(subject); });
      REQUIRE((SubjectOf(*run, subject) == expected));

      std::vector<SeriesId> wanted;
      std::vector<SeriesEntry> present;
      for (const SeriesEntry& entry : expected) {
        if (random.Below(3) != 0) continue;
        wanted.push_back(entry.series);
        present.push_back(entry);
        if (random.Below(2) == 0) wanted.emplace_back(entry.series.value() + 1);
      }
      std::vector<SeriesEntry> found;
      REQUIRE(run->Lookup(
                     SubjectId(subject), wanted,
                     [&](SeriesId series, std::string_view entity) {
                       found.push_back({SubjectId(subject), series, std::string(entity)});
                       return true;
                     },
                     nullptr)
                  .has_value());
      REQUIRE((found == present));
    }
  }
}

TEST_CASE("a visit stops when it has seen enough", "[index]") {
  Disk disk;
  const auto run = disk.Write(kFew);
  int seen = 0;
  const auto once = [&](SeriesId, std::string_view) {
    ++seen;
    return false;
  };
  REQUIRE(run->ScanSubject(SubjectId(1), once, nullptr).has_value());
  REQUIRE(seen == 1);
  REQUIRE(run->Lookup(SubjectId(1), {SeriesId(5), SeriesId(9)}, once, nullptr).has_value());
  REQUIRE(seen == 2);
  const auto stopped = run->ScanAll([](const SeriesEntry&) -> Result<> {
    return Error{ErrorCode::kCancelled, "enough"};
  });
  REQUIRE(stopped.error().code == ErrorCode::kCancelled);
}

TEST_CASE("merged runs are the union, live subjects only", "[index]") {
  const uint64_t seed = TestSeed(2);
  SeededRandom random(seed);
  for (int round = 0; round < TestRounds(10); ++round) {
    CAPTURE(seed, round);
    Disk disk;
    std::vector<std::shared_ptr<const IndexRun>> runs;
    std::vector<SeriesEntry> all;
    for (uint64_t n = 1 + random.Below(5); n > 0; --n) {
      const auto entries = RandomEntries(random, 1 + random.Below(2000));
      runs.push_back(disk.Write(entries));
      all.insert(all.end(), entries.begin(), entries.end());
    }
    std::sort(all.begin(), all.end(), Before);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    std::erase_if(all, [](const SeriesEntry& entry) { return entry.subject == SubjectId(11); });
    const auto merged =
        disk.Merge(runs, [](SubjectId subject) { return subject != SubjectId(11); });
    REQUIRE(merged.has_value());
    REQUIRE(merged->written == !all.empty());
    if (all.empty()) continue;
    const auto run = disk.Open(merged->info);
    REQUIRE(run->Verify().has_value());
    REQUIRE((AllOf(*run) == all));
  }
}

TEST_CASE("a merge that keeps nothing writes nothing", "[index]") {
  Disk disk;
  const auto run = disk.Write(kFew);
  const auto merged = disk.Merge({run}, [](SubjectId) { return false; });
  REQUIRE(merged.has_value());
  REQUIRE(!merged->written);
  REQUIRE(disk.fs->List("")->size() == 1);
}

TEST_CASE("of one id with two entities the older one stays, and the log says so", "[index]") {
  Disk disk;
  auto other = kFew;
  other[1].entity = "a|z";
  const auto older = disk.Write(kFew);
  LogCapture log;
  const auto merged = disk.Merge({older, disk.Write(other), disk.Write(kFew)}, AllLive);
  REQUIRE(merged.has_value());
  REQUIRE(AllOf(*disk.Open(merged->info)) == kFew);
  REQUIRE(log.Count("series.collision") == 1);
}

TEST_CASE("no flipped byte of an index run goes unnoticed", "[index][damage]") {
  Disk disk;
  const auto good = disk.Write(kFew);
  const std::string bytes = disk.ReadFile(good->path());
  SeededRandom random(TestSeed(3));
  for (size_t at = 0; at < bytes.size(); ++at) {
    CAPTURE(at);
    std::string bad = bytes;
    bad[at] = static_cast<char>(bad[at] ^ (1 << random.Below(8)));
    REQUIRE(PublishFile(*disk.fs, disk.random, "bad", bad, FileClass::kTool).has_value());
    const auto run = IndexRun::Open(*disk.fs, "bad", nullptr, FileClass::kTool);
    if (!run.has_value()) {
      REQUIRE(run.error().code == ErrorCode::kCorruption);
      REQUIRE(run.error().message.find("bad") != std::string::npos);
      continue;
    }
    const auto verified = (*run)->Verify();
    REQUIRE(!verified.has_value());
    REQUIRE(verified.error().code == ErrorCode::kCorruption);
    REQUIRE(verified.error().message.find("index run bad: bytes [") != std::string::npos);
    std::vector<SeriesEntry> seen;
    const auto scanned = (*run)->ScanAll([&](const SeriesEntry& entry) {
      seen.push_back(entry);
      return Ok();
    });
    REQUIRE((!scanned.has_value() || seen == kFew));
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE(PublishFile(*disk.fs, disk.random, "bad", std::string_view(bytes).substr(0, size),
                        FileClass::kTool)
                .has_value());
    REQUIRE(!IndexRun::Open(*disk.fs, "bad", nullptr, FileClass::kTool).has_value());
  }
}

TEST_CASE("a part is not an index run, nor is another run the expected one", "[index]") {
  Disk disk;
  const auto run = disk.Write(kFew);
  IndexRunInfo expected = run->info();
  ++expected.entries;
  REQUIRE(IndexRun::Open(*disk.fs, run->path(), &expected, FileClass::kTool).error().code ==
          ErrorCode::kCorruption);
  const std::string other_name = IndexRunFileName(FileNumber(99));
  REQUIRE(
      PublishFile(*disk.fs, disk.random, other_name, disk.ReadFile(run->path()), FileClass::kTool)
          .has_value());
  REQUIRE(IndexRun::Open(*disk.fs, other_name, nullptr, FileClass::kTool).error().code ==
          ErrorCode::kCorruption);
  auto writer = SectionFileWriter::Create(kPartFile, *disk.fs, disk.random, "p", FileNumber(1), {});
  REQUIRE(writer.has_value());
  REQUIRE((*writer)->Publish("{}").has_value());
  REQUIRE(IndexRun::Open(*disk.fs, "p", nullptr, FileClass::kTool).error().code ==
          ErrorCode::kCorruption);
}

TEST_CASE("file names of index runs are parsed exactly", "[index]") {
  REQUIRE(IndexRunFileName(FileNumber(42)) == "000000000000002a.idx");
  FileNumber number;
  REQUIRE(ParseIndexRunFileName("000000000000002a.idx", number));
  REQUIRE(number == FileNumber(42));
  REQUIRE(!ParseIndexRunFileName("000000000000002a.part", number));
  REQUIRE(!ParseIndexRunFileName("000000000000002a.idx.tmp", number));
}

}  // namespace ficus
