// Removes files that no snapshot and no reader names any more.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>

#include "engine/base/gate.h"
#include "engine/base/mutex.h"
#include "engine/io/file_system.h"
#include "engine/runtime/executor.h"

namespace ficus {

// Lives as long as somebody holds a file of the table, so shared. Threads: any.
class GarbageCleaner : public std::enable_shared_from_this<GarbageCleaner> {
 public:
  // Removals run on `executor`: a reader that lets go last never waits for the disk.
  GarbageCleaner(FileSystem& fs, Executor& executor, std::string directory)
      : fs_(fs), executor_(executor), directory_(std::move(directory)) {}

  // Removes `name`, which no durable manifest names as live, soon.
  void Remove(std::string name);

  // Names removed since the last call: the next manifest need not list them as obsolete any more.
  std::set<std::string> TakeRemoved();

  // No removal runs or waits to run.
  bool IsDrained() const { return gate_.empty(); }
  // Starts no new removals and waits for the running ones. What was not removed is removed at the
  // next open.
  void Close() { gate_.Close(); }

 private:
  void RemoveNow(const std::string& name);

  FileSystem& fs_;
  Executor& executor_;
  const std::string directory_;
  Gate gate_;

  Mutex mutex_;
  std::set<std::string> removed_ GUARDED_BY(mutex_);
};

// One file of a table. Once doomed it is removed when the last holder lets go.
class FileHandle {
 public:
  FileHandle(std::shared_ptr<GarbageCleaner> cleaner, std::string name)
      : cleaner_(std::move(cleaner)), name_(std::move(name)) {}
  ~FileHandle();
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;

  // No durable manifest names this file as live: not yet, or not any more.
  void Doom();
  // A durable manifest names it.
  void Save();
  const std::string& name() const { return name_; }

 private:
  const std::shared_ptr<GarbageCleaner> cleaner_;
  const std::string name_;
  std::atomic<bool> doomed_{false};
};

}  // namespace ficus
