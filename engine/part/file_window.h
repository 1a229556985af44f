// Reads a file from front to back in pieces larger than what is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// One thread; does not outlive the file.
class FileWindow {
 public:
  // Reads at least `window_bytes` at once, but nothing at or beyond `end`.
  FileWindow(File& file, uint64_t end, size_t window_bytes)
      : file_(file), end_(end), window_bytes_(window_bytes) {}

  // Bytes [offset, offset + bytes), which end at or before `end`; valid until the next call.
  Result<std::string_view> Read(uint64_t offset, size_t bytes);

  uint64_t bytes_read() const { return bytes_read_; }

 private:
  File& file_;
  const uint64_t end_;
  const size_t window_bytes_;
  std::string window_;
  uint64_t window_offset_ = 0;
  uint64_t bytes_read_ = 0;
};

}  // namespace ficus
