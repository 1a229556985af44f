// Says whether a committed backup could be restored, by looking at what the store holds.
//
//     quick    commit record, manifest, and the size of every object by one listing of the time
//              directory: finds what is missing or has another length
//     sample   quick, and reads back objects chosen by a seed until they make up the asked share of
//              the bytes
//     full     quick, and reads back every object: length and sha256
//
// Damage is an answer, not an error: verification goes on and names every damaged object. Errors
// are those of a store that cannot be asked (away, refused, cancelled).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "server/backup/manifest.h"
#include "server/remote/object_store.h"

namespace ficus {

struct VerifyRequest {
  VerifyLevel level = VerifyLevel::kFull;
  double sample_percent = 5;  // of the bytes, for kSample; 0 to 100
  uint64_t seed = 0;          // which objects a sample takes
  size_t concurrency = 4;     // reads at a time, 1 to 64
};

// Never falls.
struct VerifyProgress {
  uint64_t objects_done = 0;
  uint64_t objects_total = 0;
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;
};
// Called by the reading threads, one at a time.
using VerifyProgressSink = std::function<void(const VerifyProgress&)>;

// What `commit` promises against what `store` holds; the record is not written. Blocks; reads with
// `concurrency` threads, of which it starts and joins all but the calling one, and with fewer where
// the machine has none left. kInvalidArgument for a request out of range.
Result<VerificationRecord> Verify(ObjectStore& store, const CommitRecord& commit,
                                  const VerifyRequest& request, const Clock& clock,
                                  std::stop_token stop, const VerifyProgressSink& progress = {});

// Puts the record where the repository finds it, unless the one there says more about the same
// commit: damage stays until a full verification finds none, and a lesser verification does not
// replace a full one. Returns whether it was put.
Result<bool> RecordVerification(ObjectStore& store, const VerificationRecord& verification,
                                std::stop_token stop);

}  // namespace ficus
