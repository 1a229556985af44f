// What a run has done, on the node's own disk: so that a run which the end of the process cut short
// goes on where it was, or takes back everything it may have put into the store.
//
//     <root>/backup/<run>.journal
//
// Records are appended and synced one at a time. A torn tail is what a crash leaves and counts as
// never written. Layout: FILE-FORMAT.md, "Backup journal".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "server/backup/backup_spec.h"
#include "server/backup/manifest.h"

namespace ficus {

// How an object of a backup came to its place.
enum class ObjectRoute : uint8_t { kKept = 1, kCopied = 2, kSent = 3 };

struct JournaledObject {
  BackupObject object;
  ObjectRoute route = ObjectRoute::kSent;
  friend bool operator==(const JournaledObject&, const JournaledObject&) = default;
};

// Where a run writes. It may aim again when another backup was committed meanwhile.
struct RunAim {
  std::string place;
  uint64_t generation = 0;
  // Of the newest backup committed in `place` when this one was planned; 0: none.
  uint64_t base_generation = 0;
  friend bool operator==(const RunAim&, const RunAim&) = default;
};

// Everything a journal says.
struct RunHistory {
  std::string run;
  BackupJobSpec spec;  // without civil_time: the place is known
  std::string snapshot;
  UnixNanos started_at = 0;
  std::vector<RunAim> aims;           // the last one counts
  std::vector<std::string> intents;   // keys that the run may have written, data only
  std::vector<JournaledObject> done;  // objects that are whole in the store
  uint64_t committed_generation = 0;  // 0: not committed as far as the journal knows
  bool cancelled = false;             // to be taken back, not resumed
};

inline constexpr uint64_t kJournalBytesMax = uint64_t{4} << 30;
inline constexpr std::string_view kJournalFolder = "backup";

// "backup/<run>.journal"
std::string JournalPath(std::string_view run);

// What the readable records of `bytes` say; `readable` is the offset behind the last of them.
// kNotFound when the end of the process cut it off before its first record was durable: its run had
// done nothing yet. kCorruption when the first record cannot be read although more may follow.
// kUnsupportedVersion when the file or a whole record in it is of another version.
Result<RunHistory> DecodeJournal(std::string_view bytes, uint64_t& readable);

// All members: any thread. A call returns when its record is durable; after an error the journal
// takes nothing more.
class RunJournal {
 public:
  // Creates `<root>/backup/` where missing. Of `history` only what stands before the first aim
  // counts.
  static Result<std::unique_ptr<RunJournal>> Create(FileSystem& fs, const RunHistory& history);
  // Cuts a torn tail off and goes on behind it.
  static Result<std::unique_ptr<RunJournal>> Reopen(FileSystem& fs, std::string_view run,
                                                    RunHistory& history);

  Result<> AddAim(const RunAim& aim);
  Result<> AddIntents(const std::vector<std::string>& keys);
  Result<> AddDone(const JournaledObject& object);
  Result<> AddCommitted(uint64_t generation);
  Result<> AddCancelled();

  // The run has left nothing to be done.
  static Result<> Remove(FileSystem& fs, std::string_view run);

 private:
  RunJournal(std::unique_ptr<File> file, uint64_t offset)
      : file_(std::move(file)), offset_(offset) {}
  Result<> Append(std::string_view frames);

  const std::unique_ptr<File> file_;
  Mutex mutex_;  // orders appends; the file has no other user
  uint64_t offset_ GUARDED_BY(mutex_);
  bool failed_ GUARDED_BY(mutex_) = false;
};

// Ids of the runs whose journals lie in `<root>/backup/`, sorted.
Result<std::vector<std::string>> ListJournals(FileSystem& fs);

}  // namespace ficus
