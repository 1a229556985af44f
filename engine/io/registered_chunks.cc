#include "engine/io/registered_chunks.h"

namespace ficus {

std::optional<WriteChunk> RegisteredChunks::Take() {
  MutexLock lock(mutex_);
  if (memory_.size() == 0) {
    memory_ = AlignedBuffer(kCount * kBytes);
    for (size_t i = 0; i < kCount; ++i) free_.push_back(i);
  }
  if (free_.empty()) return std::nullopt;
  const size_t index = free_.back();
  free_.pop_back();
  return WriteChunk({memory_.data() + index * kBytes, kBytes}, [this, index] { GiveBack(index); });
}

void RegisteredChunks::GiveBack(size_t index) {
  MutexLock lock(mutex_);
  free_.push_back(index);
}

int RegisteredChunks::IndexOf(const char* bytes, size_t size) const {
  MutexLock lock(mutex_);
  const auto begin = reinterpret_cast<uintptr_t>(memory_.data());
  const auto at = reinterpret_cast<uintptr_t>(bytes);
  if (memory_.size() == 0 || at < begin || at - begin >= memory_.size()) return -1;
  const size_t index = (at - begin) / kBytes;
  return size <= (index + 1) * kBytes - (at - begin) ? static_cast<int>(index) : -1;
}

std::vector<iovec> RegisteredChunks::Vectors() const {
  MutexLock lock(mutex_);
  std::vector<iovec> vectors;
  if (memory_.size() == 0) return vectors;
  for (size_t i = 0; i < kCount; ++i) {
    vectors.push_back({const_cast<char*>(memory_.data()) + i * kBytes, kBytes});
  }
  return vectors;
}

}  // namespace ficus
