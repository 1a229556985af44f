#include "engine/part/part_writer.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/encoding/checksum.h"
#include "engine/part/block_codec.h"
#include "engine/part/entry_table.h"
#include "engine/part/part.h"
#include "engine/part/part_footer.h"
#include "engine/part/primary_index.h"
#include "engine/part/section_file.h"

namespace ficus {
namespace {

// How many columns a batch with the columns of both would have.
size_t ColumnsTogether(const RowBatch& a, const RowBatch& b) {
  size_t count = a.columns.size();
  auto other = a.columns.begin();
  for (const ColumnValues& column : b.columns) {
    while (other != a.columns.end() && other->id() < column.id()) ++other;
    count += other == a.columns.end() || other->id() != column.id() ? 1 : 0;
  }
  return count;
}

// One row, without the columns in which it has no value.
RowBatch RowAlone(const RowBatch& rows, size_t row) {
  RowBatch alone;
  alone.subject = rows.subject;
  alone.series = {rows.series[row]};
  alone.timestamps = {rows.timestamps[row]};
  alone.versions = {rows.versions[row]};
  if (rows.IsTombstone(row)) alone.tombstones = {true};
  for (const ColumnValues& column : rows.columns) {
    if (column.IsNull(row)) continue;
    alone.columns.emplace_back(column.id(), column.type()).AppendFrom(column, row);
  }
  return alone;
}

// Rows wait in `open_` until their block is complete: first those of short series that are
// complete, then, from `series_begin_` on, those of the series that is being added.
class SectionPartWriter final : public PartWriter {
 public:
  SectionPartWriter(PartOptions options, std::unique_ptr<SectionFileWriter> file)
      : options_(options), file_(std::move(file)), encoder_(options.effort) {
    file_->Begin(SectionKind::kData);
  }

  Result<> Add(const RowBatch& rows, RowRange range) override;
  Result<> CopyBlock(const RawBlock& block) override;
  Result<> AddSeriesEntry(const SeriesEntry& entry) override;
  Result<PartInfo> Finish() override;
  uint64_t bytes() const override { return file_->offset(); }
  uint64_t blocks() const override { return footer_.info.blocks; }
  size_t pending_rows() const override { return open_.rows(); }

 private:
  // Rows of one series.
  Result<> AddRun(const RowBatch& rows, RowRange run);
  // Rows of one series in a batch of more columns than a block may have.
  Result<> AddOneByOne(const RowBatch& rows, RowRange run);
  // How many of the rows may join the open block, which has `columns` then.
  Result<size_t> FittingRows(const RowBatch& rows, RowRange run, size_t columns) const;
  Result<> EndSeries();
  // The first `count` waiting rows become a block.
  Result<> EndBlock(size_t count);
  Result<> EndOpen() { return open_.rows() == 0 ? Ok() : EndBlock(open_.rows()); }
  // Places the block at the end of the file and takes note of it.
  Result<> Append(BlockHeader header, std::string_view bytes);
  void TakeNote(const BlockHeader& header);
  // A block's series were not counted by AddRun.
  void CountCopied(const BlockHeader& header);
  Result<> BeginEntries();

