// The log on real threads, and on a real disk.
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/mutex.h"
#include "engine/io/disk_file_system.h"
#include "engine/io/memory_file_system.h"
#include "engine/runtime/executor.h"
#include "engine/wal/log.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

struct Environment {
  SystemClock clock;
  SystemRandom random;
  MetricRegistry metrics;
  std::unique_ptr<ThreadExecutor> executor = ThreadExecutor::Create("wal", 3);

  std::unique_ptr<Log> Open(FileSystem& fs, LogOptions options) {
    return Log::Open({fs, clock, random, *executor, metrics}, options).value();
  }
};

// What the callbacks said.
class Acknowledged {
 public:
  void Add(LogPosition position) {
    MutexLock lock(mutex_);
    in_order_ = in_order_ && position.value() == last_ + 1;
    last_ = position.value();
    changed_.NotifyAll();
  }
  void WaitFor(uint64_t position) {
    MutexLock lock(mutex_);
    while (last_ < position) changed_.Wait(lock);
  }
  bool in_order() {
    MutexLock lock(mutex_);
    return in_order_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  uint64_t last_ GUARDED_BY(mutex_) = 0;
  bool in_order_ GUARDED_BY(mutex_) = true;
};

std::map<uint64_t, size_t> Sizes(Log& log) {
  std::map<uint64_t, size_t> sizes;
  log.Replay(LogPosition(0),
             [&](LogPosition position, Scn, std::string_view payload) {
               sizes[position.value()] = payload.size();
               return Ok();
             })
      .value();
  return sizes;
}

void WriteFromManyThreads(FileSystem& fs, Durability durability) {
  constexpr int kWriters = 4;
  constexpr int kBatches = 300;
  Environment environment;
  LogOptions options;
  options.create_if_missing = true;
  options.file_bytes = 256 << 10;
  options.durability = durability;
  options.relaxed_sync_nanos = 2 * kNanosPerMilli;
  auto log = environment.Open(fs, options);
  log->Start(LogPosition(0), Scn(0)).value();

  Acknowledged acknowledged;
  std::atomic<int> synced{0};
  std::atomic<uint64_t> bytes{0};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      SeededRandom random(static_cast<uint64_t>(writer));
      for (int batch = 0; batch < kBatches; ++batch) {
        std::string payload(random.Below(2000), 'x');
        bytes += payload.size();
        log->Append(std::move(payload), random.Below(4) == 0 ? Durability::kStrict : durability,
                    [&](LogPosition position, Scn) { acknowledged.Add(position); })
            .value();
        if (random.Below(50) == 0) log->SyncTo(log->last_position(), [&] { ++synced; });
        if (random.Below(100) == 0) acknowledged.WaitFor(log->last_position().value());
      }
    });
  }
  std::thread trimmer([&] {
    while (log->files().size() < 2) std::this_thread::yield();
    log->Trim(LogPosition(0)).value();
  });
  for (auto& writer : writers) writer.join();
  trimmer.join();
  const uint64_t last = log->last_position().value();
  REQUIRE(last == kWriters * kBatches);
  log->Close();
  acknowledged.WaitFor(last);  // has happened: Close calls every callback
  REQUIRE(acknowledged.in_order());
  REQUIRE(log->durable_position() == LogPosition(last));
  log.reset();

  auto again = environment.Open(fs, options);
  const auto sizes = Sizes(*again);
  REQUIRE(sizes.size() == last);
  uint64_t found = 0;
  for (const auto& [position, size] : sizes) found += size;
  REQUIRE(found == bytes);
  again->Close();
}

TEST_CASE("many threads append to a log in memory", "[wal][threads]") {
  auto fs = MemoryFileSystem::Create();
  WriteFromManyThreads(*fs, Durability::kStrict);
}

TEST_CASE("many threads append to a relaxed log in memory", "[wal][threads]") {
  auto fs = MemoryFileSystem::Create();
  WriteFromManyThreads(*fs, Durability::kRelaxed);
}

TEST_CASE("many threads append to a log on the disk", "[wal][threads][disk]") {
  TempDirectory directory;
  auto fs = OpenDiskFileSystem(directory.path(), {}).value();
  WriteFromManyThreads(*fs, Durability::kStrict);
}

TEST_CASE("closing while others append commits what was accepted and refuses the rest",
          "[wal][threads]") {
  for (int round = 0; round < 20; ++round) {
    auto fs = MemoryFileSystem::Create();
    Environment environment;
    LogOptions options;
    options.create_if_missing = true;
    options.file_bytes = 64 << 10;
    options.queued_bytes_max = 32 << 10;
    auto log = environment.Open(*fs, options);
    log->Start(LogPosition(0), Scn(0)).value();
    std::atomic<uint64_t> accepted{0};
    std::atomic<uint64_t> called{0};
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 3; ++writer) {
      writers.emplace_back([&] {
        for (;;) {
          const auto appended = log->Append(std::string(1000, 'x'), Durability::kStrict,
                                            [&](LogPosition, Scn) { ++called; });
          if (!appended && appended.error().code == ErrorCode::kUnavailable) return;
          if (appended) ++accepted;
        }
      });
    }
    while (called < 5) std::this_thread::yield();
    log->Close();
    for (auto& writer : writers) writer.join();
    REQUIRE(called == accepted);
    auto again = environment.Open(*fs, options);
    REQUIRE(Sizes(*again).size() == accepted);
    again->Close();
  }
}

}  // namespace
}  // namespace ficus
