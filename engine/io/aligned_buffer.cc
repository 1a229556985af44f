#include "engine/io/aligned_buffer.h"

#include <new>

namespace ficus {

AlignedBuffer::AlignedBuffer(size_t size) : size_(RoundUpToDirect(size)) {
  if (size_ == 0) return;
  bytes_.reset(static_cast<char*>(std::aligned_alloc(kDirectAlignment, size_)));
  if (bytes_ == nullptr) throw std::bad_alloc();
}

}  // namespace ficus
