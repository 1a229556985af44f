// Writes one new file from front to back: collects into aligned chunks, submits them without
// waiting for each, and publishes under the final name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// One thread. Destroyed before Publish: the temporary is removed, unless an exception (a stop
// played in a test) is on its way. Holds up to kChunksMax chunks and waits only when all are full.
class FileWriter {
 public:
  struct Options {
    FileClass file_class = FileClass::kFlush;
    // Files expected to be at least this large are written with O_DIRECT so that they do not evict
    // hot pages.
    uint64_t expected_bytes = 0;
  };
  static constexpr uint64_t kDirectBytesMin = 4 << 20;
  static constexpr size_t kChunkBytes = 1 << 20;
  static constexpr size_t kChunksMax = 4;

  // Creates a temporary beside `path`, whose parent must exist. Reserves `expected_bytes` of space
  // where given.
  static Result<std::unique_ptr<FileWriter>> Create(FileSystem& fs, RandomSource& random,
                                                    std::string_view path, Options options);
  virtual ~FileWriter() = default;

  // After an error every later call returns the same error.
  virtual Result<> Append(std::string_view bytes) = 0;
  // Bytes appended so far.
  virtual uint64_t offset() const = 0;
  // Writes the rest, trims to offset(), syncs, renames to the final name, syncs the directory.
  // Once.
  virtual Result<> Publish() = 0;
};

}  // namespace ficus
