// Memory that is filled and then written, borrowed from a file system.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <utility>

#include "engine/io/aligned_buffer.h"

namespace ficus {

// Aligned for O_DIRECT; goes back to where it came from when it goes out of scope. Movable.
class WriteChunk {
 public:
  WriteChunk() = default;
  explicit WriteChunk(AlignedBuffer buffer) : buffer_(std::move(buffer)) {
    bytes_ = buffer_.span();
  }
  // Borrowed: `give_back` is called once.
  WriteChunk(std::span<char> bytes, std::function<void()> give_back)
      : bytes_(bytes), give_back_(std::move(give_back)) {}
  WriteChunk(WriteChunk&& other) noexcept { Swap(other); }
  WriteChunk& operator=(WriteChunk&& other) noexcept {
    Swap(other);
    return *this;
  }
  WriteChunk(const WriteChunk&) = delete;
  WriteChunk& operator=(const WriteChunk&) = delete;
  ~WriteChunk() {
    if (give_back_) give_back_();
  }

  char* data() { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }

 private:
  void Swap(WriteChunk& other) noexcept {
    std::swap(buffer_, other.buffer_);
    std::swap(bytes_, other.bytes_);
    std::swap(give_back_, other.give_back_);
  }

  AlignedBuffer buffer_;
  std::span<char> bytes_;
  std::function<void()> give_back_;
};

}  // namespace ficus
