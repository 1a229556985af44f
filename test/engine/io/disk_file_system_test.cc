#include "engine/io/disk_file_system.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/stop.h"
#include "engine/io/file_writer.h"
#include "engine/io/publish.h"
#include "engine/io/thread_file_system.h"
#include "engine/io/uring_file_system.h"
#include "engine/io/uring_probe.h"
#include "test/support/forbidden_calls.h"
#include "test/support/skip.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

enum class Kind { kUring, kThreads, kThreadsWithoutOpenat2 };

std::unique_ptr<FileSystem> OpenDisk(Kind kind, const std::string& root, PosixOptions options) {
  if (kind == Kind::kThreadsWithoutOpenat2) {
    options.resolution = RootedDirectory::Resolution::kComponents;
  }
  auto fs = kind == Kind::kUring ? OpenUringFileSystem(root, {.posix = std::move(options)})
                                 : OpenThreadFileSystem(root, std::move(options));
  REQUIRE(fs.has_value());
  return *std::move(fs);
}

bool Usable(Kind kind) { return kind != Kind::kUring || UringRefusal().empty(); }

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

template <typename T>
std::string TextOf(const Result<T>& result) {
  return result ? "" : result.error().message;
}

std::string StopOf(const std::function<void()>& run) {
  const StopHandler handler([](std::string_view why) { throw ProcessStopped{std::string(why)}; });
  try {
    run();
  } catch (const ProcessStopped& stopped) {
    return stopped.reason;
  }
  return "";
}

// The value of a counter, by name, operation and class.
uint64_t CountOf(const MetricRegistry& metrics, std::string_view name, std::string_view op,
                 std::string_view file_class) {
  double sum = 0;
  for (const MetricFamily& family : metrics.Collect()) {
    if (family.name != name) continue;
    for (const MetricSample& sample : family.samples) {
      std::map<std::string, std::string> labels(sample.labels.begin(), sample.labels.end());
      if (labels["op"] != op || labels["class"] != file_class) continue;
      sum += sample.histogram == nullptr ? sample.value : [&] {
        double observed = 0;
        for (const uint64_t count : sample.histogram->counts()) {
          observed += static_cast<double>(count);
        }
        return observed;
      }();
    }
  }
  return static_cast<uint64_t>(sum);
}

}  // namespace

// ----- below the retry loop -----

