// Memory that rings can pin once, so that the kernel need not look up its pages at each write.
#pragma once

#include <cstddef>
#include <optional>
#include <sys/uio.h>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/io/aligned_buffer.h"
#include "engine/io/file_writer.h"
#include "engine/io/write_chunk.h"

namespace ficus {

// A handful of chunks of one size. Small, because an ordinary user may lock 8 MiB in all rings
// together. Allocated with the first use. Any thread; outlives its chunks.
class RegisteredChunks {
 public:
  static constexpr size_t kCount = 4;
  static constexpr size_t kBytes = FileWriter::kChunkBytes;

  // A chunk of kBytes, or nothing when all are lent.
  std::optional<WriteChunk> Take();

  // Which chunk holds all of the bytes; -1 for none.
  int IndexOf(const char* bytes, size_t size) const;
  // For the registration; empty before the first Take().
  std::vector<iovec> Vectors() const;

 private:
  void GiveBack(size_t index);

  mutable Mutex mutex_;
  AlignedBuffer memory_ GUARDED_BY(mutex_);
  std::vector<size_t> free_ GUARDED_BY(mutex_);
};

}  // namespace ficus
