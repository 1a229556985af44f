// What the two engines of the operating system share: names, directories, locks, opening below the
// root, and the way of a transfer from a call to its result.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "engine/io/file_descriptor.h"
#include "engine/io/file_system.h"
#include "engine/io/io_metrics.h"
#include "engine/io/posix_file.h"
#include "engine/io/rooted_directory.h"
#include "engine/io/transfer.h"

namespace ficus {

struct PosixOptions {
  MetricRegistry* metrics = nullptr;
  std::string reason = {};  // why this engine was chosen: a metric label
  // For tests.
  TransferHook hook = {};
  RootedDirectory::Resolution resolution = RootedDirectory::Resolution::kKernel;
};

// Every transfer of file data goes through Run, so an engine counts and orders all of them.
class PosixFileSystem : public FileSystem {
 public:
  Result<std::unique_ptr<File>> Open(std::string_view path, OpenOptions options) final;
  Result<> Read(ReadBatch& batch) final;
  Result<> Write(WriteBatch& batch) final;
  Result<> Rename(std::string_view from, std::string_view to, FileClass file_class) final;
  Result<> Link(std::string_view from, std::string_view to) final;
  Result<> Remove(std::string_view path) final;
  Result<> CreateDirectory(std::string_view path) final;
  Result<> RemoveDirectory(std::string_view path) final;
  Result<> SyncDirectory(std::string_view path, FileClass file_class) final;
  Result<std::vector<DirectoryEntry>> List(std::string_view path) final;
  Result<FileStatus> Status(std::string_view path) final;
  Result<SpaceStatus> Space() final;
  Result<std::unique_ptr<FileLock>> Lock(std::string_view path) final;
  std::string_view engine() const final { return engine_; }
  const std::string& root() const final { return root_; }

  // Runs a batch of one.
  Result<> RunOne(Transfer transfer);

 protected:
  PosixFileSystem(std::string_view engine, std::string_view root, RootedDirectory directory,
                  PosixOptions options);

  // Brings each transfer to its end: finished, with or without an error. A sync starts when the
  // writes before it have ended, and is cancelled when one of them failed.
  virtual void Run(std::span<Transfer> transfers) = 0;

  const TransferHook& hook() const { return hook_; }

 private:
  void RunAndCount(std::span<Transfer> transfers);
  void CountName(IoOp op, FileClass file_class, int64_t start, int error_number);
  int OpenToSync(std::string_view path, FileDescriptor& directory);
  int OpenWithSpare(std::string_view path, FileDescriptor& directory);
  void KeepSpare();

  const std::string engine_;
  const std::string root_;
  const RootedDirectory directory_;
  const TransferHook hook_;
  const SystemClock clock_;
  IoMetrics metrics_;

  Mutex spare_mutex_;
  FileDescriptor spare_ GUARDED_BY(spare_mutex_);  // given up for a directory that must be synced
};

}  // namespace ficus
