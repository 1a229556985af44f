#include "engine/io/memory_content.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "engine/base/check.h"

namespace ficus {
namespace {

// Odd, half of its bits set.
constexpr uint64_t kDigestFactor = 0x9e3779b97f4a7c15;

// 0 for zeros.
uint64_t DigestOf(std::span<const char> page) {
  uint64_t digest = 0;
  for (size_t at = 0; at < page.size(); at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, page.data() + at, sizeof word);
    digest = (std::rotl(digest, 23) ^ word) * kDigestFactor;
  }
  return digest;
}

}  // namespace

void MemoryContent::Read(uint64_t offset, std::span<char> out) const {
  CHECK(offset <= size_ && out.size() <= size_ - offset) << "read beyond the end";
  while (!out.empty()) {
    const uint64_t in_page = offset % kPageBytes;
    const auto count = std::min<uint64_t>(out.size(), kPageBytes - in_page);
    const auto page = pages_ == nullptr ? Pages::iterator() : pages_->find(offset / kPageBytes);
    if (pages_ == nullptr || page == pages_->end()) {
      std::memset(out.data(), 0, count);
    } else {
      std::memcpy(out.data(), page->second->bytes.data() + in_page, count);
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

uint64_t MemoryContent::Digest() const {
  uint64_t digest = size_;
  if (pages_ == nullptr) return digest;
  for (const auto& [number, page] : *pages_) {
    if (!page->digest.has_value()) page->digest = DigestOf(page->bytes);
    if (*page->digest == 0) continue;
    digest = (std::rotl(digest, 23) ^ *page->digest ^ number) * kDigestFactor;
  }
  return digest;
}

// What lies beyond the end must read as zeros when the file grows again.
void MemoryContent::ZeroTail() {
  Pages& pages = OwnPages();
  pages.erase(pages.lower_bound((size_ + kPageBytes - 1) / kPageBytes), pages.end());
  const uint64_t in_page = size_ % kPageBytes;
  if (in_page == 0 || pages.count(size_ / kPageBytes) == 0) return;
  auto& page = OwnPage(size_ / kPageBytes);
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

std::array<char, MemoryContent::kPageBytes>& MemoryContent::OwnPage(uint64_t number) {
  std::shared_ptr<Page>& page = OwnPages()[number];
  if (page == nullptr) {
    page = std::make_shared<Page>();  // zeros
  } else if (page.use_count() > 1) {
    page = std::make_shared<Page>(*page);
  }
  page->digest.reset();
  return page->bytes;
}

}  // namespace ficus
