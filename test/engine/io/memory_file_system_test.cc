#include "engine/io/memory_file_system.h"

#include <set>

#include <catch2/catch.hpp>

#include "engine/base/stop.h"
#include "engine/io/publish.h"
#include "test/engine/io/file_system_conformance.h"

namespace ficus {
namespace {

using Tear = MemoryFileSystem::Tear;
using NameOrder = MemoryFileSystem::NameOrder;

std::unique_ptr<File> Create(FileSystem& fs, std::string_view path,
                             FileClass file_class = FileClass::kFlush) {
  auto file = fs.Open(path, {.file_class = file_class, .mode = OpenMode::kCreate});
  REQUIRE(file.has_value());
  return *std::move(file);
}

// The contents of a file, or "none".
std::string Get(FileSystem& fs, std::string_view path) {
  const auto contents = ReadWholeFile(fs, path, 1 << 30, FileClass::kTool);
  return contents ? *contents : "none";
}

std::unique_ptr<MemoryFileSystem> CrashWithAll(const MemoryFileSystem& fs, bool keep,
                                               Tear tear = Tear::kWritten,
                                               NameOrder order = NameOrder::kWeak) {
  return fs.CrashKeeping(std::vector<bool>(fs.pending_count(), keep), tear, order);
}

// A file "f" that is durable with these contents.
std::unique_ptr<MemoryFileSystem> WithDurableFile(std::string_view contents) {
  auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  REQUIRE(PublishFile(*fs, random, "f", contents, FileClass::kFlush));
  REQUIRE(fs->pending_count() == 0);
  return fs;
}

}  // namespace

TEST_CASE("the memory file system keeps the contract", "[io]") {
  for (const ConformanceCase& conformance : ConformanceCases()) {
    DYNAMIC_SECTION(conformance.name) {
      const auto fs = MemoryFileSystem::Create();
      conformance.run(*fs);
    }
  }
}

TEST_CASE("a crash loses what was not synced and keeps what was", "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  const auto file = Create(*fs, "f");
  REQUIRE(file->WriteAt(0, "abc"));
  REQUIRE(Get(*CrashWithAll(*fs, false), "f") == "none");
  REQUIRE(file->Sync(SyncKind::kData));
  REQUIRE(Get(*CrashWithAll(*fs, false), "f") == "none");
  REQUIRE(Get(*CrashWithAll(*fs, true), "f") == "abc");
  REQUIRE(fs->SyncDirectory(""));
  REQUIRE(fs->pending_count() == 0);
  REQUIRE(Get(*CrashWithAll(*fs, false), "f") == "abc");
  REQUIRE(file->WriteAt(3, "def"));
  REQUIRE(Get(*CrashWithAll(*fs, false), "f") == "abc");
  REQUIRE(Get(*CrashWithAll(*fs, true), "f") == "abcdef");
  REQUIRE(Get(*fs, "f") == "abcdef");
}

TEST_CASE("a synced name without synced contents is an empty file", "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  const auto file = Create(*fs, "f");
  REQUIRE(file->WriteAt(0, "abc"));
  REQUIRE(fs->SyncDirectory(""));
  REQUIRE(Get(*CrashWithAll(*fs, false), "f").empty());
}

TEST_CASE("data is lost in pieces of the size that its class writes", "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  const auto log = Create(*fs, "log", FileClass::kLog);
  const auto part = Create(*fs, "part", FileClass::kFlush);
  REQUIRE(fs->SyncDirectory(""));
  REQUIRE(log->WriteAt(500, std::string(1100, 'x')));
  REQUIRE(fs->pending_count() == 4);  // 12, 512, 512 and 64 bytes
  REQUIRE(log->Sync(SyncKind::kData));
  REQUIRE(part->WriteAt(4000, std::string(5000, 'x')));
  REQUIRE(fs->pending_count() == 3);  // 96, 4096 and 808 bytes
}

TEST_CASE("a kept piece is found as the tear says", "[io][crash]") {
  const auto fs = WithDurableFile("0123");
  const auto file = fs->Open("f", {.mode = OpenMode::kReadWrite});
  REQUIRE((*file)->WriteAt(2, "abcd"));
  REQUIRE(fs->pending_count() == 1);
  const auto torn = [&fs](Tear tear) { return Get(*CrashWithAll(*fs, true, tear), "f"); };
  REQUIRE(torn(Tear::kWritten) == "01abcd");
  REQUIRE(torn(Tear::kOld) == "0123");
  REQUIRE(torn(Tear::kZeros) == std::string("01\0\0\0\0", 6));
  REQUIRE(torn(Tear::kSizeOnly) == std::string("0123\0\0", 6));
  const std::string garbage = torn(Tear::kGarbage);
  REQUIRE(garbage.size() == 6);
  REQUIRE(garbage.substr(0, 2) == "01");
  REQUIRE(garbage != "01abcd");
  REQUIRE(torn(Tear::kGarbage) == garbage);
}

TEST_CASE("pieces survive independently of each other", "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  const auto file = Create(*fs, "f", FileClass::kLog);
  REQUIRE(fs->SyncDirectory(""));
  REQUIRE(file->WriteAt(0, std::string(512, 'a') + std::string(512, 'b') + "c"));
  REQUIRE(fs->pending_count() == 3);
  const auto crashed = fs->CrashKeeping({false, false, true}, Tear::kWritten, NameOrder::kStrong);
  REQUIRE(Get(*crashed, "f") == std::string(1024, '\0') + "c");
}

TEST_CASE("a rename is atomic and waits for its directory", "[io][crash]") {
  const auto fs = WithDurableFile("old");
  SeededRandom random(2);
  {
    const auto file = Create(*fs, "t");
    REQUIRE(file->WriteAt(0, "new"));
    REQUIRE(file->Sync(SyncKind::kAll));
  }
  REQUIRE(fs->Rename("t", "f"));
  REQUIRE(fs->pending_count() == 2);
  REQUIRE(Get(*CrashWithAll(*fs, false), "f") == "old");
  const auto both = CrashWithAll(*fs, true);
  REQUIRE(Get(*both, "f") == "new");
  REQUIRE(Get(*both, "t") == "none");
  const auto created = fs->CrashKeeping({true, false}, Tear::kWritten, NameOrder::kStrong);
  REQUIRE(Get(*created, "f") == "old");
  REQUIRE(Get(*created, "t") == "new");
  REQUIRE(fs->SyncDirectory(""));
  REQUIRE(Get(*CrashWithAll(*fs, false), "f") == "new");
}

TEST_CASE("names persist in order under the strong model and in any subset under the weak",
          "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  Create(*fs, "a");
  Create(*fs, "b");
  const std::vector<bool> second_only{false, true};
  REQUIRE(fs->CrashKeeping(second_only, Tear::kWritten, NameOrder::kStrong) == nullptr);
  const auto crashed = fs->CrashKeeping(second_only, Tear::kWritten, NameOrder::kWeak);
  REQUIRE(Get(*crashed, "a") == "none");
  REQUIRE(Get(*crashed, "b").empty());
}

TEST_CASE("under the strong model a synced directory drags all earlier names along",
          "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  REQUIRE(CreateDirectories(*fs, "x"));
  REQUIRE(CreateDirectories(*fs, "y"));
  Create(*fs, "x/a");
  Create(*fs, "y/b");
  REQUIRE(fs->SyncDirectory("y"));
  REQUIRE(fs->pending_count() == 1);
  REQUIRE(CrashWithAll(*fs, false, Tear::kWritten, NameOrder::kStrong) == nullptr);
  const auto strong = CrashWithAll(*fs, true, Tear::kWritten, NameOrder::kStrong);
  REQUIRE(Get(*strong, "x/a").empty());
  const auto weak = CrashWithAll(*fs, false);
  REQUIRE(Get(*weak, "x/a") == "none");
  REQUIRE(Get(*weak, "y/b").empty());
}

TEST_CASE("a rename between directories needs both to be synced", "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  REQUIRE(CreateDirectories(*fs, "x"));
  REQUIRE(CreateDirectories(*fs, "y"));
  Create(*fs, "x/f");
  REQUIRE(fs->SyncDirectory("x"));
  REQUIRE(fs->Rename("x/f", "y/f"));

  SECTION("the old name alone: the rename has not happened") {
    REQUIRE(fs->SyncDirectory("x"));
    const auto crashed = CrashWithAll(*fs, false);
    REQUIRE(Get(*crashed, "x/f").empty());
    REQUIRE(Get(*crashed, "y/f") == "none");
  }
  SECTION("the new name alone: both names may be found") {
    REQUIRE(fs->SyncDirectory("y"));
    const auto crashed = CrashWithAll(*fs, false);
    REQUIRE(Get(*crashed, "x/f").empty());
    REQUIRE(Get(*crashed, "y/f").empty());
    REQUIRE(Get(*CrashWithAll(*fs, true), "x/f") == "none");
  }
  SECTION("both, in the order that loses nothing") {
    REQUIRE(fs->SyncDirectory("y"));
    REQUIRE(fs->SyncDirectory("x"));
    const auto crashed = CrashWithAll(*fs, false);
    REQUIRE(fs->pending_count() == 0);
    REQUIRE(Get(*crashed, "x/f") == "none");
    REQUIRE(Get(*crashed, "y/f").empty());
  }
  SECTION("a name that was given away again does not come back") {
    REQUIRE(fs->SyncDirectory("y"));
    REQUIRE(fs->Remove("y/f"));
    REQUIRE(fs->SyncDirectory("y"));
    REQUIRE(Get(*CrashWithAll(*fs, true), "y/f") == "none");
  }
}

TEST_CASE("a directory has one name in every crash state", "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  REQUIRE(CreateDirectories(*fs, "x"));
  REQUIRE(CreateDirectories(*fs, "y"));
  REQUIRE(fs->CreateDirectory("x/d"));
  REQUIRE(fs->Rename("x/d", "x/e"));
  REQUIRE(fs->Rename("x/e", "y/d"));
  if (GENERATE(false, true)) REQUIRE(fs->SyncDirectory("y"));
  const size_t count = fs->pending_count();
  for (unsigned subset = 0; subset < 1U << count; ++subset) {
    std::vector<bool> keep(count);
    for (size_t i = 0; i < count; ++i) keep[i] = (subset >> i & 1U) != 0;
    const auto crashed = fs->CrashKeeping(keep, Tear::kWritten, NameOrder::kWeak);
    int found = 0;
    for (const char* path : {"x/d", "x/e", "y/d"}) found += crashed->Status(path) ? 1 : 0;
    CAPTURE(subset);
    REQUIRE(found <= 1);
  }
}

TEST_CASE("what a crash leaves is settled, and a crash of it changes nothing", "[io][crash]") {
  const auto fs = WithDurableFile("old");
  Create(*fs, "g");
  const auto once = CrashWithAll(*fs, true);
  REQUIRE(once->pending_count() == 0);
  REQUIRE(once->List("").value() == CrashWithAll(*once, false)->List("").value());
  REQUIRE(once->Space()->free_inodes == fs->Space()->free_inodes);
}

TEST_CASE("random crashes are legal, repeatable and different", "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  for (const char* name : {"a", "b", "c", "d"}) {
    REQUIRE(Create(*fs, name)->WriteAt(0, "contents"));
  }
  const NameOrder order = GENERATE(NameOrder::kStrong, NameOrder::kWeak);
  std::set<std::string> states;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SeededRandom random(seed);
    SeededRandom same(seed);
    const auto crashed = fs->Crash(random, order);
    const auto again = fs->Crash(same, order);
    std::string state;
    for (const char* name : {"a", "b", "c", "d"}) {
      REQUIRE(Get(*crashed, name) == Get(*again, name));
      state += Get(*crashed, name) == "none" ? '-' : 'x';
    }
    states.insert(state);
  }
  REQUIRE(states.count("----") == 1);
  REQUIRE(states.count("xxxx") == 1);
  REQUIRE(states.count("-x--") == (order == NameOrder::kWeak ? 1 : 0));
}

