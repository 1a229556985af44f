// The bytes of a file in memory: sparse, and cheap to copy.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace ficus {

// A copy shares its pages with the original until one of them changes. One thread at a time for all
// copies that may still share pages.
class MemoryContent {
 public:
  uint64_t size() const { return size_; }
  // Offset and length must lie within size().
  void Read(uint64_t offset, std::span<char> out) const;
  // Grows with zeros where needed.
  void Write(uint64_t offset, std::string_view bytes);
  // Of size and bytes; a page of zeros counts like one that was never written.
  uint64_t Digest() const;
  // Cuts, or grows with zeros.
  void Resize(uint64_t size);

 private:
  static constexpr uint64_t kPageBytes = 4096;
  struct Page {
    std::array<char, kPageBytes> bytes{};
    std::optional<uint64_t> digest;  // of the bytes as they are, once it was asked for
  };
  // By page number; a page that is missing holds zeros.
  using Pages = std::map<uint64_t, std::shared_ptr<Page>>;

  Pages& OwnPages();
  // For writing.
  std::array<char, kPageBytes>& OwnPage(uint64_t number);
  void ZeroTail();

  uint64_t size_ = 0;
  std::shared_ptr<Pages> pages_;
};

}  // namespace ficus
