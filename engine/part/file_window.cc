#include "engine/part/file_window.h"

#include <algorithm>

#include "engine/base/check.h"

namespace ficus {

Result<std::string_view> FileWindow::Read(uint64_t offset, size_t bytes) {
  CHECK(bytes <= end_ && offset <= end_ - bytes) << offset << " + " << bytes << " of " << end_;
  const bool inside = offset >= window_offset_ && offset - window_offset_ <= window_.size() &&
                      bytes <= window_.size() - (offset - window_offset_);
  if (!inside) {
    const uint64_t wanted = std::max<uint64_t>(bytes, window_bytes_);
    window_.resize(static_cast<size_t>(std::min<uint64_t>(wanted, end_ - offset)));
    window_offset_ = offset;
    if (auto read = file_.ReadAt(offset, window_); !read.has_value()) {
      window_.clear();
      return std::move(read).error();
    }
    bytes_read_ += window_.size();
  }
  return std::string_view(window_).substr(static_cast<size_t>(offset - window_offset_), bytes);
}

}  // namespace ficus
