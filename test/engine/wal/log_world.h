// A log on a disk in memory, driven by one thread: what the tests of this room share.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/clock.h"
#include "engine/base/metrics.h"
#include "engine/base/random.h"
#include "engine/io/memory_file_system.h"
#include "engine/runtime/executor.h"
#include "engine/wal/log.h"

namespace ficus {

// One life of a process on `fs`.
class LogWorld {
 public:
  explicit LogWorld(FileSystem& fs, uint64_t seed = 1)
      : random_(seed), executor_(DeterministicExecutor::Create(seed, clock_)), fs_(fs) {}
  ~LogWorld() { Die(); }

  // What a small log of a test is like: files of 16 KiB, room for three groups of one sector each.
  static LogOptions SmallOptions() {
    LogOptions options;
    options.create_if_missing = true;
    options.file_bytes = 16 << 10;
    return options;
  }

  Result<> TryOpen(LogOptions options = SmallOptions()) {
    auto opened = Log::Open({fs_, clock_, random_, *executor_, metrics_}, options);
    if (!opened) return std::move(opened).error();
    log_ = *std::move(opened);
    return Ok();
  }
  void Open(LogOptions options = SmallOptions()) { TryOpen(options).value(); }
  void Start(uint64_t above = 0, uint64_t scn = 0) {
    log_->Start(LogPosition(above), Scn(scn)).value();
  }
  void OpenAndStart(LogOptions options = SmallOptions()) {
    Open(options);
    Start();
  }

  // Position given, or the error.
  Result<LogPosition> TryAppend(std::string payload, Durability must = Durability::kRelaxed) {
    auto appended = log_->Append(payload, must, [this](LogPosition position, Scn scn) {
      acknowledged_.push_back(position.value());
      scns_.push_back(scn.value());
    });
    if (!appended) return std::move(appended).error();
    sent_[log_->last_position().value()] = payload;
    return log_->last_position();
  }
  uint64_t Append(std::string payload, Durability must = Durability::kRelaxed) {
    return TryAppend(std::move(payload), must).value().value();
  }
  void Run() { executor_->RunUntilIdle(); }
  void AppendAndRun(std::string payload) {
    Append(std::move(payload));
    Run();
  }

  // Batches in the log, by position.
  std::map<uint64_t, std::string> Replay(uint64_t from = 0) {
    std::map<uint64_t, std::string> found;
    uint64_t last = 0;
    log_->Replay(LogPosition(from),
                 [&](LogPosition position, Scn, std::string_view payload) {
                   REQUIRE(position.value() > last);
                   last = position.value();
                   found[position.value()] = payload;
                   return Ok();
                 })
        .value();
    return found;
  }

  void Close() {
    log_->Close();
    log_.reset();
  }
  // Without a word: what waits on the executor is gone.
  void Die() {
    executor_->DropAll();
    log_.reset();
  }

  Log& log() { return *log_; }
  ManualClock& clock() { return clock_; }
  DeterministicExecutor& executor() { return *executor_; }
  MetricRegistry& metrics() { return metrics_; }
  const std::vector<uint64_t>& acknowledged() const { return acknowledged_; }
  const std::vector<uint64_t>& scns() const { return scns_; }
  // Accepted batches, by position.
  const std::map<uint64_t, std::string>& sent() const { return sent_; }

 private:
  ManualClock clock_{1'000'000'000};
  SeededRandom random_;
  MetricRegistry metrics_;
  std::unique_ptr<DeterministicExecutor> executor_;
  FileSystem& fs_;
  std::unique_ptr<Log> log_;
  std::vector<uint64_t> acknowledged_;
  std::vector<uint64_t> scns_;
  std::map<uint64_t, std::string> sent_;
};

// Names of the log files in `fs`, oldest first.
inline std::vector<std::string> LogFiles(FileSystem& fs) {
  std::vector<std::string> names;
  const auto entries = fs.List("").value();
  for (const DirectoryEntry& entry : entries) {
    if (entry.name.ends_with(".log")) names.push_back(entry.name);
  }
  return names;
}

// Everything in `fs`, for "nothing was changed".
inline std::map<std::string, std::string> Contents(FileSystem& fs) {
  std::map<std::string, std::string> contents;
  const auto entries = fs.List("").value();
  for (const DirectoryEntry& entry : entries) {
    auto file = fs.Open(entry.name, {}).value();
    std::string bytes(file->Size().value(), '\0');
    file->ReadAt(0, bytes).value();
    contents[entry.name] = bytes;
  }
  return contents;
}

}  // namespace ficus
