#include "engine/part/file_part.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "engine/part/block_cache.h"
#include "engine/part/block_codec.h"
#include "engine/part/block_reader.h"
#include "engine/part/entry_table.h"
#include "engine/part/file_cache.h"
#include "engine/part/part_blocks.h"
#include "engine/part/part_scan.h"

namespace ficus {
namespace {

Result<std::vector<EntryBlock>> ReadEntryIndex(File& file, const SectionFooter& frame) {
  const Section& index = *frame.Find(SectionKind::kEntityIndex);
  ASSIGN_OR_RETURN(const std::string bytes, ReadSection(file, index, kEntityIndexBytesMax));
  auto blocks = DecodeEntryIndex(bytes, *frame.Find(SectionKind::kEntities));
  if (blocks.has_value()) return blocks;
  return BadRange(index.offset, index.bytes, blocks.error().message);
}

bool IsWithin(const BlockHeader& header, const Section& data) {
  return header.keys.offset >= data.offset && header.keys.offset <= data.offset + data.bytes &&
         header.bytes() <= data.offset + data.bytes - header.keys.offset;
}

}  // namespace

FilePart::FilePart(FileSystem& fs, std::string path, SectionFooter frame, PartFooter footer)
    : fs_(fs),
      path_(std::move(path)),
      frame_(std::move(frame)),
      footer_(footer),
      owner_(FileCache::NewOwner()),
      index_(footer_.info.number, owner_, frame_) {}

FilePart::~FilePart() {
  FileCache::ForProcess().Drop(owner_);
  BlockCache::ForProcess().Drop(owner_);
}

Error FilePart::Named(Error error) const { return std::move(error).With("part " + path_); }

Result<std::unique_ptr<File>> FilePart::OpenFile(FileClass file_class) const {
  OpenOptions options;
  options.file_class = file_class;
  return fs_.Open(path_, options);
}

bool FilePart::MayContain(const ScanRequest& request) const {
  if (!info().times.Overlaps(request.times)) return false;
  if (request.subject < footer_.first.subject || footer_.last.subject < request.subject) {
    return false;
  }
  if (request.all_series) return true;
  const auto above = std::lower_bound(
      request.series.begin(), request.series.end(),
      request.subject == footer_.first.subject ? footer_.first.series : SeriesId(0));
  return above != request.series.end() && SeriesKey{request.subject, *above} <= footer_.last;
}

Result<std::unique_ptr<RowCursor>> FilePart::Scan(ScanRequest request, MemoryLedger& ledger) const {
  auto file = FileCache::ForProcess().Open(fs_, path_, owner_);
  if (!file.has_value()) return Named(std::move(file).error());
  return std::unique_ptr<RowCursor>(std::make_unique<PartScan>(
      shared_from_this(), std::move(file).value(), std::move(request), ledger));
}

Result<std::unique_ptr<Part::Blocks>> FilePart::ListBlocks(FileClass file_class) const {
  auto file = OpenFile(file_class);
  if (!file.has_value()) return Named(std::move(file).error());
  return std::unique_ptr<Blocks>(std::make_unique<PartBlocks>(*this, std::move(file).value()));
}

Result<RowBatch> FilePart::ReadBlock(const BlockHeader& header, FileClass file_class) const {
  CHECK(IsWithin(header, index_.data())) << "a block of another part";
  ASSIGN_OR_RETURN(const auto file, OpenFile(file_class));
  std::string bytes(static_cast<size_t>(header.bytes()), '\0');
  RETURN_IF_ERROR(file->ReadAt(header.keys.offset, bytes));
  auto rows = BlockReader(info().number, header, {{header.keys.offset, bytes}}).ReadAll();
  if (rows.has_value()) return rows;
  return Named(std::move(rows).error());
}

Result<RawBlock> FilePart::ReadRawBlock(const BlockHeader& header, FileClass file_class) const {
  CHECK(IsWithin(header, index_.data())) << "a block of another part";
  ASSIGN_OR_RETURN(const auto file, OpenFile(file_class));
  std::string bytes(static_cast<size_t>(header.bytes()), '\0');
  RETURN_IF_ERROR(file->ReadAt(header.keys.offset, bytes));
  auto raw = BlockReader(info().number, header, {{header.keys.offset, bytes}}).ReadRaw();
  if (raw.has_value()) return raw;
  return Named(std::move(raw).error());
}

Result<std::unique_ptr<EntryCursor>> FilePart::ListSeriesEntries(FileClass file_class) const {
  ASSIGN_OR_RETURN(auto file, OpenFile(file_class));
  auto blocks = ReadEntryIndex(*file, frame_);
  if (!blocks.has_value()) return Named(std::move(blocks).error());
  return std::unique_ptr<EntryCursor>(std::make_unique<EntryTableCursor>(
      std::move(file), info().number,
      std::make_shared<const std::vector<EntryBlock>>(std::move(blocks).value()), "part " + path_));
}

Result<std::vector<SeriesEntry>> FilePart::ReadSeriesEntries(FileClass file_class) const {
  ASSIGN_OR_RETURN(const auto cursor, ListSeriesEntries(file_class));
  std::vector<SeriesEntry> entries;
  for (SeriesEntry entry;;) {
    ASSIGN_OR_RETURN(const bool found, cursor->Next(entry));
    if (!found) return entries;
    entries.push_back(std::move(entry));
  }
}

namespace {

// Adds up what the blocks hold and compares it with what the footer promises.
class PartTally {
 public:
  explicit PartTally(const FilePart& part) : part_(part) {}

