// A block's bytes to rows: every checksum first, then the rows and columns that are wanted.
#pragma once

#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/ids.h"
#include "engine/model/row_batch.h"
#include "engine/part/block_codec.h"
#include "engine/part/block_header.h"
#include "engine/part/row_source.h"

namespace ficus {

// Bytes of a file, read.
struct FilePiece {
  uint64_t offset = 0;
  std::string_view bytes;
};

// Pieces that cover the extents a caller wants.
class BlockReader {
 public:
  // Does not outlive what it names. `pieces` ascend and do not overlap.
  BlockReader(FileNumber number, const BlockHeader& header, std::vector<FilePiece> pieces)
      : number_(number), header_(header), pieces_(std::move(pieces)) {}

  // The verified bytes of an extent of the header. kCorruption names the byte range.
  Result<std::string_view> Keys() const;
  Result<std::string_view> Column(const BlockColumn& column) const;

  // All rows with all columns.
  Result<RowBatch> ReadAll() const;
  // The rows of the request and its columns; empty when there are none.
  Result<RowBatch> Read(const ScanRequest& request) const;
  // The values of one column for all rows.
  Result<ColumnValues> ReadColumn(const BlockColumn& column) const;
  Result<RawBlock> ReadRaw() const;

 private:
  std::string_view Bytes(uint64_t offset, uint64_t bytes) const;
  Result<std::string_view> Verified(const Extent& extent, std::string_view what) const;
  Result<BlockKeys> DecodeKeysHere() const;
  Result<ColumnValues> DecodeColumnHere(const BlockColumn& column) const;

  const FileNumber number_;
  const BlockHeader& header_;
  const std::vector<FilePiece> pieces_;
};

// The extents that a reader of `columns` (ascending; null: all) needs, joined where they touch or
// are close. Offsets ascend.
std::vector<Extent> WantedExtents(const BlockHeader& header, const std::vector<ColumnId>* columns);

// The rows of `keys` that the request wants, as ascending ranges that neither touch nor overlap.
std::vector<RowRange> SelectRows(const BlockKeys& keys, const ScanRequest& request);

}  // namespace ficus
