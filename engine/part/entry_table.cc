#include "engine/part/entry_table.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/encoding/cells.h"
#include "engine/encoding/checksum.h"

namespace ficus {
namespace {

struct EntryRecord {
  uint64_t first_subject;
  uint64_t first_series;
  uint64_t last_subject;
  uint64_t last_series;
  uint32_t entries;
  uint32_t bytes;
  uint32_t checksum;
  uint32_t reserved;
};
static_assert(sizeof(EntryRecord) == kEntryRecordBytes);

Error Corrupt(std::string_view what) { return {ErrorCode::kCorruption, std::string(what)}; }

Result<> ReadWords(ByteReader& reader, std::vector<uint64_t>& words) {
  std::string_view encoded;
  if (!reader.ReadLengthPrefixed(encoded)) return Corrupt("entries: cut");
  return DecodeWords(encoded, words);
}

}  // namespace

Result<> EntryTableWriter::Add(const SeriesEntry& entry) {
  if (entry.entity.size() > kEntitiesPerBlockBytesMax / 2) {
    return Error{ErrorCode::kInvalidArgument,
                 "an entity of " + std::to_string(entry.entity.size()) + " bytes"};
  }
  if (!series_.empty()) {
    const SeriesKey last = {SubjectId(subjects_.back()), SeriesId(series_.back())};
    CHECK(last < KeyOf(entry)) << "series entries out of order";
    if (series_.size() >= kEntriesPerBlock || cells_.size() >= kEntryBlockBytesTarget) {
      RETURN_IF_ERROR(EndBlock());
    }
  }
  if (series_.empty()) cell_offsets_.assign(1, 0);
  subjects_.push_back(entry.subject.value());
  series_.push_back(entry.series.value());
  cells_.append(entry.entity);
  cell_offsets_.push_back(static_cast<uint32_t>(cells_.size()));
  ++entries_;
  return Ok();
}

Result<> EntryTableWriter::EndBlock() {
  block_.clear();
  std::string encoded;
  EncodeWords(subjects_, WordKind::kInteger, effort_, encoded);
  PutLengthPrefixed(block_, encoded);
  encoded.clear();
  EncodeWords(series_, WordKind::kInteger, effort_, encoded);
  PutLengthPrefixed(block_, encoded);
  PutVarint(block_, cells_.size());
  EncodeCells(cell_offsets_, cells_, effort_, block_);
  PutLittle(index_,
            EntryRecord{subjects_.front(), series_.front(), subjects_.back(), series_.back(),
                        static_cast<uint32_t>(series_.size()), static_cast<uint32_t>(block_.size()),
                        PlacedCrc32c(block_, file_id_, offset_), 0});
  offset_ += block_.size();
  subjects_.clear();
  series_.clear();
  cells_.clear();
  return emit_(block_);
}

Result<> EntryTableWriter::Finish() { return series_.empty() ? Ok() : EndBlock(); }

Result<std::vector<EntryBlock>> DecodeEntryIndex(std::string_view index, const Section& entities) {
  if (index.size() % sizeof(EntryRecord) != 0) return Corrupt("entity index: a record is cut");
  std::vector<EntryBlock> blocks;
  blocks.reserve(index.size() / sizeof(EntryRecord));
  uint64_t used = 0;
  for (size_t at = 0; at < index.size(); at += sizeof(EntryRecord)) {
    const auto record = LoadLittle<EntryRecord>(index.data() + at);
    EntryBlock block;
    block.first = {SubjectId(record.first_subject), SeriesId(record.first_series)};
    block.last = {SubjectId(record.last_subject), SeriesId(record.last_series)};
    block.entries = record.entries;
    block.extent = {entities.offset + used, record.bytes, record.checksum};
    if (record.bytes > entities.bytes - used) {
      return Corrupt("entity index: a block passes the end of its section");
    }
    used += record.bytes;
    const bool ordered = blocks.empty() || blocks.back().last < block.first;
    if (!ordered || block.last < block.first || block.entries == 0 ||
        block.entries > kEntriesPerBlock || record.reserved != 0) {
      return Corrupt("entity index: record " + std::to_string(blocks.size()) +
                     " breaks the format");
    }
    blocks.push_back(block);
  }
  if (used != entities.bytes) return Corrupt("entity index: blocks are left out");
  return blocks;
}

size_t EntryList::Find(size_t from, const SeriesKey& key) const {
  const auto begin = keys_.begin() + static_cast<ptrdiff_t>(from);
  return static_cast<size_t>(std::lower_bound(begin, keys_.end(), key) - keys_.begin());
}

size_t EntryList::MemoryBytes() const {
  return sizeof *this + keys_.capacity() * sizeof(SeriesKey) +
         offsets_.capacity() * sizeof(uint32_t) + entities_.capacity();
}

Result<EntryList> DecodeEntryBlock(std::string_view bytes, const EntryBlock& block) {
  ByteReader reader(bytes);
  std::vector<uint64_t> subjects(block.entries);
  std::vector<uint64_t> series(block.entries);
  RETURN_IF_ERROR(ReadWords(reader, subjects));
  RETURN_IF_ERROR(ReadWords(reader, series));
  uint64_t cell_bytes = 0;
  if (!reader.ReadVarintAtMost(kEntitiesPerBlockBytesMax, cell_bytes)) {
    return Corrupt("entries: impossible size");
  }
  std::vector<uint32_t> offsets;
  std::string cells;
  RETURN_IF_ERROR(DecodeCells(bytes.substr(reader.offset()), block.entries,
                              static_cast<size_t>(cell_bytes), offsets, cells));
  if (cells.size() != cell_bytes) return Corrupt("entries: not the size that was announced");

  std::vector<SeriesKey> keys(block.entries);
  for (size_t i = 0; i < keys.size(); ++i) {
    keys[i] = {SubjectId(subjects[i]), SeriesId(series[i])};
    if (i > 0 && keys[i] <= keys[i - 1]) return Corrupt("entries: not ascending");
  }
  if (keys.empty() || keys.front() != block.first || keys.back() != block.last) {
    return Corrupt("entries: not what the entity index says");
  }
  return EntryList(std::move(keys), std::move(offsets), std::move(cells));
}

Result<EntryList> ReadEntryBlock(File& file, FileNumber number, const EntryBlock& block) {
  std::string bytes(block.extent.bytes, '\0');
  RETURN_IF_ERROR(file.ReadAt(block.extent.offset, bytes));
  if (PlacedCrc32c(bytes, number.value(), block.extent.offset) != block.extent.checksum) {
    return BadRange(block.extent.offset, block.extent.bytes, "series entries: checksum mismatch");
  }
  auto entries = DecodeEntryBlock(bytes, block);
  if (entries.has_value()) return entries;
  return BadRange(block.extent.offset, block.extent.bytes, entries.error().message);
}

Result<bool> EntryTableCursor::Next(SeriesEntry& entry) {
  while (next_ == entries_.size()) {
    if (block_ == index_->size()) return false;
    auto read = ReadEntryBlock(*file_, number_, (*index_)[block_]);
    if (!read.has_value()) return std::move(read).error().With(name_);
    entries_ = std::move(read).value();
    ++block_;
    next_ = 0;
  }
  entry = entries_.entry(next_++);
  return true;
}

}  // namespace ficus
