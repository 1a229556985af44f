#include "test/engine/io/file_system_conformance.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "engine/io/aligned_buffer.h"
#include "engine/io/file_writer.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

std::unique_ptr<File> Open(FileSystem& fs, std::string_view path, OpenMode mode,
                           FileClass file_class = FileClass::kTool) {
  auto file = fs.Open(path, {.file_class = file_class, .mode = mode});
  INFO("open " << path);
  REQUIRE(file.has_value());
  return *std::move(file);
}

void Put(FileSystem& fs, std::string_view path, std::string_view contents) {
  const auto file = Open(fs, path, OpenMode::kCreate);
  REQUIRE(file->WriteAt(0, contents));
}

std::string Get(FileSystem& fs, std::string_view path) {
  auto contents = ReadWholeFile(fs, path, 1 << 30, FileClass::kTool);
  INFO("read " << path);
  REQUIRE(contents.has_value());
  return *std::move(contents);
}

template <typename T>
ErrorCode CodeOf(const Result<T>& result) {
  REQUIRE(!result.has_value());
  return result.error().code;
}

template <typename T>
std::string TextOf(const Result<T>& result) {
  REQUIRE(!result.has_value());
  return result.error().message;
}

ErrorCode OpenCode(FileSystem& fs, std::string_view path, OpenMode mode) {
  return CodeOf(fs.Open(path, {.mode = mode}));
}

std::vector<std::string> Names(FileSystem& fs, std::string_view path) {
  const auto entries = fs.List(path);
  REQUIRE(entries.has_value());
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : *entries) {
    names.push_back(entry.name + (entry.is_directory ? "/" : ""));
  }
  return names;
}

using Strings = std::vector<std::string>;

std::string Pattern(size_t size, unsigned salt = 1) {
  std::string bytes(size, '\0');
  uint32_t state = salt * 2654435761U + 1;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return bytes;
}

// ----- files -----