TEST_CASE("short transfers and interruptions below are completed", "[io][hook]") {
  const Kind kind = GENERATE(Kind::kUring, Kind::kThreads);
  if (!Usable(kind)) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  std::atomic<int> calls{0};
  const auto fs = OpenDisk(kind, directory.path(),
                           {.hook = [&calls](IoOp, FileClass, uint64_t bytes) -> int64_t {
                             switch (calls++ % 5) {
                               case 0:
                                 return -EINTR;
                               case 1:
                                 return static_cast<int64_t>((bytes + 1) / 2);
                               case 2:
                                 return -EAGAIN;
                               case 3:
                                 return static_cast<int64_t>((bytes + 2) / 3);
                               default:
                                 return static_cast<int64_t>(bytes);
                             }
                           }});
  const auto file = Create(*fs, "f", FileClass::kLog);
  std::string bytes(100'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 >> 3U);
  for (size_t at = 0; at < bytes.size(); at += 10'000) {
    WriteBatch batch;
    batch.Write(*file, at, std::string_view(bytes).substr(at, 5'000));
    if (at % 20'000 == 0)
      batch.Write(*file, at + 5'000, std::string_view(bytes).substr(at + 5'000, 5'000));
    batch.Sync(*file, SyncKind::kData);
    REQUIRE(fs->Write(batch));
    if (at % 20'000 != 0)
      REQUIRE(file->WriteAt(at + 5'000, std::string_view(bytes).substr(at + 5'000, 5'000)));
  }
  REQUIRE(Get(*fs, "f") == bytes);
  REQUIRE(calls > 60);
}

TEST_CASE("an operation that never gets anywhere fails in the end", "[io][hook]") {
  const Kind kind = GENERATE(Kind::kUring, Kind::kThreads);
  const int error_number = GENERATE(EINTR, EAGAIN);
  if (!Usable(kind)) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  const auto fs = OpenDisk(kind, directory.path(),
                           {.hook = [&](IoOp, FileClass, uint64_t) { return -error_number; }});
  const auto file = Create(*fs, "f");
  REQUIRE(file->WriteAt(0, "abc").error().code == ErrorCode::kResourceExhausted);
}

TEST_CASE("a device that takes no bytes is an error and not a loop", "[io][hook]") {
  const Kind kind = GENERATE(Kind::kUring, Kind::kThreads);
  if (!Usable(kind)) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  const auto fs =
      OpenDisk(kind, directory.path(), {.hook = [](IoOp, FileClass, uint64_t) { return 0; }});
  const auto file = Create(*fs, "f");
  REQUIRE(TextOf(file->WriteAt(0, "abc")) == "write f: Input/output error");
}

TEST_CASE("a sync is repeated when the write that it was linked to came short", "[io][hook]") {
  if (!UringRefusal().empty()) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  std::vector<std::string> calls;
  const auto fs =
      OpenDisk(Kind::kUring, directory.path(),
               {.hook = [&calls](IoOp op, FileClass, uint64_t bytes) -> int64_t {
                 calls.push_back(std::string(IoOpName(op)) + " " + std::to_string(bytes));
                 return calls.size() == 1 ? 600 : static_cast<int64_t>(bytes);
               }});
  const auto file = Create(*fs, "f", FileClass::kLog);
  WriteBatch batch;
  batch.Write(*file, 0, std::string(1000, 'x'));
  batch.Sync(*file, SyncKind::kData);
  REQUIRE(fs->Write(batch));
  REQUIRE(calls == std::vector<std::string>{"write 1000", "fsync 0", "write 400", "fsync 0"});
}

TEST_CASE("a failed sync is never repeated, also when it came too early to count",
          "[io][hook][stop]") {
  if (!UringRefusal().empty()) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  const bool write_fails = GENERATE(false, true);
  int writes = 0;
  int syncs = 0;
  // The kernel is asked for half of the write, and so starts the sync that is linked to it.
  const auto fs = OpenDisk(Kind::kUring, directory.path(),
                           {.hook = [&](IoOp op, FileClass, uint64_t bytes) -> int64_t {
                             if (op == IoOp::kSync)
                               return ++syncs == 1 ? -EIO : static_cast<int64_t>(bytes);
                             if (++writes == 1) return static_cast<int64_t>(bytes / 2);
                             return write_fails ? -EIO : static_cast<int64_t>(bytes);
                           }});
  const auto file = Create(*fs, "f", FileClass::kFlush);
  WriteBatch batch;
  batch.Write(*file, 0, "0123456789");
  batch.Sync(*file, SyncKind::kData);
  REQUIRE(StopOf([&] { static_cast<void>(fs->Write(batch)); }) ==
          "fsync f: Input/output error (flush)");
  REQUIRE(syncs == 1);
}

TEST_CASE("a linked sync is cancelled by the failure of its write", "[io][hook]") {
  const Kind kind = GENERATE(Kind::kUring, Kind::kThreads);
  if (!Usable(kind)) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  const auto fs =
      OpenDisk(kind, directory.path(), {.hook = [](IoOp op, FileClass, uint64_t bytes) -> int64_t {
                 return op == IoOp::kWrite ? -ENOSPC : static_cast<int64_t>(bytes);
               }});
  const auto file = Create(*fs, "f");
  WriteBatch batch;
  batch.Write(*file, 0, "abc");
  batch.Sync(*file, SyncKind::kData);
  REQUIRE(fs->Write(batch).error().code == ErrorCode::kNoSpace);
  REQUIRE(batch.syncs()[0].result.error().code == ErrorCode::kCancelled);
}

TEST_CASE("a failed sync stops the process on the disk, too", "[io][hook][stop]") {
  const Kind kind = GENERATE(Kind::kUring, Kind::kThreads);
  const bool batched = GENERATE(false, true);
  if (!Usable(kind)) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  const auto fs =
      OpenDisk(kind, directory.path(), {.hook = [](IoOp op, FileClass, uint64_t bytes) -> int64_t {
                 return op == IoOp::kSync ? -EIO : static_cast<int64_t>(bytes);
               }});
  const auto sync = [&](FileClass file_class) {
    const std::string name(FileClassName(file_class));
    const auto file = Create(*fs, name, file_class);
    return StopOf([&] {
      WriteBatch batch;
      batch.Write(*file, 0, "abc");
      batch.Sync(*file, SyncKind::kData);
      const Result<> result = batched ? fs->Write(batch) : file->Sync(SyncKind::kData);
      REQUIRE(TextOf(result) == "fsync " + name + ": Input/output error");
    });
  };
  for (const FileClass file_class :
       {FileClass::kLog, FileClass::kFlush, FileClass::kMerge, FileClass::kManifest}) {
    const std::string name(FileClassName(file_class));
    REQUIRE(sync(file_class) == "fsync " + name + ": Input/output error (" + name + ")");
  }
  for (const FileClass file_class : {FileClass::kBackup, FileClass::kTool, FileClass::kSnapshot}) {
    REQUIRE(sync(file_class).empty());
  }
}

TEST_CASE("a log write that the device refuses stops the process", "[io][hook][stop]") {
  const Kind kind = GENERATE(Kind::kUring, Kind::kThreads);
  if (!Usable(kind)) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  const auto fs =
      OpenDisk(kind, directory.path(), {.hook = [](IoOp, FileClass, uint64_t) { return -ENOSPC; }});
  const auto log = Create(*fs, "log", FileClass::kLog);
  REQUIRE(StopOf([&] { REQUIRE(!log->WriteAt(0, "abc")); }).empty());
  REQUIRE(log->Allocate(0, 4096));
  REQUIRE(StopOf([&] { (void)log->WriteAt(0, "abc"); }) ==
          "write log: No space left on device (log)");
}

TEST_CASE("more operations than the queue holds go through it, in several rounds", "[io]") {
  if (!UringRefusal().empty()) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  const auto opened = OpenUringFileSystem(directory.path(), {.queue_depth = 4});
  REQUIRE(opened.has_value());
  FileSystem& fs = **opened;
  std::vector<std::unique_ptr<File>> files;
  for (int i = 0; i < 25; ++i) files.push_back(Create(fs, "f" + std::to_string(i)));
  WriteBatch batch;
  for (const auto& file : files) {
    batch.Write(*file, 0, "abc");
    batch.Sync(*file, SyncKind::kData);
  }
  REQUIRE(fs.Write(batch));
  for (int i = 0; i < 25; ++i) REQUIRE(Get(fs, "f" + std::to_string(i)) == "abc");
  std::vector<std::string> outs(500, "???");
  ReadBatch reads;
  for (size_t i = 0; i < outs.size(); ++i) reads.Add(*files[i % 25], 0, outs[i]);
  REQUIRE(fs.Read(reads));
  for (const std::string& out : outs) REQUIRE(out == "abc");
}

// ----- counting -----

TEST_CASE("every transfer of file data is counted by operation and class", "[io][metrics]") {
  const Kind kind = GENERATE(Kind::kUring, Kind::kThreads);
  if (!Usable(kind)) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  MetricRegistry metrics;
  const auto fs = OpenDisk(kind, directory.path(), {.metrics = &metrics});
  const auto log = Create(*fs, "log", FileClass::kLog);
  WriteBatch batch;
  batch.Write(*log, 0, "abc");
  batch.Sync(*log, SyncKind::kData);
  REQUIRE(fs->Write(batch));
  REQUIRE(log->WriteAt(3, "def"));
  const auto query = fs->Open("log", {.file_class = FileClass::kQuery});
  std::string out(6, '\0');
  REQUIRE((*query)->ReadAt(0, out));
  ReadBatch reads;
  for (size_t i = 0; i < 5; ++i) reads.Add(**query, i, {out.data() + i, 1});
  REQUIRE(fs->Read(reads));
  REQUIRE(!(*query)->ReadAt(1, out));
  REQUIRE(fs->Rename("log", "renamed"));
  REQUIRE(fs->SyncDirectory(""));

  const char* submits = "ficus_io_submit_total";
  REQUIRE(CountOf(metrics, submits, "write", "log") == 2);
  REQUIRE(CountOf(metrics, submits, "fsync", "log") == 1);
  REQUIRE(CountOf(metrics, submits, "read", "log") == 0);
  REQUIRE(CountOf(metrics, submits, "read", "query") >= 7);  // the last one looks twice
  REQUIRE(CountOf(metrics, submits, "rename", "manifest") == 1);
  REQUIRE(CountOf(metrics, submits, "fsync_directory", "manifest") == 1);
  REQUIRE(CountOf(metrics, "ficus_io_bytes_total", "write", "log") == 6);
  REQUIRE(CountOf(metrics, "ficus_io_bytes_total", "read", "query") == 16);
  REQUIRE(CountOf(metrics, "ficus_io_errors_total", "read", "query") == 1);
  REQUIRE(CountOf(metrics, "ficus_io_errors_total", "write", "log") == 0);
  REQUIRE(CountOf(metrics, "ficus_io_latency_seconds", "write", "log") == 2);
  REQUIRE(CountOf(metrics, "ficus_io_latency_seconds", "read", "query") == 7);
}

TEST_CASE("the engine in use is a metric", "[io][metrics]") {
  const TempDirectory directory;
  MetricRegistry metrics;
  const auto fs =
      OpenDiskFileSystem(directory.path(), {.engine = IoEngine::kThreads, .metrics = &metrics});
  REQUIRE((*fs)->engine() == "threads");
  bool found = false;
  for (const MetricFamily& family : metrics.Collect()) {
    if (family.name != "ficus_io_engine_info") continue;
    found = true;
    REQUIRE(family.samples.size() == 1);
    REQUIRE(family.samples[0].value == 1);
    REQUIRE(family.samples[0].labels ==
            MetricLabels{{"engine", "threads"}, {"reason", "configured"}});
  }
  REQUIRE(found);
}

// ----- rings -----

TEST_CASE("threads beyond the number of rings share one", "[io][uring]") {
  if (!UringRefusal().empty()) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  const auto opened = OpenUringFileSystem(directory.path(), {.queue_depth = 8, .rings_max = 1});
  REQUIRE(opened.has_value());
  FileSystem& fs = **opened;
  const auto file = Create(fs, "f");
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 50; ++i) {
        const std::string bytes(100, static_cast<char>('a' + t));
        std::string back(100, '\0');
        const uint64_t at = (t * 50 + i) * 100;
        if (!file->WriteAt(at, bytes) || !file->ReadAt(at, back) || back != bytes) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(failed == 0);
}

TEST_CASE("chunks of a writer are registered memory, and plain memory when they run out",
          "[io][uring]") {
  if (!UringRefusal().empty()) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  const auto fs = OpenDisk(Kind::kUring, directory.path(), {});
  SeededRandom random(1);
  const std::string bytes(3 * FileWriter::kChunkBytes, 'x');
  auto first = *FileWriter::Create(*fs, random, "a", {});
  auto second = *FileWriter::Create(*fs, random, "b", {});
  REQUIRE(first->Append(bytes));
  REQUIRE(second->Append(bytes));
  REQUIRE(first->Publish());
  REQUIRE(second->Publish());
  REQUIRE(Get(*fs, "a") == bytes);
  REQUIRE(Get(*fs, "b") == bytes);
}

// ----- names -----

TEST_CASE("no symbolic link leads out of the root, nor anywhere else", "[io]") {
  const Kind kind = GENERATE(Kind::kUring, Kind::kThreads, Kind::kThreadsWithoutOpenat2);
  if (!Usable(kind)) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory outside;
  const TempDirectory directory;
  const auto outer = OpenDisk(Kind::kThreads, outside.path(), {});
  REQUIRE(Create(*outer, "secret")->WriteAt(0, "secret"));
  const auto fs = OpenDisk(kind, directory.path(), {});
  REQUIRE(fs->CreateDirectory("d"));
  REQUIRE(Create(*fs, "f")->WriteAt(0, "abc"));
  const auto link = [&](const std::string& target, const std::string& name) {
    REQUIRE(::symlink(target.c_str(), directory.File(name).c_str()) == 0);
  };
  link(outside.path(), "out");
  link(outside.File("secret"), "secret");
  link("d", "inner");
  link("f", "file");

  for (const char* path : {"out/secret", "secret", "file", "inner/f", "out", "inner"}) {
    CAPTURE(path);
    REQUIRE(!fs->Open(path, {}));
    REQUIRE(!fs->Open(path, {.mode = OpenMode::kReadWrite}));
    REQUIRE(!fs->List(path));
    REQUIRE(!fs->SyncDirectory(path, FileClass::kTool));
  }
  for (const char* path : {"out/new", "inner/new"}) {
    CAPTURE(path);
    REQUIRE(!fs->Open(path, {.mode = OpenMode::kCreate}));
    REQUIRE(!fs->CreateDirectory(path));
    REQUIRE(!fs->Rename("f", path, FileClass::kTool));
    REQUIRE(!fs->Link("f", path));
    REQUIRE(!fs->Lock(path));
  }
  REQUIRE(!fs->Remove("out/secret"));
  REQUIRE(!fs->Status("out/secret"));
  REQUIRE(!fs->Rename("out/secret", "g", FileClass::kTool));
  REQUIRE(!fs->Status("secret")->is_directory);
  REQUIRE(!fs->Status("out")->is_directory);
  REQUIRE(Get(*outer, "secret") == "secret");
  REQUIRE(outer->List("")->size() == 1);
}

TEST_CASE("removing a tree removes links and not what they point to", "[io]") {
  const TempDirectory outside;
  const TempDirectory directory;
  const auto outer = OpenDisk(Kind::kThreads, outside.path(), {});
  Create(*outer, "kept");
  const auto fs = OpenDisk(Kind::kThreads, directory.path(), {});
  REQUIRE(CreateDirectories(*fs, "a/b"));
  REQUIRE(::symlink(outside.path().c_str(), directory.File("a/b/out").c_str()) == 0);
  REQUIRE(::symlink(outside.path().c_str(), directory.File("link").c_str()) == 0);
  REQUIRE(RemoveTree(*fs, "a"));
  REQUIRE(RemoveTree(*fs, "link"));
  REQUIRE(fs->List("")->empty());
  REQUIRE(outer->List("")->size() == 1);
}

TEST_CASE("a pipe under the name of a file is refused at once", "[io]") {
  const TempDirectory directory;
  const auto fs = OpenDisk(Kind::kThreads, directory.path(), {});
  REQUIRE(::mkfifo(directory.File("pipe").c_str(), 0600) == 0);
  REQUIRE(TextOf(fs->Open("pipe", {})) == "open pipe: Invalid argument");
  REQUIRE(!fs->Open("pipe", {.mode = OpenMode::kReadWrite}));
}

TEST_CASE("files and directories are not for everybody", "[io]") {
  const TempDirectory directory;
  const mode_t before = ::umask(0);
  const auto fs = OpenDisk(Kind::kThreads, directory.path(), {});
  Create(*fs, "f");
  REQUIRE(fs->CreateDirectory("d"));
  ::umask(before);
  struct stat status {};
  REQUIRE(::stat(directory.File("f").c_str(), &status) == 0);
  REQUIRE((status.st_mode & 07777U) == 0640);
  REQUIRE(::stat(directory.File("d").c_str(), &status) == 0);
  REQUIRE((status.st_mode & 07777U) == 0750);
}

TEST_CASE("a root that is not a directory is not opened", "[io]") {
  const TempDirectory directory;
  const auto fs = OpenDisk(Kind::kThreads, directory.path(), {});
  Create(*fs, "f");
  const IoEngine engine = GENERATE(IoEngine::kAuto, IoEngine::kThreads);
  const LogCapture log;
  REQUIRE(OpenDiskFileSystem(directory.File("none"), {.engine = engine}).error().code ==
          ErrorCode::kNotFound);
  REQUIRE(!OpenDiskFileSystem(directory.File("f"), {.engine = engine}));
}

// ----- locks -----

TEST_CASE("a lock keeps out another process and goes with it", "[io]") {
  const TempDirectory directory;
  const auto fs = OpenDisk(Kind::kThreads, directory.path(), {});
  { const auto created = fs->Lock("LOCK"); }
  std::array<int, 2> locked{};
  std::array<int, 2> quit{};
  REQUIRE(::pipe(locked.data()) == 0);
  REQUIRE(::pipe(quit.data()) == 0);
  // `flock` of another program, so that no state of this process is shared.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(quit[1]);  // so that this process ends with the test, whatever becomes of it
    const int file = ::open(directory.File("LOCK").c_str(), O_RDWR);
    if (::syscall(SYS_flock, file, 2) != 0) ::_exit(1);
    char byte = 'x';
    if (::write(locked[1], &byte, 1) != 1) ::_exit(1);
    ::_exit(::read(quit[0], &byte, 1) == 1 ? 0 : 1);
  }
  char byte = 0;
  REQUIRE(::read(locked[0], &byte, 1) == 1);
  REQUIRE(fs->Lock("LOCK").error().code == ErrorCode::kUnavailable);
  REQUIRE(::write(quit[1], &byte, 1) == 1);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  REQUIRE(fs->Lock("LOCK"));
  for (const int end : {locked[0], locked[1], quit[0], quit[1]}) ::close(end);
}

TEST_CASE("two file systems of one process do not both get a lock", "[io]") {
  const TempDirectory directory;
  const auto one = OpenDisk(Kind::kThreads, directory.path(), {});
  const auto two = OpenDisk(Kind::kThreads, directory.path(), {});
  auto lock = one->Lock("LOCK");
  REQUIRE(lock.has_value());
  REQUIRE(two->Lock("LOCK").error() ==
          Error{ErrorCode::kUnavailable, "lock LOCK: held by someone else"});
  lock->reset();
  REQUIRE(two->Lock("LOCK"));
}

TEST_CASE("a lock that comes free meanwhile is got", "[io]") {
  const TempDirectory directory;
  const auto fs = OpenDisk(Kind::kThreads, directory.path(), {});
  auto lock = fs->Lock("LOCK");
  std::atomic<bool> waiting{false};
  std::atomic<bool> got{false};
  std::thread thread([&] {
    waiting = true;
    // Patience is a quarter of a second: on a busy machine one try may end too early.
    for (int i = 0; i < 40 && !got; ++i) got = fs->Lock("LOCK").has_value();
  });
  while (!waiting) std::this_thread::yield();
  lock->reset();
  thread.join();
  REQUIRE(got);
}

// ----- a full disk -----

TEST_CASE("a full disk is no space, and the writer leaves nothing behind", "[io]") {
  const Kind kind = GENERATE(Kind::kUring, Kind::kThreads);
  if (!Usable(kind)) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  if (::mount("tmpfs", directory.path().c_str(), "tmpfs", 0, "size=1m,nr_inodes=10") != 0) {
    SKIP_TEST("mounting a small file system needs root");
  }
  {
    const auto fs = OpenDisk(kind, directory.path(), {});
    SeededRandom random(1);
    const std::string bytes(2 << 20, 'x');
    const auto file = Create(*fs, "f");
    REQUIRE(file->WriteAt(0, bytes).error().code == ErrorCode::kNoSpace);
    REQUIRE(file->Truncate(0));
    REQUIRE(file->Allocate(0, 2 << 20).error().code == ErrorCode::kNoSpace);
    REQUIRE(file->Truncate(0));
    REQUIRE(FileWriter::Create(*fs, random, "g", {.expected_bytes = 2 << 20}).error().code ==
            ErrorCode::kNoSpace);
    {
      const auto writer = FileWriter::Create(*fs, random, "g", {});
      REQUIRE((*writer)->Append(bytes));
      REQUIRE((*writer)->Publish().error().code == ErrorCode::kNoSpace);
    }
    REQUIRE(fs->List("")->size() == 1);
    REQUIRE(fs->Space()->total_bytes == 1 << 20);
    int made = 0;
    while (fs->CreateDirectory("d" + std::to_string(made))) ++made;
    REQUIRE(made < 10);
    REQUIRE(fs->CreateDirectory("more").error().code == ErrorCode::kNoSpace);
    REQUIRE(fs->Space()->free_inodes == 0);
  }
  REQUIRE(::umount(directory.path().c_str()) == 0);
}

// ----- io_uring refused -----

namespace {

// Runs the hidden test case `name` in a process of its own; its exit status. With an errno:
// without io_uring.
int RunAlone(const char* name, int error_number) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (error_number != 0 && !ForbidCalls({SYS_io_uring_setup}, error_number)) {
      ::_exit(kFiltersRefused);
    }
    ::setenv("FICUS_TEST_URING_ERRNO", std::to_string(error_number).c_str(), 1);
    ::execl("/proc/self/exe", "engine_io_test", name, static_cast<char*>(nullptr));
    ::_exit(101);
  }
  return ExitStatusOf(child);
}

}  // namespace

TEST_CASE("without io_uring the disk works and the cause is named", "[io][uring]") {
  const int error_number = GENERATE(EPERM, ENOSYS, ENOMEM);
  const int status = RunAlone("io_uring is refused (child)", error_number);
  if (status == kFiltersRefused) SKIP_TEST("seccomp filters are not allowed here");
  CAPTURE(error_number);
  REQUIRE(status == 0);
}

TEST_CASE("io_uring is refused (child)", "[.child]") {
  const char* given = std::getenv("FICUS_TEST_URING_ERRNO");
  REQUIRE(given != nullptr);
  const std::map<int, std::string> causes{
      {EPERM, "seccomp"}, {ENOSYS, "the kernel has no io_uring"}, {ENOMEM, "locked memory"}};
  std::string cause = causes.at(std::atoi(given));
  if (std::atoi(given) == EPERM && UringRefusal().starts_with("sysctl")) cause = "sysctl";
  REQUIRE(UringRefusal().find(cause) != std::string::npos);

  const TempDirectory directory;
  MetricRegistry metrics;
  const LogCapture log;
  const auto fs = OpenDiskFileSystem(directory.path(), {.metrics = &metrics});
  REQUIRE(fs.has_value());
  REQUIRE((*fs)->engine() == "threads");
  REQUIRE(log.Count("io.fallback") == 1);
  REQUIRE(log.lines().front().text.find(cause) != std::string::npos);
  SeededRandom random(1);
  REQUIRE(PublishFile(**fs, random, "f", "abc", FileClass::kManifest));
  REQUIRE(Get(**fs, "f") == "abc");
  REQUIRE(CountOf(metrics, "ficus_io_submit_total", "write", "manifest") == 1);

  const auto wanted = OpenDiskFileSystem(directory.path(), {.engine = IoEngine::kUring});
  REQUIRE(wanted.error().code == ErrorCode::kUnavailable);
  REQUIRE(wanted.error().message.find(cause) != std::string::npos);
}

TEST_CASE("a ring that breaks and cannot be replaced is done without", "[io][uring]") {
  if (!UringRefusal().empty()) SKIP_TEST("io_uring cannot be used here");
  const int status = RunAlone("io_uring breaks (child)", 0);
  if (status == kFiltersRefused) SKIP_TEST("seccomp filters are not allowed here");
  REQUIRE(status == 0);
}

TEST_CASE("io_uring breaks (child)", "[.child]") {
  const TempDirectory directory;
  const auto fs = OpenUringFileSystem(directory.path(), {});
  REQUIRE(fs.has_value());
  const auto file = Create(**fs, "f");
  REQUIRE(file->WriteAt(0, "abc"));
  if (!ForbidCalls({SYS_io_uring_setup, SYS_io_uring_enter}, EPERM)) std::_Exit(kFiltersRefused);
  // The ring of this thread, then the shared one.
  for (int i = 0; i < 2; ++i) REQUIRE_FALSE(file->WriteAt(3, "def"));
  WriteBatch batch;
  batch.Write(*file, 3, "def");
  batch.Write(*file, 6, "ghi");
  batch.Sync(*file, SyncKind::kAll);
  REQUIRE((*fs)->Write(batch));
  REQUIRE(Get(**fs, "f") == "abcdefghi");
}

TEST_CASE("with io_uring the disk uses it", "[io][uring]") {
  if (!UringRefusal().empty()) SKIP_TEST("io_uring cannot be used here");
  const TempDirectory directory;
  const LogCapture log;
  const auto fs = OpenDiskFileSystem(directory.path(), {});
  REQUIRE((*fs)->engine() == "io_uring");
  REQUIRE((*fs)->root() == directory.path());
  REQUIRE(log.Count("io.fallback") == 0);
}

TEST_CASE("the cause of a refusal is told by its errno", "[io][uring]") {
  REQUIRE(ExplainUringRefusal(EMFILE) == "set-up failed: Too many open files");
  REQUIRE(ExplainUringRefusal(ENOMEM).find("RLIMIT_MEMLOCK") != std::string::npos);
}

}  // namespace ficus
