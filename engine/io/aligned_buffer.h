// Memory that O_DIRECT accepts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

namespace ficus {

inline constexpr size_t kDirectAlignment = 4096;

// `size` bytes at an address that is a multiple of kDirectAlignment; the contents start undefined.
// Movable.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // `size` is rounded up to a multiple of kDirectAlignment. Throws std::bad_alloc.
  explicit AlignedBuffer(size_t size);

  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }
  size_t size() const { return size_; }
  std::span<char> span() { return {bytes_.get(), size_}; }

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };

  std::unique_ptr<char, Free> bytes_;
  size_t size_ = 0;
};

// The next multiple of kDirectAlignment.
constexpr uint64_t RoundUpToDirect(uint64_t bytes) {
  return (bytes + kDirectAlignment - 1) / kDirectAlignment * kDirectAlignment;
}

}  // namespace ficus
