// Series entries in checksummed blocks with a sparse index: two sections of a part and of an index
// run. Layout: FILE-FORMAT.md, "Series entries".
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/encoding/words.h"
#include "engine/io/file_system.h"
#include "engine/model/row_batch.h"
#include "engine/part/block_header.h"
#include "engine/part/entry_cursor.h"
#include "engine/part/primary_index.h"
#include "engine/part/section_file.h"

namespace ficus {

// One record of the entity index: a block of entries.
struct EntryBlock {
  SeriesKey first;
  SeriesKey last;
  uint32_t entries = 0;
  Extent extent;
};

inline constexpr size_t kEntryRecordBytes = 48;
// A block is closed when it has this many entries or bytes of entities.
inline constexpr size_t kEntriesPerBlock = 1024;
inline constexpr size_t kEntryBlockBytesTarget = 64 << 10;
// Bounds what a reader allocates.
inline constexpr size_t kEntitiesPerBlockBytesMax = 64 << 20;
inline constexpr uint64_t kEntityIndexBytesMax = 1 << 30;

inline SeriesKey KeyOf(const SeriesEntry& entry) { return {entry.subject, entry.series}; }

// Encodes entries, block by block. One thread.
class EntryTableWriter {
 public:
  // `emit` gets the bytes of the entities section as they come and places them at `offset`, `offset
  // + size`, ...
  using Emit = std::function<Result<>(std::string_view)>;
  EntryTableWriter(uint64_t file_id, uint64_t offset, Effort effort, Emit emit)
      : file_id_(file_id), offset_(offset), effort_(effort), emit_(std::move(emit)) {}

  // Ascending by (subject, series), distinct (CHECKed). kInvalidArgument for an entity beyond
  // kEntitiesPerBlockBytesMax / 2.
  Result<> Add(const SeriesEntry& entry);
  // Ends the last block. Then index() is the entity index section.
  Result<> Finish();

  uint64_t entries() const { return entries_; }
  const std::string& index() const { return index_; }

 private:
  Result<> EndBlock();

  const uint64_t file_id_;
  uint64_t offset_;
  const Effort effort_;
  const Emit emit_;
  std::vector<uint64_t> subjects_;
  std::vector<uint64_t> series_;
  std::vector<uint32_t> cell_offsets_;
  std::string cells_;
  std::string block_;
  std::string index_;
  uint64_t entries_ = 0;
};

// The whole entity index section. kCorruption.
Result<std::vector<EntryBlock>> DecodeEntryIndex(std::string_view index, const Section& entities);

// The entries of one block, side by side.
class EntryList {
 public:
  EntryList() = default;
  // `keys` ascending; `offsets`, one more than keys, into `entities`.
  EntryList(std::vector<SeriesKey> keys, std::vector<uint32_t> offsets, std::string entities)
      : keys_(std::move(keys)), offsets_(std::move(offsets)), entities_(std::move(entities)) {}

  size_t size() const { return keys_.size(); }
  const SeriesKey& key(size_t i) const { return keys_[i]; }
  std::string_view entity(size_t i) const {
    return std::string_view(entities_).substr(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }
  SeriesEntry entry(size_t i) const {
    return {keys_[i].subject, keys_[i].series, std::string(entity(i))};
  }
  // The first entry from `from` on whose key is not below `key`.
  size_t Find(size_t from, const SeriesKey& key) const;
  size_t MemoryBytes() const;

 private:
  std::vector<SeriesKey> keys_;
  std::vector<uint32_t> offsets_;
  std::string entities_;
};

// The entries of one block; not the checksum. kCorruption.
Result<EntryList> DecodeEntryBlock(std::string_view bytes, const EntryBlock& block);

// Reads one block, verifies and decodes it. kCorruption names the byte range.
Result<EntryList> ReadEntryBlock(File& file, FileNumber number, const EntryBlock& block);

// What reading or writing a file's entries one after another takes, but for entities of unusual
// length: a block, encoded and decoded, and the sparse index.
constexpr size_t EntryMemoryBytes(uint64_t entries) {
  constexpr uint64_t kBlockBytes = 3 * kEntryBlockBytesTarget;
  return static_cast<size_t>(std::min(kBlockBytes, entries * 256) +
                             entries / kEntriesPerBlock * kEntryRecordBytes);
}

// The entries of a file, of which it holds one block at a time. Errors begin with `name`.
class EntryTableCursor final : public EntryCursor {
 public:
  EntryTableCursor(std::unique_ptr<File> file, FileNumber number,
                   std::shared_ptr<const std::vector<EntryBlock>> index, std::string name)
      : file_(std::move(file)), number_(number), index_(std::move(index)), name_(std::move(name)) {}

  Result<bool> Next(SeriesEntry& entry) override;

 private:
  const std::unique_ptr<File> file_;
  const FileNumber number_;
  const std::shared_ptr<const std::vector<EntryBlock>> index_;
  const std::string name_;
  size_t block_ = 0;  // the next one
  EntryList entries_;
  size_t next_ = 0;
};

}  // namespace ficus