  // Rows of the next block, decoded and consistent with `header`.
  Result<> Add(const BlockHeader& header, const RowBatch& rows) {
    if (header.keys.offset != data_offset_) {
      const auto [low, high] = std::minmax(data_offset_, header.keys.offset);
      return BadRange(low, high - low, "data in no block, or in two");
    }
    data_offset_ += header.bytes();
    for (size_t i = 0; i < header.columns.size(); ++i) {
      if (HasTheseBounds(header.columns[i], rows.columns[i])) continue;
      return BadRange(header.keys.offset, header.bytes(),
                      "block: column " + std::to_string(header.columns[i].id.value()) +
                          " does not have the bounds that its header says");
    }
    for (size_t row = 0; row < rows.rows(); ++row) {
      const SeriesKey key = {rows.subject, rows.series[row]};
      const bool first = blocks_ == 0 && row == 0;
      if (!first && (key < last_ || (key == last_ && rows.timestamps[row] <= last_time_))) {
        return BadRange(header.keys.offset, header.bytes(), "block: its rows are out of order");
      }
      if (first || key != last_) ++series_;
      if (first) first_ = key;
      last_ = key;
      last_time_ = rows.timestamps[row];
    }
    times_ = blocks_ == 0 ? header.times
                          : TimeRange{std::min(times_.begin, header.times.begin),
                                      std::max(times_.end, header.times.end)};
    ++blocks_;
    rows_ += header.rows;
    has_tombstones_ = has_tombstones_ || header.has_tombstones;
    key_bytes_ += header.keys.bytes;
    column_bytes_ += header.bytes() - header.keys.bytes;
    return Ok();
  }

  Result<> Compare() const {
    const PartFooter& footer = part_.footer();
    const PartInfo& info = footer.info;
    const Section& data = part_.index().data();
    if (data_offset_ != data.offset + data.bytes) {
      return BadRange(data_offset_, data.offset + data.bytes - data_offset_, "data in no block");
    }
    const bool kept = rows_ == info.rows && blocks_ == info.blocks && series_ == info.series &&
                      times_ == info.times && has_tombstones_ == info.has_tombstones &&
                      first_ == footer.first && last_ == footer.last &&
                      key_bytes_ == footer.key_bytes && column_bytes_ == footer.column_bytes;
    if (kept) return Ok();
    return BadRange(part_.frame().offset, part_.frame().file_bytes - part_.frame().offset,
                    "footer: its counts are not those of the blocks");
  }

 private:
  const FilePart& part_;
  uint64_t data_offset_ = kSectionFileHeadBytes;
  uint64_t rows_ = 0;
  uint64_t blocks_ = 0;
  uint64_t series_ = 0;
  TimeRange times_;
  bool has_tombstones_ = false;
  SeriesKey first_;
  SeriesKey last_;
  UnixNanos last_time_ = 0;
  uint64_t key_bytes_ = 0;
  uint64_t column_bytes_ = 0;
};

}  // namespace

Result<> FilePart::VerifyBlocks(FileClass file_class) const {
  ASSIGN_OR_RETURN(auto file, OpenFile(file_class));
  PartBlocks blocks(*this, std::move(file));
  PartTally tally(*this);
  BlockHeader header;
  for (;;) {
    ASSIGN_OR_RETURN(const bool found, blocks.Next(header));
    if (!found) break;
    ASSIGN_OR_RETURN(const RowBatch rows, blocks.Read());
    if (auto added = tally.Add(header, rows); !added.has_value()) {
      return Named(std::move(added).error());
    }
  }
  if (auto compared = tally.Compare(); !compared.has_value()) {
    return Named(std::move(compared).error());
  }
  return Ok();
}

Result<> FilePart::VerifyEntries(FileClass file_class) const {
  ASSIGN_OR_RETURN(const auto file, OpenFile(file_class));
  ASSIGN_OR_RETURN(const std::vector<EntryBlock> blocks, ReadEntryIndex(*file, frame_));
  uint64_t entries = 0;
  for (const EntryBlock& block : blocks) {
    RETURN_IF_ERROR(ReadEntryBlock(*file, info().number, block));
    entries += block.entries;
  }
  if (entries == footer_.entries) return Ok();
  return BadRange(frame_.offset, frame_.file_bytes - frame_.offset,
                  "footer: its count of series entries is wrong");
}

Result<> FilePart::Verify(FileClass file_class) const {
  const auto verify = [&]() -> Result<> {
    ASSIGN_OR_RETURN(const auto file, OpenFile(file_class));
    RETURN_IF_ERROR(VerifySections(kPartFile, *file, frame_));
    return VerifyEntries(file_class);
  };
  if (auto verified = verify(); !verified.has_value()) return Named(std::move(verified).error());
  return VerifyBlocks(file_class);
}

}  // namespace ficus
