// Reads a log without changing it: what Log::Open builds on, and what `ficusctl log` shows.
//
// Open looks at every byte once and reports, file by file, what is intact. A log is intact when its
// files bear one log id and consecutive numbers, each continues the one before, and nothing that
// was durable is missing. What may be missing is the end of the last file: a group that was being
// written when the process died, and which therefore nobody was told about. It counts as durable
// when an intact fragment behind it, or the header of the next file, says so.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/log_position.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/wal/log_format.h"

namespace ficus {

struct LogFileReport {
  std::string name;
  uint64_t number = 0;  // of the name
  uint64_t bytes = 0;
  std::optional<LogFileHeader> header;  // none when it is damaged; then nothing else is known
  LogPosition first;                    // first batch
  LogPosition last;                     // last intact batch; below `first` when there is none
  uint64_t batches = 0;
  Scn scn;                  // highest in header and intact batches
  uint64_t intact_end = 0;  // where the last intact batch ends
  uint32_t chain = 0;       // checksum of the last intact fragment
  uint64_t used_end = 0;    // behind the last byte that is not zero, at least intact_end
};

// The first thing wrong.
struct LogDamage {
  std::string file;
  uint64_t begin = 0;  // of the bytes that are damaged or missing
  uint64_t end = 0;
  std::string what;

  Error ToError() const;
};

struct LogReport {
  LogId id;                          // of the first readable header
  LogPosition first;                 // first position in the files
  LogPosition last;                  // last intact position in front of the damage, or of all
  Scn scn;                           // highest in headers and intact batches
  LogPosition highest;               // at least `last`: behind the damage and in lost files, too
  std::vector<LogFileReport> files;  // oldest first
  // So many of them, from the first, are part of this log up to the damage.
  size_t readable_files = 0;
  std::optional<LogDamage> damage;
  bool torn_tail = false;  // the last file ends in the remains of a group that was never durable
};

struct LogReaderOptions {
  FileClass file_class = FileClass::kTool;
  // Reads what the device has, not what the page cache remembers.
  bool drop_cache = false;
  // Ends Open() between two batches, with kCancelled.
  std::stop_token stop = {};
};

// One thread. `fs`, rooted at the log's directory, outlives it. Needs no lock: on a log in use the
// report is of some moment, and its end may look torn.
class LogReader {
 public:
  // kNotFound: no log file. kUnsupportedVersion: written by a newer build. Damage is no error here
  // but part of the report.
  static Result<std::unique_ptr<LogReader>> Open(FileSystem& fs, LogReaderOptions options);

  const LogReport& report() const { return report_; }

  struct Batch {
    LogPosition position;
    Scn scn;
    std::string_view payload;  // valid during the visit
    const std::string& file;
    uint64_t offset;  // in the file, where the batch begins
  };
  // Hands the intact batches from `from` on to `visit`, in order, up to the end or the damage;
  // never past a hole. Stops at the first error of `visit` and returns it.
  using Visit = std::function<Result<>(const Batch&)>;
  Result<> Read(LogPosition from, const Visit& visit) const;

 private:
  LogReader(FileSystem& fs, LogReaderOptions options) : fs_(fs), options_(std::move(options)) {}

  // Of one file, besides what is reported: what its scan found out and the judgement needs.
  struct Scanned {
    std::optional<LogDamage> damage;  // in the file by itself
    LogPosition end;                  // last position in this file and all before
    uint64_t stop_offset = 0;         // where reading could not go on
    uint64_t resume_offset = 0;       // first intact fragment behind it; 0: none
    LogPosition synced;               // what the fragments there call durable
    LogPosition highest;              // position of a fragment there
  };

  Result<> ListFiles();
  Result<Scanned> Scan(LogFileReport& report);
  Result<> ScanBatches(File& file, LogFileReport& report, Scanned& scanned);
  std::optional<LogDamage> JudgeContents(const Scanned& here, size_t index) const;
  std::optional<LogDamage> JudgeSequence(const Scanned& before, size_t index) const;
  LogDamage Hole(const Scanned& scanned, size_t index, std::string what) const;
  void JoinFiles(const std::vector<Scanned>& scanned);
  void Summarise(const std::vector<Scanned>& scanned);
  Result<> ReadFile(const LogFileReport& report, LogPosition from, const Visit& visit) const;

  FileSystem& fs_;
  const LogReaderOptions options_;
  LogReport report_;
};

}  // namespace ficus
