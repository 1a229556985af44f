#include "engine/part/part_index.h"

#include <string>
#include <utility>

#include "engine/part/block_cache.h"

namespace ficus {
namespace {

constexpr uint64_t kMetaBytesMax = 256 << 20;

}  // namespace

PartIndex::PartIndex(FileNumber number, uint64_t owner, const SectionFooter& footer)
    : number_(number),
      owner_(owner),
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
  BlockCache& cache = BlockCache::ForProcess();
  if (auto block = cache.Find<PrimaryBlock>(owner_, extent.offset); block != nullptr) return block;
  ASSIGN_OR_RETURN(const std::string_view bytes, window.Read(extent.offset, extent.bytes));
  auto decoded = DecodePrimary(bytes, entry, number_.value(), data_end());
  if (!decoded.has_value()) {
    return BadRange(extent.offset, extent.bytes, decoded.error().message);
  }
  auto block = std::make_shared<const PrimaryBlock>(std::move(decoded).value());
  if (ledger != nullptr) cache.Keep(owner_, extent.offset, block, MemoryBytes(*block), *ledger);
  return block;
}

}  // namespace ficus
