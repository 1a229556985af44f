#include "engine/part/block_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "engine/encoding/checksum.h"
#include "engine/part/section_file.h"

namespace ficus {
namespace {

// Reading this many bytes for nothing is cheaper than asking twice.
constexpr uint64_t kGapBytesMax = 16 << 10;

bool IsWanted(const BlockColumn& column, const std::vector<ColumnId>* columns) {
  return columns == nullptr || std::binary_search(columns->begin(), columns->end(), column.id);
}

void AddExtent(std::vector<Extent>& extents, const Extent& extent) {
  if (!extents.empty()) {
    Extent& last = extents.back();
    const uint64_t last_end = last.offset + last.bytes;
    const uint64_t joined = extent.offset + extent.bytes - last.offset;
    if (extent.offset - last_end <= kGapBytesMax && joined <= UINT32_MAX) {
      last.bytes = static_cast<uint32_t>(joined);
      return;
    }
  }
  extents.push_back({extent.offset, extent.bytes, 0});
}

// Adds the rows of `run` within the times.
void AddRows(std::vector<RowRange>& ranges, const BlockKeys& keys, const SeriesRun& run,
             const TimeRange& times) {
  const auto begin = keys.timestamps.begin() + static_cast<ptrdiff_t>(run.rows.begin);
  const auto end = keys.timestamps.begin() + static_cast<ptrdiff_t>(run.rows.end);
  const auto first = std::lower_bound(begin, end, times.begin);
  const auto last = std::lower_bound(first, end, times.end);
  if (first == last) return;
  const RowRange range = {static_cast<size_t>(first - keys.timestamps.begin()),
                          static_cast<size_t>(last - keys.timestamps.begin())};
  if (!ranges.empty() && ranges.back().end == range.begin) {
    ranges.back().end = range.end;
  } else {
    ranges.push_back(range);
  }
}

RowBatch ToBatch(SubjectId subject, BlockKeys keys) {
  RowBatch batch;
  batch.subject = subject;
  batch.series.resize(keys.timestamps.size());
  for (const SeriesRun& run : keys.runs) {
    std::fill(batch.series.begin() + static_cast<ptrdiff_t>(run.rows.begin),
              batch.series.begin() + static_cast<ptrdiff_t>(run.rows.end), run.series);
  }
  batch.timestamps = std::move(keys.timestamps);
  batch.versions = std::move(keys.versions);
  batch.tombstones = std::move(keys.tombstones);
  return batch;
}

}  // namespace

std::vector<Extent> WantedExtents(const BlockHeader& header, const std::vector<ColumnId>* columns) {
  std::vector<Extent> extents;
  if (header.one_checksum) {
    extents.push_back({header.keys.offset, static_cast<uint32_t>(header.bytes()), 0});
    return extents;
  }
  AddExtent(extents, header.keys);
  for (const BlockColumn& column : header.columns) {
    if (IsWanted(column, columns)) AddExtent(extents, column.extent);
  }
  return extents;
}

std::vector<RowRange> SelectRows(const BlockKeys& keys, const ScanRequest& request) {
  std::vector<RowRange> ranges;
  auto wanted = request.series.begin();
  for (const SeriesRun& run : keys.runs) {
    if (!request.all_series) {
      wanted = std::lower_bound(wanted, request.series.end(), run.series);
      if (wanted == request.series.end()) break;
      if (*wanted != run.series) continue;
    }
    AddRows(ranges, keys, run, request.times);
  }
  return ranges;
}

std::string_view BlockReader::Bytes(uint64_t offset, uint64_t bytes) const {
  for (const FilePiece& piece : pieces_) {
    if (offset < piece.offset || offset - piece.offset > piece.bytes.size()) continue;
    const auto begin = static_cast<size_t>(offset - piece.offset);
    if (bytes <= piece.bytes.size() - begin) {
      return piece.bytes.substr(begin, static_cast<size_t>(bytes));
    }
  }
  CHECK(false) << "bytes at " << offset << " were not read";
  return {};
}

Result<std::string_view> BlockReader::Verified(const Extent& extent, std::string_view what) const {
  if (header_.one_checksum) {
    const Extent& keys = header_.keys;
    const std::string_view block = Bytes(keys.offset, header_.bytes());
    if (PlacedCrc32c(block, number_.value(), keys.offset) != keys.checksum) {
      return BadRange(keys.offset, block.size(), "block: checksum mismatch");
    }
    return Bytes(extent.offset, extent.bytes);
  }
  const std::string_view bytes = Bytes(extent.offset, extent.bytes);
  if (PlacedCrc32c(bytes, number_.value(), extent.offset) != extent.checksum) {
    return BadRange(extent.offset, extent.bytes, std::string(what) + ": checksum mismatch");
  }
  return bytes;
}

Result<std::string_view> BlockReader::Keys() const { return Verified(header_.keys, "block keys"); }

Result<std::string_view> BlockReader::Column(const BlockColumn& column) const {
  // One checksum is looked at with the keys, which everyone reads.
  if (header_.one_checksum) return Bytes(column.extent.offset, column.extent.bytes);
  return Verified(column.extent, "block column");
}

Result<BlockKeys> BlockReader::DecodeKeysHere() const {
  ASSIGN_OR_RETURN(const std::string_view bytes, Keys());
  auto keys = DecodeKeys(bytes, header_);
  if (keys.has_value()) return keys;
  return BadRange(header_.keys.offset, header_.keys.bytes, "block: " + keys.error().message);
}

Result<ColumnValues> BlockReader::DecodeColumnHere(const BlockColumn& column) const {
  ASSIGN_OR_RETURN(const std::string_view bytes, Column(column));
  auto values = DecodeColumn(bytes, column, header_);
  if (values.has_value()) return values;
  return BadRange(column.extent.offset, column.extent.bytes, "block: " + values.error().message);
}

Result<RowBatch> BlockReader::ReadAll() const {
  ASSIGN_OR_RETURN(BlockKeys keys, DecodeKeysHere());
  RowBatch batch = ToBatch(header_.subject, std::move(keys));
  batch.columns.reserve(header_.columns.size());
  for (const BlockColumn& column : header_.columns) {
    ASSIGN_OR_RETURN(ColumnValues values, DecodeColumnHere(column));
    batch.columns.push_back(std::move(values));
  }
  return batch;
}

Result<RowBatch> BlockReader::Read(const ScanRequest& request) const {
  ASSIGN_OR_RETURN(BlockKeys keys, DecodeKeysHere());
  const std::vector<RowRange> ranges = SelectRows(keys, request);
  if (ranges.empty()) return RowBatch{};
  RowBatch all = ToBatch(header_.subject, std::move(keys));
  for (const BlockColumn& column : header_.columns) {
    if (!IsWanted(column, &request.columns)) continue;
    ASSIGN_OR_RETURN(ColumnValues values, DecodeColumnHere(column));
    all.columns.push_back(std::move(values));
  }
  if (ranges.front().rows() == all.rows()) return all;
  RowBatch selected;
  selected.subject = all.subject;
  for (const RowRange& range : ranges) RETURN_IF_ERROR(AppendRows(selected, all, range));
  return selected;
}

Result<ColumnValues> BlockReader::ReadColumn(const BlockColumn& column) const {
  if (header_.one_checksum) RETURN_IF_ERROR(Keys());
  return DecodeColumnHere(column);
}

Result<RawBlock> BlockReader::ReadRaw() const {
  RawBlock raw;
  raw.header = header_;
  ASSIGN_OR_RETURN(raw.keys, Keys());
  for (const BlockColumn& column : header_.columns) {
    ASSIGN_OR_RETURN(const std::string_view bytes, Column(column));
    raw.columns.emplace_back(bytes);
  }
  return raw;
}

}  // namespace ficus
