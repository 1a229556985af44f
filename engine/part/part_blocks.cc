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

Result<bool> PartBlocks::Step(BlockHeader& header) {
  if (sparse_ == nullptr) {
    ASSIGN_OR_RETURN(sparse_, part_.index().Load(*file_, nullptr));
  }
  while (primary_ == nullptr || block_ == primary_->size()) {
    if (entry_ == sparse_->size()) return false;
    ASSIGN_OR_RETURN(primary_, part_.index().LoadPrimary(headers_, (*sparse_)[entry_], nullptr));
    ++entry_;
    block_ = 0;
  }
  header = (*primary_)[block_++];
  return true;
}

Result<bool> PartBlocks::Next(BlockHeader& header) {
  auto stepped = Step(header);
  if (stepped.has_value()) return stepped;
  return part_.Named(std::move(stepped).error());
}

Result<BlockReader> PartBlocks::Open() {
  CHECK(primary_ != nullptr && block_ > 0) << "no block yet";
  const BlockHeader& header = (*primary_)[block_ - 1];
  ASSIGN_OR_RETURN(const std::string_view bytes,
                   data_.Read(header.keys.offset, static_cast<size_t>(header.bytes())));
  return BlockReader(part_.info().number, header, {{header.keys.offset, bytes}});
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
