// Objects on their way from a store to their staged place: asked for by range, counted, hashed, and
// given their name only when length and hash are those of the manifest.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "server/backup/manifest.h"
#include "server/remote/object_store.h"

namespace ficus {

enum class HashCheck : uint8_t {
  kRequired,
  kLengthOnly,  // nobody wrote a hash down: the file's own checksums have to do
};

inline constexpr uint64_t kRestoreRangeBytes = 8 << 20;

// The whole object, of at most `bytes_max` bytes. kCorruption: it has another length or hash than
// the manifest says, or changed while it was read. kNotFound: it is gone.
Result<std::string> FetchObject(ObjectStore& store, const BackupObject& object, HashCheck check,
                                uint64_t bytes_max, std::stop_token stop);

// The same as a file at `path`, whose folder exists: its content is durable before it has the name,
// the name itself is not synced. `received` is called with the bytes of each range.
struct Download {
  const BackupObject& object;
  HashCheck check = HashCheck::kRequired;
  const std::string& path;
  const std::function<void(uint64_t bytes)>& received;
};
Result<> DownloadFile(FileSystem& fs, RandomSource& random, ObjectStore& store,
                      const Download& download, std::stop_token stop);

// Whether the file at `path` has the object's length and hash: read whole, not believed by its
// name. Without a hash never.
Result<bool> IsDownloaded(FileSystem& fs, const Download& download, std::stop_token stop);

}  // namespace ficus
