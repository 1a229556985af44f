// Makes the next file of the log before it is needed, so that no append waits for it.
//
//     create <number>.log.<random>.tmp, allocate, write zeros, fsync      Step(), many
//     write the header, fsync, rename to <number>.log, fsync directory    Publish(), once
//
// A file with a log file's name therefore always has a whole, durable header and space for its
// records: whatever else a reader finds is damage. The zeros are written, not only allocated,
// because the first write to allocated space changes metadata as well and then every fdatasync
// waits for the journal. A reader sees zeros either way, so they are left out when somebody waits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/wal/log_format.h"

namespace ficus {

// One thread at a time. Destroyed before Publish: the temporary stays for the next Open to remove,
// as after a crash.
class LogFileMaker {
 public:
  // `bytes` is rounded up to whole groups.
  LogFileMaker(FileSystem& fs, RandomSource& random, uint64_t number, uint64_t bytes);

  // Does a bounded piece of the work; true when all is done. After an error (kNoSpace, or no
  // descriptor left) nothing stays on the disk, and the maker is of no more use.
  Result<bool> Step();

  // Gives the finished file its header and name, durably, and opens it. After an error may be
  // called again, with the same header.
  Result<std::unique_ptr<File>> Publish(const LogFileHeader& header);

  // A finished file may be asked to become larger; Step() has work again then. One that has its
  // final name stays as it is.
  void Extend(uint64_t bytes);

  // Leaves out the zeros that are not written yet.
  void Hurry() { hurry_ = true; }

  // Removes the temporary.
  void Discard();

  // Nothing is left for Step().
  bool finished() const { return synced_; }
  // Has its final name: only opening it has failed.
  bool named() const { return renamed_; }
  uint64_t number() const { return number_; }
  uint64_t bytes() const { return bytes_; }
  // Checksum of the published header, with which the chain of the file begins.
  uint32_t chain() const { return chain_; }

 private:
  Result<> Work();
  Result<> WriteZeros();
  Result<> WriteHeaderAndRename(const LogFileHeader& header);

  FileSystem& fs_;
  const uint64_t number_;
  const std::string temporary_;
  uint64_t bytes_;
  std::unique_ptr<File> file_;
  uint64_t allocated_end_ = 0;
  uint64_t zeros_end_ = 0;
  bool hurry_ = false;
  bool synced_ = false;
  uint32_t chain_ = 0;
  bool renamed_ = false;
  bool durable_ = false;
};

}  // namespace ficus
