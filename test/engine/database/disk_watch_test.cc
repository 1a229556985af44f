#include "engine/database/disk_watch.h"

#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/io/memory_file_system.h"

namespace ficus {
namespace {

constexpr uint64_t kMiB = 1 << 20;

struct Disk {
  std::unique_ptr<MemoryFileSystem> fs = MemoryFileSystem::Create({100 * kMiB, 1000});
  LogCapture log;
  DiskWatch watch{*fs, *fs, {.read_only_percent = 90, .ballast_bytes = 10 * kMiB}};

  // A file of `bytes`; the disk is that much fuller.
  Result<> Fill(const std::string& name, uint64_t bytes) {
    OpenOptions options;
    options.mode = OpenMode::kCreate;
    Result<std::unique_ptr<File>> file = fs->Open(name, options);
    if (!file.has_value()) return file.error();
    return (*file)->Allocate(0, bytes);
  }
};

TEST_CASE("a node with space takes writes and keeps a ballast", "[database][disk]") {
  Disk disk;
  disk.watch.Start();
  REQUIRE(!disk.watch.Reason().has_value());
  REQUIRE(disk.fs->Status("ballast")->size_bytes == 10 * kMiB);
}

TEST_CASE("two merges that take all their room leave the node below its mark", "[database][disk]") {
  Disk disk;
  disk.watch.Start();
  REQUIRE(disk.Fill("data", 40 * kMiB).has_value());
  const uint64_t room = disk.watch.MergeRoom();
  REQUIRE(room == 20 * kMiB);
  REQUIRE(disk.Fill("one", room).has_value());
  REQUIRE(disk.Fill("two", room).has_value());
  disk.watch.Check();
  REQUIRE(!disk.watch.Reason().has_value());
  REQUIRE(disk.watch.MergeRoom() == 0);
}

TEST_CASE("above the mark the node is read-only, and clearly below it no longer",
          "[database][disk]") {
  Disk disk;
  disk.watch.Start();
  REQUIRE(disk.Fill("data", 85 * kMiB).has_value());
  disk.watch.Check();
  REQUIRE(disk.watch.Reason().has_value());
  // The ballast is free for flushes and deletes.
  REQUIRE(!disk.fs->Status("ballast").has_value());

  // 88 % with the ballast back: below the mark, but not clearly.
  REQUIRE(disk.fs->Remove("data").has_value());
  REQUIRE(disk.Fill("data", 87 * kMiB).has_value());
  disk.watch.Check();
  REQUIRE(disk.watch.Reason().has_value());

  REQUIRE(disk.fs->Remove("data").has_value());
  disk.watch.Check();
  REQUIRE(!disk.watch.Reason().has_value());
  REQUIRE(disk.fs->Status("ballast").has_value());
  REQUIRE(disk.log.Count("disk.read_only") == 1);
  REQUIRE(disk.log.Count("disk.writable") == 1);
}

TEST_CASE("a write that found no space makes the node read-only until there is some",
          "[database][disk]") {
  Disk disk;
  disk.watch.Start();
  disk.watch.ReportNoSpace(Error{ErrorCode::kNoSpace, "allocate log file"});
  REQUIRE(disk.watch.Reason()->find("allocate log file") != std::string::npos);
  disk.watch.Check();
  REQUIRE(!disk.watch.Reason().has_value());
}

TEST_CASE("the freed ballast does not count as space to write into", "[database][disk]") {
  Disk disk;
  disk.watch.Start();
  REQUIRE(disk.Fill("data", 81 * kMiB).has_value());
  disk.watch.Check();
  REQUIRE(disk.watch.Reason().has_value());
  // 81 % without the ballast, 91 % with it: taking writes again would end at the next check.
  for (int i = 0; i < 5; ++i) disk.watch.Check();
  REQUIRE(disk.watch.Reason().has_value());
  REQUIRE(disk.log.Count("disk.read_only") == 1);
  REQUIRE(disk.log.Count("disk.writable") == 0);
}

TEST_CASE("inodes count like bytes", "[database][disk]") {
  Disk disk;
  disk.watch.Start();
  for (int i = 0; i < 950; ++i) REQUIRE(disk.Fill("f" + std::to_string(i), 1).has_value());
  disk.watch.Check();
  REQUIRE(disk.watch.Reason()->find("inodes") != std::string::npos);
}

}  // namespace
}  // namespace ficus