void WhatIsWrittenIsRead(FileSystem& fs) {
  const std::string bytes = Pattern(100'000);
  const auto file = Open(fs, "f", OpenMode::kCreate);
  REQUIRE(file->WriteAt(0, bytes));
  REQUIRE(file->Sync(SyncKind::kData));
  std::string part(50'001, '\0');
  REQUIRE(file->ReadAt(777, part));
  REQUIRE(part == bytes.substr(777, part.size()));
  REQUIRE(*file->Size() == bytes.size());
  REQUIRE(Get(fs, "f") == bytes);
  REQUIRE(file->path() == "f");
}

void AGapReadsAsZeros(FileSystem& fs) {
  const auto file = Open(fs, "f", OpenMode::kCreate);
  REQUIRE(file->WriteAt(10'000, "x"));
  REQUIRE(Get(fs, "f") == std::string(10'000, '\0') + "x");
}

void OverwritingKeepsTheRest(FileSystem& fs) {
  Put(fs, "f", "0123456789");
  const auto file = Open(fs, "f", OpenMode::kReadWrite);
  REQUIRE(file->WriteAt(3, "abc"));
  REQUIRE(Get(fs, "f") == "012abc6789");
}

void ReadingBeyondTheEndSaysWhereItIs(FileSystem& fs) {
  Put(fs, "f", "12345");
  const auto file = Open(fs, "f", OpenMode::kRead);
  std::string out(6, '\0');
  REQUIRE(CodeOf(file->ReadAt(0, out)) == ErrorCode::kIo);
  REQUIRE(TextOf(file->ReadAt(0, out)) == "read f: end of file at 5");
  REQUIRE(TextOf(file->ReadAt(100, out)) == "read f: end of file at 5");
  REQUIRE(file->ReadAt(100, std::span<char>()));
}

void TruncatingCutsAndGrowsWithZeros(FileSystem& fs) {
  const auto file = Open(fs, "f", OpenMode::kCreate);
  REQUIRE(file->WriteAt(0, Pattern(9000)));
  REQUIRE(file->Truncate(5));
  REQUIRE(file->Truncate(8000));
  REQUIRE(Get(fs, "f") == Pattern(9000).substr(0, 5) + std::string(7995, '\0'));
}

void AllocatingGrowsWithZerosAndKeepsContents(FileSystem& fs) {
  const auto file = Open(fs, "f", OpenMode::kCreate);
  REQUIRE(file->WriteAt(0, "abc"));
  REQUIRE(file->Allocate(0, 5000));
  REQUIRE(*file->Size() == 5000);
  REQUIRE(file->Allocate(0, 10));
  REQUIRE(file->Allocate(7, 0));
  REQUIRE(*file->Size() == 5000);
  REQUIRE(Get(fs, "f") == "abc" + std::string(4997, '\0'));
}

void AFileOpenedForReadingIsNotChanged(FileSystem& fs) {
  Put(fs, "f", "abc");
  const auto file = Open(fs, "f", OpenMode::kRead);
  REQUIRE(CodeOf(file->WriteAt(0, "x")) == ErrorCode::kIo);
  REQUIRE(TextOf(file->WriteAt(0, "x")) == "write f: Bad file descriptor");
  REQUIRE(TextOf(file->Truncate(0)) == "truncate f: Invalid argument");
  REQUIRE(TextOf(file->Allocate(0, 10)) == "allocate f: Bad file descriptor");
  REQUIRE(Get(fs, "f") == "abc");
}

void OffsetsBeyondTheRangeAreRefused(FileSystem& fs) {
  const auto file = Open(fs, "f", OpenMode::kCreate);
  REQUIRE(file->WriteAt(0, "abc"));
  std::string out(1, '\0');
  REQUIRE(TextOf(file->ReadAt(UINT64_MAX, out)) == "read f: Invalid argument");
  REQUIRE(TextOf(file->WriteAt(UINT64_MAX, "x")) == "write f: Invalid argument");
  REQUIRE(TextOf(file->WriteAt(UINT64_MAX - 1, "xyz")) == "write f: Invalid argument");
  REQUIRE(CodeOf(file->Allocate(UINT64_MAX - 1, 100)) == ErrorCode::kNoSpace);
  REQUIRE(!file->Truncate(UINT64_MAX));
  REQUIRE(Get(fs, "f") == "abc");
}

void CreatingTakesAFreeName(FileSystem& fs) {
  Put(fs, "f", "abc");
  REQUIRE(fs.CreateDirectory("d"));
  REQUIRE(OpenCode(fs, "f", OpenMode::kCreate) == ErrorCode::kAlreadyExists);
  REQUIRE(OpenCode(fs, "d", OpenMode::kCreate) == ErrorCode::kAlreadyExists);
  REQUIRE(OpenCode(fs, "none/f", OpenMode::kCreate) == ErrorCode::kNotFound);
  REQUIRE(OpenCode(fs, "none", OpenMode::kRead) == ErrorCode::kNotFound);
  REQUIRE(OpenCode(fs, "f/x", OpenMode::kRead) == ErrorCode::kIo);
  REQUIRE(Get(fs, "f") == "abc");
}

void ADirectoryIsNotAFile(FileSystem& fs) {
  REQUIRE(fs.CreateDirectory("d"));
  REQUIRE(TextOf(fs.Open("d", {})) == "open d: Is a directory");
  REQUIRE(TextOf(fs.Open("d", {.mode = OpenMode::kReadWrite})) == "open d: Is a directory");
}

void AnOpenFileOutlivesItsName(FileSystem& fs) {
  const auto file = Open(fs, "f", OpenMode::kCreate);
  REQUIRE(file->WriteAt(0, "abc"));
  REQUIRE(fs.Remove("f"));
  REQUIRE(file->WriteAt(3, "def"));
  REQUIRE(file->Sync(SyncKind::kAll));
  std::string out(6, '\0');
  REQUIRE(file->ReadAt(0, out));
  REQUIRE(out == "abcdef");
  REQUIRE(Names(fs, "").empty());
}

void DirectFilesWantAlignment(FileSystem& fs) {
  const auto opened = fs.Open("f", {.mode = OpenMode::kCreate, .direct = true});
  REQUIRE(opened.has_value());
  File& file = **opened;
  AlignedBuffer buffer(8192);
  std::fill(buffer.data(), buffer.data() + 8192, 'x');
  REQUIRE(file.WriteAt(0, {buffer.data(), 8192}));
  AlignedBuffer back(4096);
  REQUIRE(file.ReadAt(4096, back.span()));
  REQUIRE(std::string(back.data(), 4096) == std::string(4096, 'x'));
  if (!file.direct()) return;  // the file system beneath refused it
  REQUIRE(TextOf(file.WriteAt(1, {buffer.data(), 4096})) == "write f: Invalid argument");
  REQUIRE(TextOf(file.WriteAt(0, {buffer.data() + 1, 4096})) == "write f: Invalid argument");
  REQUIRE(TextOf(file.ReadAt(0, buffer.span().subspan(0, 100))) == "read f: Invalid argument");
}

void DroppingTheCacheChangesNothing(FileSystem& fs) {
  const auto file = Open(fs, "f", OpenMode::kCreate);
  REQUIRE(file->WriteAt(0, Pattern(20'000)));
  REQUIRE(file->Sync(SyncKind::kAll));
  REQUIRE(file->DropCache());
  REQUIRE(Get(fs, "f") == Pattern(20'000));
}

void AClassIsRemembered(FileSystem& fs) {
  Put(fs, "f", "abc");
  REQUIRE(Open(fs, "f", OpenMode::kRead, FileClass::kQuery)->file_class() == FileClass::kQuery);
}

// ----- batches -----

void ABatchReadsFromManyFiles(FileSystem& fs) {
  std::vector<std::unique_ptr<File>> files;
  for (int i = 0; i < 5; ++i) {
    Put(fs, "f" + std::to_string(i), Pattern(40'000, static_cast<unsigned>(i)));
    files.push_back(Open(fs, "f" + std::to_string(i), OpenMode::kRead));
  }
  std::vector<std::string> outs(600, std::string(60, '\0'));
  ReadBatch batch;
  for (size_t i = 0; i < outs.size(); ++i) batch.Add(*files[i % 5], i * 61, outs[i]);
  REQUIRE(fs.Read(batch));
  for (size_t i = 0; i < outs.size(); ++i) {
    CAPTURE(i);
    REQUIRE(outs[i] == Pattern(40'000, static_cast<unsigned>(i % 5)).substr(i * 61, 60));
  }
}

void ABatchNamesTheReadThatFailed(FileSystem& fs) {
  Put(fs, "f", "12345");
  const auto file = Open(fs, "f", OpenMode::kRead);
  std::string first(5, '\0');
  std::string second(5, '\0');
  ReadBatch batch;
  batch.Add(*file, 0, first);
  batch.Add(*file, 3, second);
  REQUIRE(TextOf(fs.Read(batch)) == "read f: end of file at 5");
  REQUIRE(batch.ops()[0].result.has_value());
  REQUIRE(!batch.ops()[1].result.has_value());
  REQUIRE(first == "12345");
}

void AnEmptyBatchSucceeds(FileSystem& fs) {
  ReadBatch reads;
  WriteBatch writes;
  REQUIRE(fs.Read(reads));
  REQUIRE(fs.Write(writes));
}

void ABatchWritesAndSyncsManyFiles(FileSystem& fs) {
  std::vector<std::unique_ptr<File>> files;
  for (int i = 0; i < 3; ++i) {
    files.push_back(Open(fs, "f" + std::to_string(i), OpenMode::kCreate));
  }
  const std::string bytes = Pattern(300 * 1000);
  WriteBatch batch;
  for (size_t i = 0; i < 300; ++i) {
    for (const auto& file : files) batch.Write(*file, i * 1000, {bytes.data() + i * 1000, 1000});
  }
  for (const auto& file : files) batch.Sync(*file, SyncKind::kData);
  REQUIRE(fs.Write(batch));
  for (int i = 0; i < 3; ++i) REQUIRE(Get(fs, "f" + std::to_string(i)) == bytes);
}

void ASyncIsNotTriedAfterAFailedWrite(FileSystem& fs) {
  Put(fs, "good", "");
  Put(fs, "bad", "");
  const auto good = Open(fs, "good", OpenMode::kReadWrite);
  const auto bad = Open(fs, "bad", OpenMode::kRead);
  WriteBatch batch;
  batch.Write(*bad, 0, "x");
  batch.Write(*good, 0, "y");
  batch.Sync(*bad, SyncKind::kAll);
  batch.Sync(*good, SyncKind::kAll);
  REQUIRE(TextOf(fs.Write(batch)) == "write bad: Bad file descriptor");
  REQUIRE(batch.ops()[1].result.has_value());
  REQUIRE(CodeOf(batch.syncs()[0].result) == ErrorCode::kCancelled);
  REQUIRE(batch.syncs()[1].result.has_value());
  REQUIRE(Get(fs, "good") == "y");
}

void ABatchOfSyncsNeedsNoWrites(FileSystem& fs) {
  const auto file = Open(fs, "f", OpenMode::kCreate);
  WriteBatch batch;
  batch.Sync(*file, SyncKind::kAll);
  REQUIRE(fs.Write(batch));
  batch.Clear();
  batch.Write(*file, 0, "");
  batch.Sync(*file, SyncKind::kAll);
  REQUIRE(fs.Write(batch));
  REQUIRE(Get(fs, "f").empty());
}

void ThreadsHaveBatchesOfTheirOwn(FileSystem& fs) {
  const auto file = Open(fs, "f", OpenMode::kCreate);
  constexpr size_t kThreads = 4;
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (size_t round = 0; round < 20; ++round) {
        const std::string bytes = Pattern(1000, static_cast<unsigned>(t * 100 + round));
        WriteBatch batch;
        batch.Write(*file, (t * 20 + round) * 1000, bytes);
        batch.Sync(*file, SyncKind::kData);
        std::string back(1000, '\0');
        if (!fs.Write(batch) || !file->ReadAt((t * 20 + round) * 1000, back) || back != bytes) {
          ++failed;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(failed == 0);
  REQUIRE(*file->Size() == kThreads * 20 * 1000);
}

// ----- names -----

void ARenameReplacesAFile(FileSystem& fs) {
  Put(fs, "a", "new");
  Put(fs, "b", "old");
  REQUIRE(fs.Rename("a", "b"));
  REQUIRE(fs.SyncDirectory(""));
  REQUIRE(Names(fs, "") == Strings{"b"});
  REQUIRE(Get(fs, "b") == "new");
  REQUIRE(fs.Rename("b", "b"));
  REQUIRE(CodeOf(fs.Rename("a", "c")) == ErrorCode::kNotFound);
  REQUIRE(CodeOf(fs.Rename("b", "none/b")) == ErrorCode::kNotFound);
  REQUIRE(TextOf(fs.Rename("a", "c")) == "rename a to c: No such file or directory");
}

void ARenameMovesDirectories(FileSystem& fs) {
  REQUIRE(CreateDirectories(fs, "a/b/c"));
  REQUIRE(fs.CreateDirectory("empty"));
  REQUIRE(fs.CreateDirectory("full"));
  Put(fs, "full/x", "x");
  Put(fs, "a/b/c/f", "abc");
  const FileClass tool = FileClass::kTool;
  REQUIRE(!fs.Rename("a", "a/b/d", tool));
  REQUIRE(CodeOf(fs.Rename("a/b", "full", tool)) == ErrorCode::kFailedPrecondition);
  REQUIRE(CodeOf(fs.Rename("a/b", "a", tool)) == ErrorCode::kFailedPrecondition);
  REQUIRE(TextOf(fs.Rename("full/x", "empty", tool)) == "rename full/x to empty: Is a directory");
  REQUIRE(TextOf(fs.Rename("empty", "full/x", tool)) == "rename empty to full/x: Not a directory");
  REQUIRE(fs.Rename("a/b", "empty"));
  REQUIRE(Get(fs, "empty/c/f") == "abc");
  REQUIRE(Names(fs, "a").empty());
}

void ALinkSharesTheFile(FileSystem& fs) {
  Put(fs, "a", "abc");
  REQUIRE(fs.CreateDirectory("d"));
  REQUIRE(fs.Link("a", "d/b"));
  const auto a = fs.Status("a");
  const auto b = fs.Status("d/b");
  REQUIRE((a.has_value() && b.has_value()));
  REQUIRE(a->inode == b->inode);
  REQUIRE(a->link_count == 2);
  REQUIRE(CodeOf(fs.Link("a", "d/b")) == ErrorCode::kAlreadyExists);
  REQUIRE(CodeOf(fs.Link("none", "c")) == ErrorCode::kNotFound);
  REQUIRE(TextOf(fs.Link("d", "e")) == "link d to e: Operation not permitted");
  REQUIRE(fs.Rename("a", "d/b"));  // two names of one file: nothing happens
  REQUIRE(fs.Remove("a"));
  REQUIRE(Get(fs, "d/b") == "abc");
  REQUIRE(fs.Status("d/b")->link_count == 1);
}

void RemovingTellsFilesFromDirectories(FileSystem& fs) {
  REQUIRE(fs.CreateDirectory("d"));
  Put(fs, "d/f", "abc");
  REQUIRE(TextOf(fs.Remove("d")) == "remove d: Is a directory");
  REQUIRE(TextOf(fs.RemoveDirectory("d/f")) == "remove d/f: Not a directory");
  REQUIRE(CodeOf(fs.RemoveDirectory("d")) == ErrorCode::kFailedPrecondition);
  REQUIRE(fs.Remove("d/f"));
  REQUIRE(CodeOf(fs.Remove("d/f")) == ErrorCode::kNotFound);
  REQUIRE(fs.RemoveDirectory("d"));
  REQUIRE(CodeOf(fs.RemoveDirectory("d")) == ErrorCode::kNotFound);
  REQUIRE(Names(fs, "").empty());
}

void ListsAreSorted(FileSystem& fs) {
  for (const char* name : {"b", "a", "c.tmp", "B", "10", "9"}) Put(fs, name, "");
  REQUIRE(fs.CreateDirectory("bb"));
  REQUIRE(Names(fs, "") == Strings{"10", "9", "B", "a", "b", "bb/", "c.tmp"});
  REQUIRE(TextOf(fs.List("a")) == "list a: Not a directory");
  REQUIRE(CodeOf(fs.List("none")) == ErrorCode::kNotFound);
}

void StatusTellsSizeAndKind(FileSystem& fs) {
  Put(fs, "f", "12345");
  REQUIRE(fs.CreateDirectory("d"));
  REQUIRE(fs.Status("f")->size_bytes == 5);
  REQUIRE(!fs.Status("f")->is_directory);
  REQUIRE(fs.Status("d")->is_directory);
  REQUIRE(fs.Status("")->is_directory);
  REQUIRE(CodeOf(fs.Status("none")) == ErrorCode::kNotFound);
  REQUIRE(TextOf(fs.Status("f/x")) == "look at f/x: Not a directory");
}

void DirectoriesAreMadeOneLevelAtATime(FileSystem& fs) {
  REQUIRE(CodeOf(fs.CreateDirectory("a/b")) == ErrorCode::kNotFound);
  REQUIRE(fs.CreateDirectory("a"));
  REQUIRE(CodeOf(fs.CreateDirectory("a")) == ErrorCode::kAlreadyExists);
  REQUIRE(fs.CreateDirectory("a/b"));
  REQUIRE(fs.SyncDirectory("a"));
  REQUIRE(CodeOf(fs.SyncDirectory("none")) == ErrorCode::kNotFound);
  Put(fs, "f", "");
  REQUIRE(!fs.SyncDirectory("f", FileClass::kTool));
}

void NoPathLeavesTheRoot(FileSystem& fs) {
  REQUIRE(fs.CreateDirectory("d"));
  Put(fs, "f", "abc");
  const std::string long_name(256, 'n');
  for (const std::string& path :
       {std::string("../f"), std::string("d/../f"), std::string("/etc/passwd"), std::string("."),
        std::string(".."), std::string("d//f"), std::string("d/"), std::string("/"),
        std::string("f\0g", 3), long_name, "d/" + long_name}) {
    CAPTURE(path);
    REQUIRE(OpenCode(fs, path, OpenMode::kRead) == ErrorCode::kInvalidArgument);
    REQUIRE(OpenCode(fs, path, OpenMode::kCreate) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(fs.Rename("f", path)) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(fs.Rename(path, "g")) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(fs.Link("f", path)) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(fs.Link(path, "g")) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(fs.Remove(path)) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(fs.CreateDirectory(path)) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(fs.RemoveDirectory(path)) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(fs.SyncDirectory(path)) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(fs.List(path)) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(fs.Status(path)) == ErrorCode::kInvalidArgument);
    REQUIRE(CodeOf(fs.Lock(path)) == ErrorCode::kInvalidArgument);
  }
  REQUIRE(OpenCode(fs, "", OpenMode::kRead) == ErrorCode::kInvalidArgument);
  REQUIRE(CodeOf(fs.RemoveDirectory("")) == ErrorCode::kInvalidArgument);
  REQUIRE(Names(fs, "") == Strings{"d/", "f"});
}

void ALockIsHeldByOne(FileSystem& fs) {
  auto lock = fs.Lock("LOCK");
  REQUIRE(lock.has_value());
  REQUIRE(CodeOf(fs.Lock("LOCK")) == ErrorCode::kUnavailable);
  REQUIRE(fs.Lock("OTHER"));
  lock->reset();
  REQUIRE(fs.Lock("LOCK"));
  REQUIRE(CodeOf(fs.Lock("none/LOCK")) == ErrorCode::kNotFound);
}

void SpaceIsKnown(FileSystem& fs) {
  const auto space = fs.Space();
  REQUIRE(space.has_value());
  REQUIRE(space->total_bytes > 0);
  REQUIRE(space->free_bytes > 0);
  REQUIRE(space->free_bytes <= space->total_bytes);
}

// ----- what is built on it -----

void APublishedFileReplacesTheOld(FileSystem& fs) {
  SeededRandom random(1);
  REQUIRE(PublishFile(fs, random, "f", "old", FileClass::kManifest));
  REQUIRE(PublishFile(fs, random, "f", "newer", FileClass::kManifest));
  REQUIRE(Get(fs, "f") == "newer");
  REQUIRE(PublishFile(fs, random, "f", "", FileClass::kManifest));
  REQUIRE(Get(fs, "f").empty());
  REQUIRE(Names(fs, "") == Strings{"f"});
  REQUIRE(CodeOf(PublishFile(fs, random, "none/f", "x", FileClass::kManifest)) ==
          ErrorCode::kNotFound);
}

void AWholeFileIsReadUpToABound(FileSystem& fs) {
  Put(fs, "f", "12345");
  REQUIRE(*ReadWholeFile(fs, "f", 5, FileClass::kRecovery) == "12345");
  REQUIRE(CodeOf(ReadWholeFile(fs, "f", 4, FileClass::kRecovery)) == ErrorCode::kCorruption);
  REQUIRE(CodeOf(ReadWholeFile(fs, "g", 4, FileClass::kRecovery)) == ErrorCode::kNotFound);
}

void TreesAreMadeAndRemoved(FileSystem& fs) {
  REQUIRE(CreateDirectories(fs, "a/b/c"));
  REQUIRE(CreateDirectories(fs, "a/b/c"));
  REQUIRE(CreateDirectories(fs, "a/x"));
  Put(fs, "a/b/f", "abc");
  REQUIRE(CodeOf(CreateDirectories(fs, "a/b/f")) == ErrorCode::kAlreadyExists);
  Put(fs, "kept", "abc");
  REQUIRE(RemoveTree(fs, "a"));
  REQUIRE(RemoveTree(fs, "a"));
  REQUIRE(RemoveTree(fs, "a/b"));
  REQUIRE(Names(fs, "") == Strings{"kept"});
  REQUIRE(RemoveTree(fs, "kept"));
  REQUIRE(Names(fs, "").empty());
}

void AWriterPublishesWhatWasAppended(FileSystem& fs) {
  SeededRandom random(1);
  REQUIRE(fs.CreateDirectory("d"));
  struct Shape {
    size_t bytes;
    uint64_t expected_bytes;
  };
  const size_t mib = 1 << 20;
  for (const Shape shape :
       {Shape{0, 0}, Shape{1, 0}, Shape{5000, 0}, Shape{5000, 5000}, Shape{5000, 9000},
        Shape{5000, 100}, Shape{mib, mib}, Shape{mib + 1, 0}, Shape{5 * mib + 17, 0},
        Shape{5 * mib + 17, 5 * mib}, Shape{9 * mib, 9 * mib}, Shape{3, 5 * mib}}) {
    CAPTURE(shape.bytes, shape.expected_bytes);
    const std::string bytes = Pattern(shape.bytes);
    auto writer = FileWriter::Create(fs, random, "d/f", {.expected_bytes = shape.expected_bytes});
    REQUIRE(writer.has_value());
    for (size_t at = 0; at < bytes.size(); at += 70'001) {
      REQUIRE((*writer)->Append(std::string_view(bytes).substr(at, 70'001)));
    }
    REQUIRE((*writer)->offset() == bytes.size());
    REQUIRE((*writer)->Publish());
    REQUIRE(Get(fs, "d/f") == bytes);
    REQUIRE(Names(fs, "d") == Strings{"f"});
  }
}

void AnAbandonedWriterLeavesNothing(FileSystem& fs) {
  SeededRandom random(1);
  {
    auto writer = FileWriter::Create(fs, random, "f", {});
    REQUIRE(writer.has_value());
    REQUIRE((*writer)->Append("abc"));
    REQUIRE(Names(fs, "").size() == 1);
    REQUIRE(IsTemporaryName(Names(fs, "").front()));
  }
  REQUIRE(Names(fs, "").empty());
}

}  // namespace

const std::vector<ConformanceCase>& ConformanceCases() {
  static const std::vector<ConformanceCase> cases{
      {"what is written is read", WhatIsWrittenIsRead},
      {"a gap reads as zeros", AGapReadsAsZeros},
      {"overwriting keeps the rest", OverwritingKeepsTheRest},
      {"reading beyond the end says where it is", ReadingBeyondTheEndSaysWhereItIs},
      {"truncating cuts and grows with zeros", TruncatingCutsAndGrowsWithZeros},
      {"allocating grows with zeros and keeps contents", AllocatingGrowsWithZerosAndKeepsContents},
      {"a file opened for reading is not changed", AFileOpenedForReadingIsNotChanged},
      {"offsets beyond the range are refused", OffsetsBeyondTheRangeAreRefused},
      {"creating takes a free name", CreatingTakesAFreeName},
      {"a directory is not a file", ADirectoryIsNotAFile},
      {"an open file outlives its name", AnOpenFileOutlivesItsName},
      {"direct files want alignment", DirectFilesWantAlignment},
      {"dropping the cache changes nothing", DroppingTheCacheChangesNothing},
      {"a class is remembered", AClassIsRemembered},
      {"a batch reads from many files", ABatchReadsFromManyFiles},
      {"a batch names the read that failed", ABatchNamesTheReadThatFailed},
      {"an empty batch succeeds", AnEmptyBatchSucceeds},
      {"a batch writes and syncs many files", ABatchWritesAndSyncsManyFiles},
      {"a sync is not tried after a failed write", ASyncIsNotTriedAfterAFailedWrite},
      {"a batch of syncs needs no writes", ABatchOfSyncsNeedsNoWrites},
      {"threads have batches of their own", ThreadsHaveBatchesOfTheirOwn},
      {"a rename replaces a file", ARenameReplacesAFile},
      {"a rename moves directories", ARenameMovesDirectories},
      {"a link shares the file", ALinkSharesTheFile},
      {"removing tells files from directories", RemovingTellsFilesFromDirectories},
      {"lists are sorted", ListsAreSorted},
      {"status tells size and kind", StatusTellsSizeAndKind},
      {"directories are made one level at a time", DirectoriesAreMadeOneLevelAtATime},
      {"no path leaves the root", NoPathLeavesTheRoot},
      {"a lock is held by one", ALockIsHeldByOne},
      {"space is known", SpaceIsKnown},
      {"a published file replaces the old", APublishedFileReplacesTheOld},
      {"a whole file is read up to a bound", AWholeFileIsReadUpToABound},
      {"trees are made and removed", TreesAreMadeAndRemoved},
      {"a writer publishes what was appended", AWriterPublishesWhatWasAppended},
      {"an abandoned writer leaves nothing", AnAbandonedWriterLeavesNothing},
  };
  return cases;
}

}  // namespace ficus