  const PartOptions options_;
  const std::unique_ptr<SectionFileWriter> file_;
  BlockEncoder encoder_;
  PrimaryWriter primary_;
  PartFooter footer_;
  RowBatch open_;
  size_t series_begin_ = 0;
  // The row added last, or the end of the block copied last.
  bool has_last_ = false;
  SeriesKey last_;
  UnixNanos last_time_ = 0;
  std::optional<EntryTableWriter> entries_;  // once the rows are complete
  std::string block_;
  std::string copied_;
};

Result<> SectionPartWriter::Add(const RowBatch& rows, RowRange range) {
  CHECK(range.end <= rows.rows());
  CHECK(!entries_) << "rows after the entries";
  for (size_t begin = range.begin; begin < range.end;) {
    size_t end = begin;
    const SeriesId series = rows.series[begin];
    while (end < range.end && rows.series[end] == series) ++end;
    RETURN_IF_ERROR(rows.columns.size() <= kBlockColumnsMax ? AddRun(rows, {begin, end})
                                                            : AddOneByOne(rows, {begin, end}));
    begin = end;
  }
  return Ok();
}

// No row has them all: they are rows of several times of one subject.
Result<> SectionPartWriter::AddOneByOne(const RowBatch& rows, RowRange run) {
  for (size_t row = run.begin; row < run.end; ++row) {
    const RowBatch alone = RowAlone(rows, row);
    if (alone.columns.size() > kBlockColumnsMax) {
      return Error{ErrorCode::kInvalidArgument,
                   "a row of more than " + std::to_string(kBlockColumnsMax) + " columns"};
    }
    RETURN_IF_ERROR(AddRun(alone, {0, 1}));
  }
  return Ok();
}

Result<> SectionPartWriter::AddRun(const RowBatch& rows, RowRange run) {
  const SeriesKey key = {rows.subject, rows.series[run.begin]};
  if (!has_last_ || key != last_) {
    CHECK(!has_last_ || last_ < key) << "series out of order";
    RETURN_IF_ERROR(EndSeries());
    ++footer_.info.series;
    if (!has_last_) footer_.first = key;
  } else {
    CHECK(last_time_ < rows.timestamps[run.begin]) << "timestamps out of order";
  }
  for (size_t row = run.begin + 1; row < run.end; ++row) {
    CHECK(rows.timestamps[row - 1] < rows.timestamps[row]) << "timestamps out of order";
  }
  if (rows.timestamps[run.end - 1] == std::numeric_limits<UnixNanos>::max()) {
    return Error{ErrorCode::kInvalidArgument, "a row at the last nanosecond"};
  }
  has_last_ = true;
  last_ = key;
  last_time_ = rows.timestamps[run.end - 1];

  // The open block has the columns of the rows it held last; copied blocks may lie in between.
  if (rows.subject != open_.subject) {
    RETURN_IF_ERROR(EndOpen());
    ClearRows(open_);
  }
  if (series_begin_ >= kSoloRowsMin && open_.rows() - series_begin_ + run.rows() >= kSoloRowsMin) {
    RETURN_IF_ERROR(EndBlock(series_begin_));
  }
  size_t columns = ColumnsTogether(open_, rows);
  if (columns > kBlockColumnsMax) {
    RETURN_IF_ERROR(EndOpen());
    ClearRows(open_);
    columns = rows.columns.size();
  }
  while (run.begin < run.end) {
    ASSIGN_OR_RETURN(const size_t fitting, FittingRows(rows, run, columns));
    if (fitting == 0) {
      RETURN_IF_ERROR(EndOpen());
      continue;
    }
    open_.subject = rows.subject;
    RETURN_IF_ERROR(AppendRows(open_, rows, {run.begin, run.begin + fitting}));
    run.begin += fitting;
  }
  return Ok();
}

Result<size_t> SectionPartWriter::FittingRows(const RowBatch& rows, RowRange run,
                                              size_t columns) const {
  const size_t rows_max =
      columns == 0 ? kBlockRowsMax : std::min<size_t>(kBlockRowsMax, kBlockValuesTarget / columns);
  // Fewer columns may have been there when the open block got its rows.
  size_t fitting = std::min(run.rows(), rows_max - std::min(rows_max, open_.rows()));
  const size_t held = open_.rows() == 0 ? 0 : CellBytes(open_, {0, open_.rows()});
  if (held + CellBytes(rows, {run.begin, run.begin + fitting}) <= kBlockBytesTarget) return fitting;
  // The most rows whose cells fit.
  size_t low = 0;
  while (low < fitting) {
    const size_t middle = low + (fitting - low + 1) / 2;
    if (held + CellBytes(rows, {run.begin, run.begin + middle}) <= kBlockBytesTarget) {
      low = middle;
    } else {
      fitting = middle - 1;
    }
  }
  if (low > 0 || open_.rows() > 0) return low;
  // A row that fits nowhere has a block of its own.
  if (CellBytes(rows, {run.begin, run.begin + 1}) <= kRowBytesMax) return 1;
  return Error{ErrorCode::kInvalidArgument,
               "a row of more than " + std::to_string(kRowBytesMax) + " bytes"};
}

Result<> SectionPartWriter::EndSeries() {
  const size_t rows = open_.rows();
  const size_t series_rows = rows - series_begin_;
  if (series_rows == 0) return Ok();
  if (!options_.shared_blocks || series_rows >= kSoloRowsMin || rows >= kSharedRowsTarget) {
    return EndOpen();
  }
  series_begin_ = rows;
  return Ok();
}

Result<> SectionPartWriter::EndBlock(size_t count) {
  BlockHeader header;
  encoder_.Encode(open_, {0, count}, header, block_);
  DropFirstRows(open_, count);
  series_begin_ -= std::min(series_begin_, count);
  return Append(std::move(header), block_);
}

Result<> SectionPartWriter::Append(BlockHeader header, std::string_view bytes) {
  const uint64_t id = options_.number.value();
  header.keys.offset = file_->offset();
  header.keys.checksum = 0;
  header.one_checksum = bytes.size() <= kOneChecksumBytesMax;
  uint64_t begin = header.keys.bytes;
  for (BlockColumn& column : header.columns) {
    Extent& extent = column.extent;
    extent.offset = header.keys.offset + begin;
    extent.checksum = header.one_checksum
                          ? 0
                          : PlacedCrc32c(bytes.substr(static_cast<size_t>(begin), extent.bytes), id,
                                         extent.offset);
    begin += extent.bytes;
  }
  CHECK(begin == bytes.size());
  const std::string_view checked = header.one_checksum ? bytes : bytes.substr(0, header.keys.bytes);
  header.keys.checksum = PlacedCrc32c(checked, id, header.keys.offset);
  TakeNote(header);
  return file_->Append(bytes);
}

void SectionPartWriter::TakeNote(const BlockHeader& header) {
  primary_.Add(header);
  PartInfo& info = footer_.info;
  info.times = info.blocks == 0 ? header.times
                                : TimeRange{std::min(info.times.begin, header.times.begin),
                                            std::max(info.times.end, header.times.end)};
  ++info.blocks;
  info.rows += header.rows;
  info.has_tombstones = info.has_tombstones || header.has_tombstones;
  footer_.last = LastKey(header);
  footer_.key_bytes += header.keys.bytes;
  footer_.column_bytes += header.bytes() - header.keys.bytes;
}

void SectionPartWriter::CountCopied(const BlockHeader& header) {
  const SeriesKey first = FirstKey(header);
  const bool continues = has_last_ && first == last_;
  CHECK(!has_last_ || last_ < first ||
        (continues && (header.series > 1 || last_time_ < header.times.begin)))
      << "a copied block out of order";
  footer_.info.series += header.series - (continues ? 1 : 0);
  if (!has_last_) footer_.first = first;
  has_last_ = true;
  last_ = LastKey(header);
  // Of a shared block the last time of its last series is not known; the caller sees to it.
  last_time_ = header.series > 1 ? std::numeric_limits<UnixNanos>::min() : header.times.end - 1;
}

Result<> SectionPartWriter::CopyBlock(const RawBlock& block) {
  CHECK(!entries_) << "a block after the entries";
  RETURN_IF_ERROR(EndOpen());
  CountCopied(block.header);
  copied_.assign(block.keys);
  for (const std::string& column : block.columns) copied_.append(column);
  return Append(block.header, copied_);
}

Result<> SectionPartWriter::BeginEntries() {
  RETURN_IF_ERROR(EndOpen());
  file_->Begin(SectionKind::kEntities);
  entries_.emplace(options_.number.value(), file_->offset(), options_.effort,
                   [this](std::string_view bytes) { return file_->Append(bytes); });
  return Ok();
}

Result<> SectionPartWriter::AddSeriesEntry(const SeriesEntry& entry) {
  if (!entries_) RETURN_IF_ERROR(BeginEntries());
  return entries_->Add(entry);
}

Result<PartInfo> SectionPartWriter::Finish() {
  if (!entries_) RETURN_IF_ERROR(BeginEntries());
  PartInfo& info = footer_.info;
  CHECK(info.rows > 0) << "a part without rows";
  RETURN_IF_ERROR(entries_->Finish());
  footer_.entries = entries_->entries();
  file_->Begin(SectionKind::kEntityIndex);
  RETURN_IF_ERROR(file_->Append(entries_->index()));
  file_->Begin(SectionKind::kPrimary);
  primary_.Finish(options_.number.value(), file_->offset());
  RETURN_IF_ERROR(file_->Append(primary_.primary()));
  file_->Begin(SectionKind::kMeta);
  RETURN_IF_ERROR(file_->Append(primary_.meta()));

  info.number = options_.number;
  info.first_position = options_.first_position;
  info.last_position = options_.last_position;
  info.generation = options_.generation;
  ASSIGN_OR_RETURN(const auto published, file_->Publish(PartFooterToJson(footer_)));
  info.file_bytes = published.file_bytes;
  info.checksum = published.checksum;
  return info;
}

}  // namespace

Result<std::unique_ptr<PartWriter>> PartWriter::Create(FileSystem& fs, RandomSource& random,
                                                       std::string_view directory,
                                                       PartOptions options) {
  const std::string path = JoinPath(directory, PartFileName(options.number));
  FileWriter::Options file_options;
  file_options.file_class = options.file_class;
  file_options.expected_bytes = options.expected_bytes;
  ASSIGN_OR_RETURN(auto file, SectionFileWriter::Create(kPartFile, fs, random, path, options.number,
                                                        file_options));
  return std::unique_ptr<PartWriter>(std::make_unique<SectionPartWriter>(options, std::move(file)));
}

}  // namespace ficus
