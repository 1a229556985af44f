#include "engine/part/part_blocks.h"

#include <utility>

#include "engine/base/check.h"

namespace ficus {
namespace {

constexpr size_t kHeaderWindowBytes = 64 << 10;
constexpr size_t kDataWindowBytes = 512 << 10;

}  // namespace

PartBlocks::PartBlocks(const FilePart& part, std::unique_ptr<File> file)
    : part_(part),
      file_(std::move(file)),
      headers_(*file_, part.index().primary_end(), kHeaderWindowBytes),
      data_(*file_, part.index().data_end(), kDataWindowBytes) {}

Result<bool> PartBlocks::Find() {
  if (sparse_ == nullptr) {
    ASSIGN_OR_RETURN(sparse_, part_.index().Load(*file_, nullptr));
  }
  while (primary_ == nullptr || block_ == primary_->size()) {
    if (entry_ == sparse_->size()) return false;
    const PrimaryEntry& entry = (*sparse_)[entry_];
    ASSIGN_OR_RETURN(primary_, part_.index().LoadPrimary(headers_, entry, nullptr));
    ++entry_;
    block_ = 0;
    if (has_current_ && !MayFollow(current_, primary_->front())) {
      return BadRange(entry.extent.offset, entry.extent.bytes,
                      "primary block: its blocks come before the last ones");
    }
  }
  return true;
}

Result<const BlockHeader*> PartBlocks::Peek() {
  const auto found = Find();
  if (!found.has_value()) return part_.Named(found.error());
  return *found ? &(*primary_)[block_] : nullptr;
}

Result<bool> PartBlocks::Next(BlockHeader& header) {
  ASSIGN_OR_RETURN(const BlockHeader* next, Peek());
  if (next == nullptr) return false;
  header = current_ = *next;
  has_current_ = true;
  ++block_;
  return true;
}

Result<BlockReader> PartBlocks::Open() {
  CHECK(has_current_) << "no block yet";
  const Extent& keys = current_.keys;
  ASSIGN_OR_RETURN(const std::string_view bytes,
                   data_.Read(keys.offset, static_cast<size_t>(current_.bytes())));
  return BlockReader(part_.info().number, current_, {{keys.offset, bytes}});
}

Result<RowBatch> PartBlocks::Read() {
  auto reader = Open();
  if (!reader.has_value()) return part_.Named(std::move(reader).error());
  auto rows = reader.value().ReadAll();
  if (rows.has_value()) return rows;
  return part_.Named(std::move(rows).error());
}

Result<RawBlock> PartBlocks::ReadRaw() {
  auto reader = Open();
  if (!reader.has_value()) return part_.Named(std::move(reader).error());
  auto raw = reader.value().ReadRaw();
  if (raw.has_value()) return raw;
  return part_.Named(std::move(raw).error());
}

}  // namespace ficus
