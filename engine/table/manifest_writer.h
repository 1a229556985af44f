// The only code that writes a table's manifests: one at a time, each derived from the one before.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/runtime/strand.h"
#include "engine/table/file_numbers.h"
#include "engine/table/garbage_cleaner.h"
#include "engine/table/manifest.h"

namespace ficus {

// Threads: any. Its jobs hold what they need, so it may be destroyed while one waits; the owner's
// gate sees to it that nobody expects an answer then.
class ManifestWriter {
 public:
  // `epochs` is shared with the introducer: no number is given twice.
  struct Environment {
    FileSystem& fs;
    RandomSource& random;
    Executor& executor;
    std::shared_ptr<GarbageCleaner> cleaner;
    std::atomic<uint64_t>& epochs;
    FileNumbers& numbers;
  };
  // `previous` is the epoch of the manifest that is kept beside `current`; 0: none.
  ManifestWriter(Environment environment, std::string directory, Manifest current, Epoch previous);

  // Applies `edit` to a copy of the newest manifest, publishes it durably, then calls `done` with
  // it, on the executor. On an error, of the edit or of the disk, nothing changed. Edits are
  // applied in the order of the calls.
  using Edit = std::function<Result<>(Manifest&)>;
  using Done = std::function<void(const Result<Manifest>&)>;
  void Write(Edit edit, Done done);

 private:
  Result<Manifest> NextManifest(const Edit& edit);
  void WriteNow(const Edit& edit, const Done& done);

  const Environment environment_;
  const std::string directory_;
  Strand strand_;

  // Touched by jobs of strand_ only.
  Manifest current_;
  Epoch previous_epoch_;
};

}  // namespace ficus
