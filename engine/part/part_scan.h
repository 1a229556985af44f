// The rows of a part that a request wants, block by block.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/part/block_header.h"
#include "engine/part/block_reader.h"
#include "engine/part/file_part.h"
#include "engine/part/file_window.h"
#include "engine/part/row_source.h"

namespace ficus {

// Walks the block headers that may hold rows of a request. One thread.
class BlockFinder {
 public:
  // Does not outlive what it names.
  BlockFinder(const FilePart& part, File& file, const ScanRequest& request, MemoryLedger& ledger);

  // The next block to read, or null at the end. Valid as long as `holder`.
  Result<const BlockHeader*> Next(std::shared_ptr<const PrimaryBlock>& holder);

  uint64_t skipped() const { return skipped_; }
  uint64_t bytes_read() const { return window_.bytes_read(); }

 private:
  // The key that the next block must reach; null when no series is left.
  std::optional<SeriesKey> Target() const;
  // Opens the first primary block from entry_ on that may hold `target`. False when there is none
  // to open for it: entry_ or the target has moved.
  Result<bool> OpenPrimary(const SeriesKey& target);
  // Moves the target up to `first`; true when it then lies behind `last`.
  bool WantsNothingIn(const SeriesKey& first, const SeriesKey& last);

  const FilePart& part_;
  File& file_;
  const ScanRequest& request_;
  MemoryLedger& ledger_;
  FileWindow window_;
  std::shared_ptr<const SparseIndex> sparse_;
  size_t entry_ = 0;                             // in *sparse_
  std::shared_ptr<const PrimaryBlock> primary_;  // of entry_, once it was loaded
  size_t block_ = 0;                             // in *primary_
  size_t series_ = 0;                            // in request_.series
  uint64_t skipped_ = 0;
};

// Reads ahead: the blocks that will be wanted next are asked for together.
class PartScan final : public RowCursor, private UnreadRun {
 public:
  PartScan(std::shared_ptr<const FilePart> part, std::shared_ptr<File> file, ScanRequest request,
           MemoryLedger& ledger);

  Result<bool> Next(RowBatch& rows) override;
  Result<bool> NextRun(RowBatch& rows, UnreadRun*& unread) override;
  const ScanCost& cost() const override { return cost_; }

 private:
  struct Fetched {
    BlockHeader header;
    std::vector<Extent> extents;  // none while the block is read only when asked for
    std::vector<size_t> buffers;  // of each extent, in buffers_
    bool is_whole = false;        // may be handed on unread
  };

  // The block at hand, unread.
  const BlockHeader& header() const override { return current_.header; }
  Result<ColumnValues> ReadColumn(const BlockColumn& column) override;
  Result<> ReadRows(RowBatch& rows) override;

  Result<bool> Step(RowBatch& rows, bool may_be_unread, bool& unread);
  // `result`, or its error with the part's name, after which nothing more can be read.
  template <typename T>
  Result<T> Checked(Result<T> result);
  bool IsWhole(const BlockHeader& header) const;
  bool HasAllBounds(const BlockHeader& header) const;
  // Finds and reads the next blocks. Nothing is fetched at the end.
  Result<> Fetch();
  Result<> Find(uint64_t& bytes);
  Result<> Read();
  void AddExtents(Fetched& fetched, uint64_t& bytes);
  // The bytes of the block at hand, read now where they were not fetched.
  Result<std::vector<FilePiece>> CurrentPieces();
  Result<> ReserveDecoded();
  Result<RowBatch> DecodeCurrent();
  // Blocks whose last series goes on in the next must not overlap; only their rows tell.
  Result<> CheckOrder(SeriesId first_series, UnixNanos first_time, SeriesId last_series,
                      UnixNanos last_time);

  const std::shared_ptr<const FilePart> part_;
  const std::shared_ptr<File> file_;
  const ScanRequest request_;
  MemoryLedger& ledger_;
  BlockFinder finder_;
  MemoryReservation raw_memory_;
  MemoryReservation block_memory_;
  std::deque<Fetched> fetched_;
  Fetched current_;
  std::string current_bytes_;  // of current_, where it was not fetched
  std::vector<Extent> spans_;  // what buffers_ hold
  std::vector<std::string> buffers_;
  size_t ahead_ = 1;  // blocks to fetch at once
  bool at_end_ = false;
  bool failed_ = false;
  SeriesId last_series_;
  UnixNanos last_time_ = 0;
  bool has_last_ = false;
  ScanCost cost_;
};

}  // namespace ficus
