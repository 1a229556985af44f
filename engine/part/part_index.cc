#include "engine/part/part_index.h"

#include <iterator>
#include <string>
#include <utility>

namespace ficus {
namespace {

constexpr uint64_t kMetaBytesMax = 256 << 20;
// Decoded primary blocks kept for one part.
constexpr size_t kCachedBytesMax = 1 << 20;
constexpr size_t kCachedBlocksMax = 16;

}  // namespace

PartIndex::PartIndex(FileNumber number, const SectionFooter& footer)
    : number_(number),
      data_(*footer.Find(SectionKind::kData)),
      primary_(*footer.Find(SectionKind::kPrimary)),
      meta_(*footer.Find(SectionKind::kMeta)) {}

Result<std::shared_ptr<const SparseIndex>> PartIndex::Load(File& file, MemoryLedger* ledger) const {
  {
    MutexLock lock(mutex_);
    if (sparse_ != nullptr) return sparse_;
  }
  ASSIGN_OR_RETURN(const std::string bytes, ReadSection(file, meta_, kMetaBytesMax));
  auto decoded = DecodeMeta(bytes, primary_.offset, primary_.bytes, data_end());
  if (!decoded.has_value()) {
    return BadRange(meta_.offset, meta_.bytes, decoded.error().message);
  }
  auto sparse = std::make_shared<const SparseIndex>(std::move(decoded).value());
  if (ledger == nullptr) return sparse;
  auto memory = ledger->Reserve(MemoryConsumer::kCaches, sparse->capacity() * sizeof(PrimaryEntry));
  if (memory.has_value()) {
    MutexLock lock(mutex_);
    if (sparse_ == nullptr) {
      sparse_ = sparse;
      sparse_memory_ = std::move(memory).value();
    }
  }
  return sparse;
}

Result<std::shared_ptr<const PrimaryBlock>> PartIndex::LoadPrimary(FileWindow& window,
                                                                   const PrimaryEntry& entry,
                                                                   MemoryLedger* ledger) const {
  const Extent& extent = entry.extent;
  if (auto block = Find(extent.offset); block != nullptr) return block;
  ASSIGN_OR_RETURN(const std::string_view bytes, window.Read(extent.offset, extent.bytes));
  auto decoded = DecodePrimary(bytes, entry, number_.value(), data_end());
  if (!decoded.has_value()) {
    return BadRange(extent.offset, extent.bytes, decoded.error().message);
  }
  auto block = std::make_shared<const PrimaryBlock>(std::move(decoded).value());
  if (ledger != nullptr) Keep(extent.offset, block, *ledger);
  return block;
}

std::shared_ptr<const PrimaryBlock> PartIndex::Find(uint64_t offset) const {
  MutexLock lock(mutex_);
  for (auto place = cached_.begin(); place != cached_.end(); ++place) {
    if (place->offset != offset) continue;
    cached_.splice(cached_.begin(), cached_, place);
    return place->block;
  }
  return nullptr;
}

void PartIndex::Keep(uint64_t offset, const std::shared_ptr<const PrimaryBlock>& block,
                     MemoryLedger& ledger) const {
  const size_t bytes = MemoryBytes(*block);
  auto memory = ledger.Reserve(MemoryConsumer::kCaches, bytes);
  if (!memory.has_value()) return;
  std::list<Cached> surplus;
  MutexLock lock(mutex_);
  for (const Cached& other : cached_) {
    if (other.offset == offset) return;
  }
  cached_.push_front({offset, block, std::move(memory).value()});
  cached_bytes_ += bytes;
  while (cached_.size() > 1 &&
         (cached_bytes_ > kCachedBytesMax || cached_.size() > kCachedBlocksMax)) {
    cached_bytes_ -= cached_.back().memory.bytes();
    surplus.splice(surplus.begin(), cached_, std::prev(cached_.end()));
  }
}

}  // namespace ficus