TEST_CASE("a clone goes its own way and takes the pending effects along", "[io]") {
  const auto fs = WithDurableFile("old");
  REQUIRE(Create(*fs, "g")->WriteAt(0, "new"));
  const auto clone = fs->Clone();
  REQUIRE(clone->pending_count() == fs->pending_count());
  REQUIRE(clone->Remove("f"));
  {
    const auto file = clone->Open("g", {.mode = OpenMode::kReadWrite});
    REQUIRE((*file)->WriteAt(0, "NEW"));
  }
  REQUIRE(Get(*fs, "f") == "old");
  REQUIRE(Get(*fs, "g") == "new");
  REQUIRE(Get(*CrashWithAll(*clone, true), "g") == "NEW");
  REQUIRE(Get(*CrashWithAll(*fs, true), "g") == "new");
  REQUIRE(Get(*CrashWithAll(*clone, false), "f") == "old");
}

TEST_CASE("the observer sees each change before it happens", "[io]") {
  const auto fs = MemoryFileSystem::Create();
  std::string log;
  uint64_t next = 0;
  fs->SetObserver([&](uint64_t number, std::string_view effect) {
    REQUIRE(number == next++);
    log.append(effect).append("\n");
    REQUIRE(fs->pending_count() < 100);  // the observer may look
  });
  REQUIRE(fs->CreateDirectory("d"));
  const auto file = Create(*fs, "d/f");
  REQUIRE(file->Allocate(0, 100));
  REQUIRE(file->WriteAt(5, "abc"));
  REQUIRE(file->Truncate(8));
  REQUIRE(file->Sync(SyncKind::kData));
  REQUIRE(fs->Rename("d/f", "d/g"));
  REQUIRE(fs->Link("d/g", "h"));
  REQUIRE(fs->Remove("h"));
  REQUIRE(fs->SyncDirectory("d"));
  REQUIRE(fs->SyncDirectory(""));
  REQUIRE(fs->Remove("d/g"));
  REQUIRE(fs->RemoveDirectory("d"));
  REQUIRE(log ==
          "mkdir d\ncreate d/f\nallocate d/f 0+100\nwrite d/f 5+3\ntruncate d/f 8\nsync d/f\n"
          "rename d/f d/g\nlink d/g h\nremove h\nsyncdir d\nsyncdir /\nremove d/g\nrmdir d\n");
}

