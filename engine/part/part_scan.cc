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

Result<bool> PartScan::Next(RowBatch& rows) {
  CHECK(!failed_) << "a scan that failed cannot go on";
  ClearRows(rows);
  rows.subject = request_.subject;
  auto stepped = Step(rows);
  cost_.blocks_skipped = finder_.skipped();
  if (stepped.has_value()) return stepped;
  failed_ = true;
  return part_->Named(std::move(stepped).error());
}

Result<bool> PartScan::Step(RowBatch& rows) {
  for (;;) {
    if (fetched_.empty()) {
      if (!at_end_) RETURN_IF_ERROR(Fetch());
      if (fetched_.empty()) return false;
    }
    const Fetched fetched = std::move(fetched_.front());
    fetched_.pop_front();
    ASSIGN_OR_RETURN(RowBatch decoded, Decode(fetched));
    ++cost_.blocks_read;
    cost_.rows_read += fetched.header.rows;
    if (decoded.rows() == 0) continue;
    RETURN_IF_ERROR(CheckOrder(decoded, fetched.header));
    rows = std::move(decoded);
    return true;
  }
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
    fetched.extents = WantedExtents(*header, &request_.columns);
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
    fetched_.push_back(std::move(fetched));
  }
  return Ok();
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

Result<RowBatch> PartScan::Decode(const Fetched& fetched) {
  block_memory_.Release();
  ASSIGN_OR_RETURN(block_memory_,
                   ledger_.Reserve(MemoryConsumer::kQueries, fetched.header.decoded_bytes));
  std::vector<FilePiece> pieces;
  for (const size_t buffer : fetched.buffers) {
    if (pieces.empty() || pieces.back().offset != spans_[buffer].offset) {
      pieces.push_back({spans_[buffer].offset, buffers_[buffer]});
    }
  }
  return BlockReader(part_->info().number, fetched.header, std::move(pieces)).Read(request_);
}

Result<> PartScan::CheckOrder(const RowBatch& rows, const BlockHeader& header) {
  const bool ordered =
      !has_last_ || last_series_ < rows.series.front() ||
      (last_series_ == rows.series.front() && last_time_ < rows.timestamps.front());
  if (!ordered) {
    return BadRange(header.keys.offset, header.bytes(),
                    "block: its rows come before the last ones");
  }
  has_last_ = true;
  last_series_ = rows.series.back();
  last_time_ = rows.timestamps.back();
  return Ok();
}

}  // namespace ficus
