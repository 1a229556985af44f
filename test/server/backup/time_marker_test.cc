#include "server/backup/time_marker.h"

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"
#include "engine/snapshot/snapshot_name.h"

namespace ficus {
namespace {

constexpr TimedirForm kForms[] = {TimedirForm::kReleased, TimedirForm::kSeed};

void WriteText(FileSystem& fs, std::string_view path, std::string_view text) {
  SeededRandom random(9);
  if (!ParentPath(path).empty()) REQUIRE(CreateDirectories(fs, ParentPath(path)).has_value());
  REQUIRE(PublishFile(fs, random, path, text, FileClass::kTool).has_value());
}

std::optional<std::string> Read(FileSystem& fs, std::string_view folder) {
  const auto marker = ReadTimeMarker(fs, folder);
  INFO((marker.has_value() ? "" : marker.error().ToString()));
  REQUIRE(marker.has_value());
  if (!marker->has_value()) return std::nullopt;
  return (*marker)->timedir;
}

}  // namespace

TEST_CASE("a marker that was written is read, in either form, for every catalog", "[timedir]") {
  for (const TimedirForm form : kForms) {
    for (const std::string_view folder : kSnapshotFolders) {
      CAPTURE(folder);
      const auto fs = MemoryFileSystem::Create();
      SeededRandom random(1);
      REQUIRE_FALSE(Read(*fs, folder).has_value());
      REQUIRE(WriteTimeMarker(*fs, random, form, folder, "2026-11-20").has_value());
      REQUIRE(Read(*fs, folder) == "2026-11-20");
      REQUIRE(fs->Status(TimeMarkerPath(form, folder)).has_value());
      REQUIRE(WriteTimeMarker(*fs, random, form, folder, "2026-11-20-09").has_value());
      REQUIRE(Read(*fs, folder) == "2026-11-20-09");
      REQUIRE(*RemoveTimeMarker(*fs, folder));
      REQUIRE_FALSE(Read(*fs, folder).has_value());
      REQUIRE_FALSE(*RemoveTimeMarker(*fs, folder));
    }
  }
  REQUIRE(TimeMarkerPath(TimedirForm::kReleased, "measure") == "measure/time-dir");
  REQUIRE(TimeMarkerPath(TimedirForm::kSeed, "measure") == "measure-time-dir");
}

TEST_CASE("a marker outlives a power cut once it is written, and stays gone once removed",
          "[timedir][crash]") {
  SeededRandom dice(3);
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  const auto after_crash = [&] {
    return Read(*fs->Crash(dice, MemoryFileSystem::NameOrder::kWeak), "measure");
  };
  for (const TimedirForm form : kForms) {
    REQUIRE(WriteTimeMarker(*fs, random, form, "measure", "2026-11-20").has_value());
    for (int i = 0; i < 20; ++i) REQUIRE(after_crash() == "2026-11-20");
  }
  REQUIRE(*RemoveTimeMarker(*fs, "measure"));
  for (int i = 0; i < 20; ++i) REQUIRE_FALSE(after_crash().has_value());
}

TEST_CASE("writing one form removes the other, so that they never disagree", "[timedir][crash]") {
  SeededRandom dice(4);
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  REQUIRE(WriteTimeMarker(*fs, random, TimedirForm::kSeed, "stream", "2026-11-19").has_value());
  fs->SetObserver([&](uint64_t, std::string_view) {
    for (int i = 0; i < 10; ++i) {
      const auto crashed = fs->Crash(dice, MemoryFileSystem::NameOrder::kWeak);
      const auto found = Read(*crashed, "stream");
      REQUIRE((!found.has_value() || *found == "2026-11-19" || *found == "2026-11-20"));
    }
  });
  REQUIRE(WriteTimeMarker(*fs, random, TimedirForm::kReleased, "stream", "2026-11-20").has_value());
  fs->SetObserver(nullptr);
  REQUIRE(Read(*fs, "stream") == "2026-11-20");
  REQUIRE_FALSE(fs->Status("stream-time-dir").has_value());
}

TEST_CASE("markers of both forms that disagree are reported, not chosen from", "[timedir]") {
  const auto fs = MemoryFileSystem::Create();
  WriteText(*fs, "measure/time-dir", "2026-11-20\n");
  WriteText(*fs, "measure-time-dir", " 2026-11-20 ");
  REQUIRE(Read(*fs, "measure") == "2026-11-20");
  WriteText(*fs, "measure-time-dir", "2026-11-19");
  const auto marker = ReadTimeMarker(*fs, "measure");
  REQUIRE_FALSE(marker.has_value());
  REQUIRE(marker.error().code == ErrorCode::kFailedPrecondition);
  REQUIRE(marker.error().message ==
          "markers disagree: measure/time-dir says 2026-11-20, measure-time-dir says 2026-11-19");
  REQUIRE(*RemoveTimeMarker(*fs, "measure"));
  REQUIRE_FALSE(Read(*fs, "measure").has_value());
}

TEST_CASE("a marker that names no time directory is refused", "[timedir]") {
  for (const char* text : {"", "\n", "latest", "../2026-11-20", "2026-11-20/x", "2026-13-40"}) {
    CAPTURE(text);
    const auto fs = MemoryFileSystem::Create();
    WriteText(*fs, "measure-time-dir", text);
    const auto marker = ReadTimeMarker(*fs, "measure");
    REQUIRE_FALSE(marker.has_value());
    REQUIRE(marker.error().code == ErrorCode::kFailedPrecondition);
  }
  const auto fs = MemoryFileSystem::Create();
  WriteText(*fs, "measure-time-dir", std::string(kTimeMarkerBytesMax + 1, ' '));
  REQUIRE_FALSE(ReadTimeMarker(*fs, "measure").has_value());
}

TEST_CASE("bad names are not written", "[timedir]") {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  for (const char* timedir : {"", "latest", "2026-11-20-25", "2026-11-20/..", "a\nb"}) {
    for (const TimedirForm form : kForms) {
      REQUIRE(WriteTimeMarker(*fs, random, form, "measure", timedir).error().code ==
              ErrorCode::kInvalidArgument);
    }
  }
  for (const char* folder : {"", "..", "measures", "measure/x", "wal"}) {
    REQUIRE(WriteTimeMarker(*fs, random, TimedirForm::kSeed, folder, "2026-11-20").error().code ==
            ErrorCode::kInvalidArgument);
    REQUIRE(ReadTimeMarker(*fs, folder).error().code == ErrorCode::kInvalidArgument);
    REQUIRE(RemoveTimeMarker(*fs, folder).error().code == ErrorCode::kInvalidArgument);
  }
  REQUIRE(fs->List("")->empty());
}

}  // namespace ficus