TEST_CASE("an observer that throws keeps the change from happening", "[io]") {
  const auto fs = MemoryFileSystem::Create();
  fs->SetObserver([](uint64_t, std::string_view) { throw ProcessStopped{"here"}; });
  REQUIRE_THROWS_AS(fs->CreateDirectory("d"), ProcessStopped);
  fs->SetObserver(nullptr);
  REQUIRE(fs->List("")->empty());
}

TEST_CASE("a full disk refuses, and takes writes again when there is space", "[io]") {
  const auto fs = MemoryFileSystem::Create({.total_bytes = 1000, .total_inodes = 3});
  const auto file = Create(*fs, "f");
  REQUIRE(file->Allocate(0, 600));
  REQUIRE(file->WriteAt(0, std::string(600, 'x')));
  const auto refused = file->WriteAt(600, std::string(401, 'x'));
  REQUIRE(refused.error() == Error{ErrorCode::kNoSpace, "write f: No space left on device"});
  REQUIRE(file->Allocate(600, 401).error().code == ErrorCode::kNoSpace);
  REQUIRE(*file->Size() == 600);
  REQUIRE(fs->Space()->free_bytes == 400);
  fs->SetLimits({.total_bytes = 2000, .total_inodes = 3});
  REQUIRE(file->WriteAt(600, std::string(401, 'x')));
  REQUIRE(fs->CreateDirectory("a"));
  REQUIRE(fs->CreateDirectory("b"));
  REQUIRE(fs->CreateDirectory("c").error().code == ErrorCode::kNoSpace);
  REQUIRE(fs->RemoveDirectory("a"));
  REQUIRE(fs->CreateDirectory("c"));
  REQUIRE(fs->Remove("f"));
  REQUIRE(fs->Space()->free_bytes == 999);  // the file is still open
}

