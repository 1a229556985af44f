// A part's blocks from front to back.
#pragma once

#include <memory>

#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/part/block_header.h"
#include "engine/part/block_reader.h"
#include "engine/part/file_part.h"
#include "engine/part/file_window.h"

namespace ficus {

// Two windows of the file: headers and data. One thread; does not outlive the part.
class PartBlocks final : public Part::Blocks {
 public:
  PartBlocks(const FilePart& part, std::unique_ptr<File> file);
  PartBlocks(const PartBlocks&) = delete;
  PartBlocks& operator=(const PartBlocks&) = delete;

  Result<bool> Next(BlockHeader& header) override;
  Result<const BlockHeader*> Peek() override;
  Result<RowBatch> Read() override;
  Result<RawBlock> ReadRaw() override;

 private:
  // Makes (*primary_)[block_] the next header; false at the end.
  Result<bool> Find();
  Result<BlockReader> Open();

  const FilePart& part_;
  const std::unique_ptr<File> file_;
  FileWindow headers_;
  FileWindow data_;
  std::shared_ptr<const SparseIndex> sparse_;
  std::shared_ptr<const PrimaryBlock> primary_;
  size_t entry_ = 0;     // the next one
  size_t block_ = 0;     // the next one, in *primary_
  BlockHeader current_;  // the one that came last
  bool has_current_ = false;
};

}  // namespace ficus
