// A file of the operating system, whichever engine moves its bytes.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "engine/io/file_descriptor.h"
#include "engine/io/file_system.h"
#include "engine/io/io_verdict.h"

namespace ficus {

class PosixFileSystem;

class PosixFile final : public File {
 public:
  PosixFile(PosixFileSystem& fs, FileDescriptor descriptor, std::string_view path,
            OpenOptions options);

  Result<> ReadAt(uint64_t offset, std::span<char> out) override;
  Result<> WriteAt(uint64_t offset, std::string_view data) override;
  Result<> Sync(SyncKind kind) override;
  Result<> Allocate(uint64_t offset, uint64_t bytes) override;
  Result<> Truncate(uint64_t bytes) override;
  Result<uint64_t> Size() override;
  Result<> DropCache() override;

  bool direct() const override { return options_.direct; }
  FileClass file_class() const override { return options_.file_class; }
  const std::string& path() const override { return path_; }

  const PosixFileSystem& fs() const { return fs_; }
  int descriptor() const { return descriptor_.number(); }
  FileSpace space() const { return space_; }

 private:
  Result<> Done(IoOp op, int error_number) const;

  PosixFileSystem& fs_;
  const FileDescriptor descriptor_;
  const std::string path_;
  const OpenOptions options_;
  std::atomic<FileSpace> space_;
};

}  // namespace ficus
