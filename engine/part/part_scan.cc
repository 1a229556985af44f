#include "engine/part/part_scan.h"

#include <algorithm>
#include <span>
#include <utility>

#include "engine/base/check.h"
#include "engine/part/block_reader.h"

namespace ficus {
namespace {

constexpr size_t kAheadBlocksMax = 64;
constexpr uint64_t kAheadBytesMax = 256 << 10;
// Blocks of one request that lie closer than this are read as one piece.
constexpr uint64_t kGapBytesMax = 16 << 10;
// Of the primary section, when many of its blocks will be wanted.
constexpr size_t kPrimaryWindowBytes = 64 << 10;
constexpr size_t kManySeries = 64;

size_t WindowBytes(const ScanRequest& request) {
  return request.all_series || request.series.size() >= kManySeries ? kPrimaryWindowBytes : 0;
}

}  // namespace

BlockFinder::BlockFinder(const FilePart& part, File& file, const ScanRequest& request,
                         MemoryLedger& ledger)
    : part_(part),
      file_(file),
      request_(request),
      ledger_(ledger),
      window_(file, part.index().primary_end(), WindowBytes(request)) {}

std::optional<SeriesKey> BlockFinder::Target() const {
  if (request_.all_series) return SeriesKey{request_.subject, SeriesId(0)};
  if (series_ == request_.series.size()) return std::nullopt;
  return SeriesKey{request_.subject, request_.series[series_]};
}

bool BlockFinder::WantsNothingIn(const SeriesKey& first, const SeriesKey& last) {
  if (!request_.all_series) {
    // Series before `first` are not in this part, or were found in earlier blocks.
    const auto begin = request_.series.begin() + static_cast<ptrdiff_t>(series_);
    series_ = static_cast<size_t>(std::lower_bound(begin, request_.series.end(), first.series) -
                                  request_.series.begin());
  }
  const std::optional<SeriesKey> target = Target();
  return !target.has_value() || last < *target;
}

Result<bool> BlockFinder::OpenPrimary(const SeriesKey& target) {
  const auto begin = sparse_->begin() + static_cast<ptrdiff_t>(entry_);
  const auto found = std::lower_bound(
      begin, sparse_->end(), target,
      [](const PrimaryEntry& entry, const SeriesKey& key) { return entry.last < key; });
  entry_ = static_cast<size_t>(found - sparse_->begin());
  if (found == sparse_->end() || found->first.subject > request_.subject) {
    entry_ = sparse_->size();
    return false;
  }
  if (target < found->first && WantsNothingIn(found->first, found->last)) return false;
  ASSIGN_OR_RETURN(primary_, part_.index().LoadPrimary(window_, *found, &ledger_));
  block_ = 0;
  return true;
}

Result<const BlockHeader*> BlockFinder::Next(std::shared_ptr<const PrimaryBlock>& holder) {
  if (sparse_ == nullptr) {
    ASSIGN_OR_RETURN(sparse_, part_.index().Load(file_, &ledger_));
  }
  while (const std::optional<SeriesKey> target = Target()) {
    if (entry_ == sparse_->size()) break;
    if (primary_ == nullptr) {
      ASSIGN_OR_RETURN(const bool opened, OpenPrimary(*target));
      if (!opened) continue;
    }
    const auto begin = primary_->begin() + static_cast<ptrdiff_t>(block_);
    const auto found = std::lower_bound(
        begin, primary_->end(), *target,
        [](const BlockHeader& header, const SeriesKey& key) { return LastKey(header) < key; });
    block_ = static_cast<size_t>(found - primary_->begin());
    if (found == primary_->end()) {
      ++entry_;
      primary_ = nullptr;
      continue;
    }
    if (found->subject != request_.subject) break;
    if (WantsNothingIn(FirstKey(*found), LastKey(*found))) continue;
    ++block_;
    if (!found->times.Overlaps(request_.times)) {
      ++skipped_;
      continue;
    }
    holder = primary_;
    return &*found;
  }
  return nullptr;
}

PartScan::PartScan(std::shared_ptr<const FilePart> part, std::shared_ptr<File> file,
                   ScanRequest request, MemoryLedger& ledger)
    : part_(std::move(part)),
      file_(std::move(file)),
      request_(std::move(request)),
      ledger_(ledger),
      finder_(*part_, *file_, request_, ledger_) {}

template <typename T>
Result<T> PartScan::Checked(Result<T> result) {
  cost_.blocks_skipped = finder_.skipped();
  if (result.has_value()) return result;
  failed_ = true;
  return part_->Named(std::move(result).error());
}

Result<bool> PartScan::Next(RowBatch& rows) {
  bool unread = false;
  return Checked(Step(rows, false, unread));
}

Result<bool> PartScan::NextRun(RowBatch& rows, UnreadRun*& unread) {
  bool is_unread = false;
  auto stepped = Checked(Step(rows, true, is_unread));
  unread = is_unread ? this : nullptr;
  return stepped;
}

Result<bool> PartScan::Step(RowBatch& rows, bool may_be_unread, bool& unread) {
  CHECK(!failed_) << "a scan that failed cannot go on";
  ClearRows(rows);
  rows.subject = request_.subject;
  for (;;) {
    if (fetched_.empty()) {
      if (!at_end_) RETURN_IF_ERROR(Fetch());
      if (fetched_.empty()) return false;
    }
    current_ = std::move(fetched_.front());
    fetched_.pop_front();
    const BlockHeader& header = current_.header;
    if (current_.is_whole && may_be_unread) {
      unread = true;
      RETURN_IF_ERROR(CheckOrder(header.first_series, header.times.begin, header.first_series,
                                 header.times.end - 1));
      return true;
    }
    ASSIGN_OR_RETURN(RowBatch decoded, DecodeCurrent());
    if (decoded.rows() == 0) continue;
    RETURN_IF_ERROR(CheckOrder(decoded.series.front(), decoded.timestamps.front(),
                               decoded.series.back(), decoded.timestamps.back()));
    rows = std::move(decoded);
    return true;
  }
}

Result<ColumnValues> PartScan::ReadColumn(const BlockColumn& column) {
  const auto read = [&]() -> Result<ColumnValues> {
    RETURN_IF_ERROR(ReserveDecoded());
    ASSIGN_OR_RETURN(std::vector<FilePiece> pieces, CurrentPieces());
    ++cost_.blocks_read;
    cost_.rows_read += current_.header.rows;
    return BlockReader(part_->info().number, current_.header, std::move(pieces)).ReadColumn(column);
  };
  return Checked(read());
}

Result<> PartScan::ReadRows(RowBatch& rows) {
  auto decoded = Checked(DecodeCurrent());
  if (!decoded.has_value()) return std::move(decoded).error();
  rows = std::move(decoded).value();
  return Ok();
}

// A block that may stand for its rows: nothing of it is cut off or deleted.
bool PartScan::IsWhole(const BlockHeader& header) const {
  return request_.unread != ScanRequest::Unread::kNone && header.series == 1 &&
         !header.has_tombstones && request_.times.begin <= header.times.begin &&
         header.times.end <= request_.times.end;
}

bool PartScan::HasAllBounds(const BlockHeader& header) const {
  return std::all_of(header.columns.begin(), header.columns.end(), [&](const BlockColumn& column) {
    return column.has_bounds ||
           !std::binary_search(request_.columns.begin(), request_.columns.end(), column.id);
  });
}

Result<> PartScan::Fetch() {
  uint64_t bytes = 0;
  RETURN_IF_ERROR(Find(bytes));
  ahead_ = std::min(2 * ahead_, kAheadBlocksMax);
  if (fetched_.empty()) return Ok();
  raw_memory_.Release();
  ASSIGN_OR_RETURN(raw_memory_, ledger_.Reserve(MemoryConsumer::kQueries, bytes));
  return Read();
}

Result<> PartScan::Find(uint64_t& bytes) {
  spans_.clear();
  std::shared_ptr<const PrimaryBlock> holder;
  while (fetched_.size() < ahead_ && bytes < kAheadBytesMax) {
    ASSIGN_OR_RETURN(const BlockHeader* header, finder_.Next(holder));
    if (header == nullptr) {
      at_end_ = true;
      break;
    }
    Fetched fetched;
    fetched.header = *header;
    fetched.is_whole = IsWhole(*header);
    const bool is_needed = !fetched.is_whole ||
                           request_.unread != ScanRequest::Unread::kForBounds ||
                           !HasAllBounds(*header);
    if (is_needed) AddExtents(fetched, bytes);
    fetched_.push_back(std::move(fetched));
  }
  return Ok();
}

// Joins what the block needs to the pieces that will be read.
void PartScan::AddExtents(Fetched& fetched, uint64_t& bytes) {
  fetched.extents = WantedExtents(fetched.header, &request_.columns);
  for (const Extent& extent : fetched.extents) {
    const uint64_t end = spans_.empty() ? 0 : spans_.back().offset + spans_.back().bytes;
    const bool joins = !spans_.empty() && extent.offset - end <= kGapBytesMax &&
                       extent.offset + extent.bytes - spans_.back().offset <= kAheadBytesMax;
    const uint64_t before = joins ? spans_.back().bytes : 0;
    if (joins) {
      spans_.back().bytes =
          static_cast<uint32_t>(extent.offset + extent.bytes - spans_.back().offset);
    } else {
      spans_.push_back({extent.offset, extent.bytes, 0});
    }
    bytes += spans_.back().bytes - before;
    fetched.buffers.push_back(spans_.size() - 1);
  }
}

Result<> PartScan::Read() {
  buffers_.resize(spans_.size());
  for (size_t i = 0; i < spans_.size(); ++i) buffers_[i].resize(spans_[i].bytes);
  for (const Extent& span : spans_) cost_.bytes_read += span.bytes;
  if (spans_.size() == 1) return file_->ReadAt(spans_[0].offset, buffers_[0]);
  ReadBatch batch;
  for (size_t i = 0; i < spans_.size(); ++i) batch.Add(*file_, spans_[i].offset, buffers_[i]);
  return part_->fs().Read(batch);
}

Result<> PartScan::ReserveDecoded() {
  const size_t bytes = current_.header.decoded_bytes;
  if (block_memory_.bytes() == 0) {
    ASSIGN_OR_RETURN(block_memory_, ledger_.Reserve(MemoryConsumer::kQueries, bytes));
  } else if (block_memory_.bytes() < bytes) {
    RETURN_IF_ERROR(block_memory_.Resize(bytes));
  }
  return Ok();
}

Result<std::vector<FilePiece>> PartScan::CurrentPieces() {
  std::vector<FilePiece> pieces;
  if (current_.extents.empty()) {
    const BlockHeader& header = current_.header;
    current_bytes_.resize(static_cast<size_t>(header.bytes()));
    RETURN_IF_ERROR(file_->ReadAt(header.keys.offset, current_bytes_));
    cost_.bytes_read += current_bytes_.size();
    pieces.push_back({header.keys.offset, current_bytes_});
    return pieces;
  }
  for (const size_t buffer : current_.buffers) {
    if (pieces.empty() || pieces.back().offset != spans_[buffer].offset) {
      pieces.push_back({spans_[buffer].offset, buffers_[buffer]});
    }
  }
  return pieces;
}

Result<RowBatch> PartScan::DecodeCurrent() {
  RETURN_IF_ERROR(ReserveDecoded());
  ASSIGN_OR_RETURN(std::vector<FilePiece> pieces, CurrentPieces());
  ++cost_.blocks_read;
  cost_.rows_read += current_.header.rows;
  ASSIGN_OR_RETURN(
      RowBatch rows,
      BlockReader(part_->info().number, current_.header, std::move(pieces)).Read(request_));
  // Many scans are open at the same time: each keeps what it took of its block, not what decoding
  // all of it could have needed.
  RETURN_IF_ERROR(block_memory_.Resize(std::min(block_memory_.bytes(), rows.MemoryBytes())));
  return rows;
}

Result<> PartScan::CheckOrder(SeriesId first_series, UnixNanos first_time, SeriesId last_series,
                              UnixNanos last_time) {
  const bool ordered = !has_last_ || last_series_ < first_series ||
                       (last_series_ == first_series && last_time_ < first_time);
  if (!ordered) {
    const BlockHeader& header = current_.header;
    return BadRange(header.keys.offset, header.bytes(),
                    "block: its rows come before the last ones");
  }
  has_last_ = true;
  last_series_ = last_series;
  last_time_ = last_time;
  return Ok();
}

}  // namespace ficus
