#include "engine/io/memory_content.h"

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"

namespace ficus {

void MemoryContent::Read(uint64_t offset, std::span<char> out) const {
  CHECK(offset <= size_ && out.size() <= size_ - offset) << "read beyond the end";
  while (!out.empty()) {
    const uint64_t in_page = offset % kPageBytes;
    const auto count = std::min<uint64_t>(out.size(), kPageBytes - in_page);
    const auto page = pages_ == nullptr ? Pages::iterator() : pages_->find(offset / kPageBytes);
    if (pages_ == nullptr || page == pages_->end()) {
      std::memset(out.data(), 0, count);
    } else {
      std::memcpy(out.data(), page->second->data() + in_page, count);
    }
    out = out.subspan(count);
    offset += count;
  }
}

void MemoryContent::Write(uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  size_ = std::max<uint64_t>(size_, offset + bytes.size());
  while (!bytes.empty()) {
    const uint64_t in_page = offset % kPageBytes;
    const auto count = std::min<uint64_t>(bytes.size(), kPageBytes - in_page);
    std::memcpy(OwnPage(offset / kPageBytes).data() + in_page, bytes.data(), count);
    bytes.remove_prefix(count);
    offset += count;
  }
}

void MemoryContent::Resize(uint64_t size) {
  const bool cut = size < size_;
  size_ = size;
  if (cut && pages_ != nullptr) ZeroTail();
}

// What lies beyond the end must read as zeros when the file grows again.
void MemoryContent::ZeroTail() {
  Pages& pages = OwnPages();
  pages.erase(pages.lower_bound((size_ + kPageBytes - 1) / kPageBytes), pages.end());
  const uint64_t in_page = size_ % kPageBytes;
  if (in_page == 0 || pages.count(size_ / kPageBytes) == 0) return;
  Page& page = OwnPage(size_ / kPageBytes);
  std::fill(page.begin() + static_cast<ptrdiff_t>(in_page), page.end(), '\0');
}

MemoryContent::Pages& MemoryContent::OwnPages() {
  if (pages_ == nullptr) {
    pages_ = std::make_shared<Pages>();
  } else if (pages_.use_count() > 1) {
    pages_ = std::make_shared<Pages>(*pages_);
  }
  return *pages_;
}

MemoryContent::Page& MemoryContent::OwnPage(uint64_t number) {
  std::shared_ptr<Page>& page = OwnPages()[number];
  if (page == nullptr) {
    page = std::make_shared<Page>();  // zeros
  } else if (page.use_count() > 1) {
    page = std::make_shared<Page>(*page);
  }
  return *page;
}

}  // namespace ficus
