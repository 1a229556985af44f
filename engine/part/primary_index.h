// The two levels of a part's index: block headers packed into primary blocks, and the sparse index
// that finds a primary block. Layout: FILE-FORMAT.md, "Part".
//
// Most headers repeat what the one before says: subject, columns, times. They cost about 10 bytes
// and the new bits of the series id.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/ids.h"
#include "engine/model/time_range.h"
#include "engine/part/block_header.h"

namespace ficus {

// How blocks and series entries are ordered.
struct SeriesKey {
  SubjectId subject;
  SeriesId series;
  friend auto operator<=>(const SeriesKey&, const SeriesKey&) = default;
};

inline SeriesKey FirstKey(const BlockHeader& header) {
  return {header.subject, header.first_series};
}
inline SeriesKey LastKey(const BlockHeader& header) { return {header.subject, header.last_series}; }

// One record of the meta section: a primary block.
struct PrimaryEntry {
  SeriesKey first;
  SeriesKey last;
  TimeRange times;
  uint64_t data_offset = 0;  // of its first block
  uint32_t blocks = 0;
  Extent extent;  // in the primary section
};

inline constexpr size_t kPrimaryRecordBytes = 72;
// A primary block is closed once it has this many bytes.
inline constexpr size_t kPrimaryBytesTarget = 2048;
// What a header takes at most: without its columns, and for each of them (id 5, type 1, length 5,
// checksum 4, bounds 32).
inline constexpr size_t kHeaderBytesMax = 128;
inline constexpr size_t kHeaderColumnBytesMax = 47;
// Bounds what a reader allocates for a primary block.
inline constexpr size_t kPrimaryBytesMax = 4 << 20;
static_assert(kPrimaryBytesTarget + kHeaderBytesMax + kBlockColumnsMax * kHeaderColumnBytesMax <=
              kPrimaryBytesMax);

// A block whose extents together are at most this long has one checksum.
inline constexpr uint64_t kOneChecksumBytesMax = 4096;

// Memory that decoding a block of this shape takes: an upper bound.
uint64_t DecodedBytes(const BlockHeader& header, uint64_t cell_bytes);
// Bytes of the cells of all columns together: the inverse.
uint64_t CellBytes(const BlockHeader& header);

// Packs headers in the order of their blocks.
class PrimaryWriter {
 public:
  // `header.decoded_bytes` is DecodedBytes of it.
  void Add(const BlockHeader& header);
  uint64_t blocks() const { return blocks_; }

  // Ends the last primary block. `file_id` and `offset` place the primary section.
  void Finish(uint64_t file_id, uint64_t offset);
  // After Finish: the bytes of the two sections.
  const std::string& primary() const { return primary_; }
  const std::string& meta() const { return meta_; }

 private:
  void EndPrimary();

  std::string primary_;
  std::string meta_;
  std::vector<PrimaryEntry> entries_;
  PrimaryEntry open_;
  BlockHeader before_;
  uint64_t blocks_ = 0;
};

// The whole meta section; checks order and that the extents fill `primary` and lie before
// `data_end`. kCorruption.
Result<std::vector<PrimaryEntry>> DecodeMeta(std::string_view meta, uint64_t primary_offset,
                                             uint64_t primary_bytes, uint64_t data_end);

// The headers of one primary block, verified against its entry: checksum, order, times, and that no
// extent passes `data_end`. kCorruption.
Result<std::vector<BlockHeader>> DecodePrimary(std::string_view bytes, const PrimaryEntry& entry,
                                               uint64_t file_id, uint64_t data_end);

// The same without the checksum.
Result<std::vector<BlockHeader>> DecodePrimaryUnchecked(std::string_view bytes,
                                                        const PrimaryEntry& entry,
                                                        uint64_t data_end);

// Whether the block of `header` may come after that of `before`. Where a series goes on from a
// shared block or into one, only its rows tell.
bool MayFollow(const BlockHeader& before, const BlockHeader& header);

// What a decoded primary block takes in memory.
size_t MemoryBytes(const std::vector<BlockHeader>& headers);

}  // namespace ficus