TEST_CASE("space comes back with the last name and the last handle", "[io]") {
  const auto fs = MemoryFileSystem::Create({.total_bytes = 1000, .total_inodes = 10});
  auto file = Create(*fs, "f");
  REQUIRE(file->WriteAt(0, std::string(600, 'x')));
  REQUIRE(fs->Link("f", "g"));
  REQUIRE(fs->Remove("f"));
  REQUIRE(fs->Remove("g"));
  REQUIRE(fs->Space()->free_bytes == 400);
  file.reset();
  REQUIRE(fs->Space()->free_bytes == 1000);
  REQUIRE(fs->Space()->free_inodes == 10);
}

TEST_CASE("files that came and went leave nothing pending once their directory is synced",
          "[io][crash]") {
  const auto fs = MemoryFileSystem::Create();
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(Create(*fs, "f")->WriteAt(0, "abc"));
    REQUIRE(fs->Remove("f"));
    REQUIRE(fs->SyncDirectory(""));
    REQUIRE(fs->pending_count() == 0);
  }
}

TEST_CASE("flipped bits are seen before and after a crash", "[io]") {
  const auto fs = WithDurableFile("abc");
  REQUIRE(fs->FlipBits("f", 1, 0x20));
  REQUIRE(Get(*fs, "f") == "aBc");
  REQUIRE(Get(*CrashWithAll(*fs, false), "f") == "aBc");
  REQUIRE(!fs->FlipBits("f", 3, 1));
  REQUIRE(!fs->FlipBits("none", 0, 1));
}

TEST_CASE("a log file that was allocated and refuses a write stops the process", "[io][stop]") {
  const StopHandler handler([](std::string_view why) { throw ProcessStopped{std::string(why)}; });
  const auto fs = MemoryFileSystem::Create({.total_bytes = 1000, .total_inodes = 10});
  const auto log = Create(*fs, "log", FileClass::kLog);
  REQUIRE(log->WriteAt(0, std::string(1001, 'x')).error().code == ErrorCode::kNoSpace);
  REQUIRE(log->Allocate(0, 1001).error().code == ErrorCode::kNoSpace);
  REQUIRE(log->Allocate(0, 1000));
  REQUIRE_THROWS_AS(log->WriteAt(1, std::string(1000, 'x')), ProcessStopped);
  REQUIRE(*log->Size() == 1000);  // the stop left the file system usable
}

}  // namespace ficus
