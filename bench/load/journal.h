// What the client knows for sure, in a file that outlives a killed node: which points it may have
// sent, and which the node has acknowledged.
//
// Lines of text, each handed to the system by one write() at the end of the file:
//
//     run <number> <group> <series> <streams> <start ms> <step ms>     a client started
//     issued <run> <stream> <first> <count>    in front of the first of these requests
//     acked <run> <stream> <first> <count>     after the replies have been read
//
// The points are GeneratedPoints of the run's layout, so numbers say everything. A last line
// without its end is left out: its writer died.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/generated_points.h"
#include "bench/load/range_set.h"
#include "engine/base/result.h"

namespace ficus::load {

struct JournalRun {
  std::string group;
  GeneratedLayout layout;
  std::vector<RangeSet> issued;  // by stream
  std::vector<RangeSet> acked;   // by stream
};

// kIo when the file cannot be read; kCorruption names the line that breaks the format.
Result<std::vector<JournalRun>> ReadJournal(const std::string& path);
// The same for the file's content.
Result<std::vector<JournalRun>> ParseJournal(std::string_view text);

// Any thread. After an error nothing that depends on the line may be done.
class JournalWriter {
 public:
  // Appends a run to the file, which is created when missing.
  static Result<std::unique_ptr<JournalWriter>> Open(const std::string& path,
                                                     const std::string& group,
                                                     const GeneratedLayout& layout);
  ~JournalWriter();
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

  Result<> Issued(uint32_t stream, uint64_t first, uint64_t count);
  Result<> Acked(uint32_t stream, uint64_t first, uint64_t count);

 private:
  JournalWriter(int descriptor, size_t run) : descriptor_(descriptor), run_(run) {}
  Result<> Append(std::string_view line);

  const int descriptor_;
  const size_t run_;
};

}  // namespace ficus::load
