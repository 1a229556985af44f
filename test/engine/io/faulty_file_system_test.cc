#include "engine/io/faulty_file_system.h"

#include <cerrno>
#include <functional>
#include <thread>

#include <catch2/catch.hpp>

#include "engine/base/stop.h"
#include "engine/io/file_writer.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"
#include "test/engine/io/file_system_conformance.h"

namespace ficus {
namespace {

using Tear = MemoryFileSystem::Tear;
using NameOrder = MemoryFileSystem::NameOrder;

struct Disk {
  std::unique_ptr<MemoryFileSystem> memory = MemoryFileSystem::Create();
  std::unique_ptr<FaultyFileSystem> faulty = FaultyFileSystem::Create(*memory);
};

std::unique_ptr<File> Create(FileSystem& fs, std::string_view path,
                             FileClass file_class = FileClass::kTool) {
  auto file = fs.Open(path, {.file_class = file_class, .mode = OpenMode::kCreate});
  REQUIRE(file.has_value());
  return *std::move(file);
}

std::string Get(FileSystem& fs, std::string_view path) {
  const auto contents = ReadWholeFile(fs, path, 1 << 30, FileClass::kTool);
  return contents ? *contents : "none";
}

std::string AfterCrash(const MemoryFileSystem& fs, std::string_view path, bool keep = false) {
  const auto crashed = fs.CrashKeeping(std::vector<bool>(fs.pending_count(), keep), Tear::kWritten,
                                       NameOrder::kWeak);
  return Get(*crashed, path);
}

template <typename T>
std::string TextOf(const Result<T>& result) {
  return result ? "" : result.error().message;
}

// What the process was stopped for while `run` ran; empty when it was not.
std::string StopOf(const std::function<void()>& run) {
  const StopHandler handler([](std::string_view why) { throw ProcessStopped{std::string(why)}; });
  try {
    run();
  } catch (const ProcessStopped& stopped) {
    return stopped.reason;
  }
  return "";
}

}  // namespace

TEST_CASE("a faulty file system without rules keeps the contract", "[io]") {
  for (const ConformanceCase& conformance : ConformanceCases()) {
    DYNAMIC_SECTION(conformance.name) {
      Disk disk;
      conformance.run(*disk.faulty);
      REQUIRE(disk.faulty->faults() == 0);
    }
  }
}

TEST_CASE("a faulty file system whose rules match nothing keeps the contract", "[io]") {
  for (const ConformanceCase& conformance : ConformanceCases()) {
    DYNAMIC_SECTION(conformance.name) {
      Disk disk;
      disk.faulty->AddRule({.path_contains = "no such name"});
      conformance.run(*disk.faulty);
      REQUIRE(disk.faulty->faults() == 0);
    }
  }
}

TEST_CASE("a rule acts on what it matches, when it is due, as often as it says", "[io]") {
  Disk disk;
  disk.faulty->AddRule({.op = IoOp::kWrite,
                        .file_class = FileClass::kFlush,
                        .path_contains = "part",
                        .skip = 1,
                        .times = 2,
                        .error_number = ENOSPC});
  const auto part = Create(*disk.faulty, "part", FileClass::kFlush);
  const auto merged = Create(*disk.faulty, "part2", FileClass::kMerge);
  const auto other = Create(*disk.faulty, "other", FileClass::kFlush);
  REQUIRE(part->WriteAt(0, "a"));
  REQUIRE(merged->WriteAt(0, "a"));
  REQUIRE(other->WriteAt(0, "a"));
  REQUIRE(TextOf(part->WriteAt(1, "b")) == "write part: No space left on device");
  REQUIRE(merged->WriteAt(1, "b"));
  REQUIRE(TextOf(part->WriteAt(1, "b")) == "write part: No space left on device");
  REQUIRE(part->WriteAt(1, "c"));
  REQUIRE(Get(*disk.memory, "part") == "ac");
  REQUIRE(disk.faulty->faults() == 2);
}

TEST_CASE("rules act in the order in which they were added", "[io]") {
  Disk disk;
  disk.faulty->AddRule({.op = IoOp::kOpen, .error_number = EMFILE});
  disk.faulty->AddRule({.times = UINT64_MAX, .error_number = EIO});
  REQUIRE(TextOf(disk.faulty->Open("f", {})) == "open f: Too many open files");
  REQUIRE(TextOf(disk.faulty->Open("f", {})) == "open f: Input/output error");
  disk.faulty->ClearRules();
  REQUIRE(TextOf(disk.faulty->Open("f", {})) == "open f: No such file or directory");
}

TEST_CASE("every operation can fail, and then changes nothing", "[io]") {
  Disk disk;
  FileSystem& fs = *disk.faulty;
  const auto file = Create(fs, "f");
  REQUIRE(file->WriteAt(0, "abc"));
  REQUIRE(fs.CreateDirectory("d"));
  disk.faulty->AddRule({.times = UINT64_MAX});
  std::string out(3, '\0');
  const FileClass tool = FileClass::kTool;
  REQUIRE(TextOf(fs.Open("g", {.mode = OpenMode::kCreate})) == "open g: Input/output error");
  REQUIRE(TextOf(file->ReadAt(0, out)) == "read f: Input/output error");
  REQUIRE(TextOf(file->WriteAt(0, "x")) == "write f: Input/output error");
  REQUIRE(TextOf(file->Sync(SyncKind::kAll)) == "fsync f: Input/output error");
  REQUIRE(TextOf(file->Allocate(0, 10)) == "allocate f: Input/output error");
  REQUIRE(TextOf(file->Truncate(0)) == "truncate f: Input/output error");
  REQUIRE(TextOf(file->Size()) == "look at f: Input/output error");
  REQUIRE(TextOf(fs.Rename("f", "g", tool)) == "rename f to g: Input/output error");
  REQUIRE(TextOf(fs.Link("f", "g")) == "link f to g: Input/output error");
  REQUIRE(TextOf(fs.Remove("f")) == "remove f: Input/output error");
  REQUIRE(TextOf(fs.CreateDirectory("e")) == "create directory e: Input/output error");
  REQUIRE(TextOf(fs.RemoveDirectory("d")) == "remove d: Input/output error");
  REQUIRE(TextOf(fs.SyncDirectory("", tool)) == "fsync directory /: Input/output error");
  REQUIRE(TextOf(fs.List("")) == "list /: Input/output error");
  REQUIRE(TextOf(fs.Status("f")) == "look at f: Input/output error");
  REQUIRE(TextOf(fs.Space()) == "look at /: Input/output error");
  REQUIRE(TextOf(fs.Lock("LOCK")) == "lock LOCK: Input/output error");
  REQUIRE(disk.faulty->faults() == 17);
  REQUIRE(Get(*disk.memory, "f") == "abc");
  REQUIRE(disk.memory->List("")->size() == 2);
}

TEST_CASE("after a failed sync the data stays uncertain for ever", "[io][crash]") {
  Disk disk;
  const auto file = Create(*disk.faulty, "f");
  REQUIRE(disk.faulty->SyncDirectory(""));
  REQUIRE(file->WriteAt(0, "abc"));
  disk.faulty->AddRule({.op = IoOp::kSync});
  REQUIRE(!file->Sync(SyncKind::kAll));
  REQUIRE(file->Sync(SyncKind::kAll));  // reports success, as kernels do
  REQUIRE(Get(*disk.faulty, "f") == "abc");
  REQUIRE(AfterCrash(*disk.memory, "f").empty());
  REQUIRE(AfterCrash(*disk.memory, "f", true) == "abc");
  REQUIRE(file->WriteAt(1, "XY"));
  REQUIRE(file->Sync(SyncKind::kAll));
  REQUIRE(AfterCrash(*disk.memory, "f") == std::string("\0XY", 3));
  REQUIRE(AfterCrash(*disk.memory, "f", true) == "aXY");
}

TEST_CASE("after a failed sync of a directory its names stay uncertain for ever", "[io][crash]") {
  Disk disk;
  Create(*disk.faulty, "f");
  disk.faulty->AddRule({.op = IoOp::kSyncDirectory});
  REQUIRE(!disk.faulty->SyncDirectory("", FileClass::kTool));
  REQUIRE(disk.faulty->SyncDirectory("", FileClass::kTool));
  REQUIRE(AfterCrash(*disk.memory, "f") == "none");
  REQUIRE(AfterCrash(*disk.memory, "f", true).empty());
}

TEST_CASE("a short transfer is completed, or ends where it failed", "[io]") {
  Disk disk;
  const auto file = Create(*disk.faulty, "f");
  disk.faulty->AddRule({.op = IoOp::kWrite, .error_number = 0, .short_transfer = true});
  disk.faulty->AddRule({.op = IoOp::kWrite, .error_number = ENOSPC, .short_transfer = true});
  disk.faulty->AddRule({.op = IoOp::kRead, .error_number = 0, .short_transfer = true});
  REQUIRE(file->WriteAt(0, "abcdef"));
  REQUIRE(Get(*disk.memory, "f") == "abcdef");
  REQUIRE(!file->WriteAt(0, "ABCDEF"));
  REQUIRE(Get(*disk.memory, "f") == "ABCdef");
  std::string out(6, '\0');
  REQUIRE(file->ReadAt(0, out));
  REQUIRE(out == "ABCdef");
  REQUIRE(disk.faulty->faults() == 3);
}

TEST_CASE("an interrupted operation is repeated, but not for ever", "[io]") {
  Disk disk;
  const auto file = Create(*disk.faulty, "f");
  disk.faulty->AddRule({.op = IoOp::kWrite, .times = 5, .error_number = EINTR});
  REQUIRE(file->WriteAt(0, "abc"));
  REQUIRE(disk.faulty->faults() == 5);
  disk.faulty->AddRule({.op = IoOp::kWrite, .times = UINT64_MAX, .error_number = EAGAIN});
  REQUIRE(file->WriteAt(0, "abc").error().code == ErrorCode::kResourceExhausted);
}

TEST_CASE("a stalled operation waits for its release", "[io]") {
  Disk disk;
  const auto file = Create(*disk.faulty, "f");
  disk.faulty->AddRule({.op = IoOp::kSync, .error_number = 0, .stall = true});
  std::atomic<bool> synced{false};
  std::thread thread([&] {
    WriteBatch batch;
    batch.Write(*file, 0, "abc");
    batch.Sync(*file, SyncKind::kAll);
    synced = disk.faulty->Write(batch).has_value();
  });
  while (disk.faulty->stalled() == 0) std::this_thread::yield();
  REQUIRE(!synced);
  REQUIRE(Get(*disk.memory, "f") == "abc");
  disk.faulty->Release();
  thread.join();
  REQUIRE(synced);
}

TEST_CASE("faults strike inside batches", "[io]") {
  Disk disk;
  const auto a = Create(*disk.faulty, "a");
  const auto b = Create(*disk.faulty, "b");
  WriteBatch writes;
  writes.Write(*a, 0, "1234");
  writes.Write(*b, 0, "5678");
  writes.Sync(*a, SyncKind::kData);
  writes.Sync(*b, SyncKind::kData);

  SECTION("a write: its file is not synced, the other one is") {
    disk.faulty->AddRule({.op = IoOp::kWrite, .path_contains = "a"});
    REQUIRE(TextOf(disk.faulty->Write(writes)) == "write a: Input/output error");
    REQUIRE(writes.syncs()[0].result.error().code == ErrorCode::kCancelled);
    REQUIRE(writes.ops()[1].result);
    REQUIRE(writes.syncs()[1].result);
  }
  SECTION("a sync") {
    disk.faulty->AddRule({.op = IoOp::kSync, .path_contains = "b"});
    REQUIRE(TextOf(disk.faulty->Write(writes)) == "fsync b: Input/output error");
    REQUIRE(writes.syncs()[0].result);
  }
  SECTION("a read") {
    REQUIRE(disk.faulty->Write(writes));
    disk.faulty->AddRule({.op = IoOp::kRead, .skip = 1});
    std::string first(4, '\0');
    std::string second(4, '\0');
    ReadBatch reads;
    reads.Add(*a, 0, first);
    reads.Add(*b, 0, second);
    REQUIRE(TextOf(disk.faulty->Read(reads)) == "read b: Input/output error");
    REQUIRE(first == "1234");
  }
}

TEST_CASE("a fault that loses durability stops the process, whoever asked", "[io][stop]") {
  const FileClass file_class =
      GENERATE(FileClass::kLog, FileClass::kFlush, FileClass::kMerge, FileClass::kManifest);
  const std::string suffix = " (" + std::string(FileClassName(file_class)) + ")";
  Disk disk;
  const auto file = Create(*disk.faulty, "f", file_class);
  REQUIRE(file->WriteAt(0, "abc"));
  SECTION("a sync") {
    disk.faulty->AddRule({.op = IoOp::kSync});
    REQUIRE(StopOf([&] { (void)file->Sync(SyncKind::kData); }) ==
            "fsync f: Input/output error" + suffix);
    // The stop left the pieces uncertain and no lock held.
    REQUIRE(file->Sync(SyncKind::kData));
    REQUIRE(AfterCrash(*disk.memory, "f") == "none");
  }
  SECTION("a sync that finds no space") {
    disk.faulty->AddRule({.op = IoOp::kSync, .error_number = ENOSPC});
    REQUIRE(StopOf([&] { (void)file->Sync(SyncKind::kData); }) ==
            "fsync f: No space left on device" + suffix);
  }
  SECTION("a sync in a batch") {
    disk.faulty->AddRule({.op = IoOp::kSync});
    WriteBatch batch;
    batch.Write(*file, 0, "abc");
    batch.Sync(*file, SyncKind::kData);
    REQUIRE(StopOf([&] { (void)disk.faulty->Write(batch); }) ==
            "fsync f: Input/output error" + suffix);
  }
  SECTION("a rename") {
    disk.faulty->AddRule({.op = IoOp::kRename});
    REQUIRE(StopOf([&] { (void)disk.faulty->Rename("f", "g", file_class); }) ==
            "rename f to g: Input/output error" + suffix);
  }
  SECTION("a sync of a directory") {
    disk.faulty->AddRule({.op = IoOp::kSyncDirectory});
    REQUIRE(StopOf([&] { (void)disk.faulty->SyncDirectory("", file_class); }) ==
            "fsync directory /: Input/output error" + suffix);
  }
  SECTION("a publication") {
    SeededRandom random(1);
    disk.faulty->AddRule({.op = IoOp::kSync});
    const std::string stop =
        StopOf([&] { (void)PublishFile(*disk.faulty, random, "p", "x", file_class); });
    REQUIRE(stop.starts_with("fsync p."));
  }
  REQUIRE(disk.faulty->faults() == 1);
}

TEST_CASE("a write that the log refuses stops the process unless its space was still to be had",
          "[io][stop]") {
  Disk disk;
  const auto log = Create(*disk.faulty, "log", FileClass::kLog);
  disk.faulty->AddRule({.op = IoOp::kWrite, .error_number = ENOSPC});
  REQUIRE(log->WriteAt(0, "abc").error().code == ErrorCode::kNoSpace);
  REQUIRE(log->Allocate(0, 100));
  disk.faulty->AddRule({.op = IoOp::kWrite, .error_number = ENOSPC});
  REQUIRE(!StopOf([&] { (void)log->WriteAt(0, "abc"); }).empty());
  disk.faulty->AddRule({.op = IoOp::kWrite, .error_number = EIO, .short_transfer = true});
  REQUIRE(!StopOf([&] { (void)log->WriteAt(0, "abc"); }).empty());
}

TEST_CASE("tools, backups and snapshots get the error and go on", "[io][stop]") {
  const FileClass file_class = GENERATE(FileClass::kTool, FileClass::kBackup, FileClass::kSnapshot);
  Disk disk;
  const auto file = Create(*disk.faulty, "f", file_class);
  disk.faulty->AddRule({.times = UINT64_MAX});
  REQUIRE(StopOf([&] {
            REQUIRE(!file->WriteAt(0, "abc"));
            REQUIRE(!file->Sync(SyncKind::kData));
            REQUIRE(!disk.faulty->Rename("f", "g", file_class));
            REQUIRE(!disk.faulty->SyncDirectory("", file_class));
          }).empty());
}

TEST_CASE("whichever operation of a publication fails, a file is old or new and none is left over",
          "[io]") {
  const int error_number = GENERATE(EIO, ENOSPC, EMFILE, EACCES);
  const bool writer = GENERATE(false, true);
  bool failed = true;
  for (uint64_t skip = 0; failed; ++skip) {
    CAPTURE(error_number, writer, skip);
    REQUIRE(skip < 50);
    Disk disk;
    SeededRandom random(1);
    REQUIRE(PublishFile(*disk.faulty, random, "f", "old", FileClass::kBackup));
    disk.faulty->AddRule({.skip = skip, .error_number = error_number});
    failed = false;
    if (writer) {
      auto file = FileWriter::Create(*disk.faulty, random, "f",
                                     {.file_class = FileClass::kBackup, .expected_bytes = 100});
      failed = !file || !(*file)->Append("new") || !(*file)->Publish();
    } else {
      failed = !PublishFile(*disk.faulty, random, "f", "new", FileClass::kBackup);
    }
    REQUIRE(disk.faulty->faults() == (failed ? 1 : 0));
    const std::string found = Get(*disk.memory, "f");
    REQUIRE((found == "new" || (failed && found == "old")));
    REQUIRE(disk.memory->List("")->size() == 1);
  }
}

TEST_CASE("a writer that a stop unwinds touches the disk no more", "[io][stop]") {
  Disk disk;
  SeededRandom random(1);
  const std::string stop = StopOf([&] {
    const auto writer =
        FileWriter::Create(*disk.faulty, random, "f", {.file_class = FileClass::kFlush});
    REQUIRE((*writer)->Append("abc"));
    disk.faulty->AddRule({.op = IoOp::kSync});
    disk.memory->SetObserver([](uint64_t, std::string_view effect) {
      if (!effect.starts_with("write")) throw ProcessStopped{"touched"};
    });
    (void)(*writer)->Publish();
  });
  disk.memory->SetObserver(nullptr);
  REQUIRE(stop.starts_with("fsync f."));
  REQUIRE(IsTemporaryName(disk.memory->List("")->front().name));
}

}  // namespace ficus
