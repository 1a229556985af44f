// The bytes of a log file. Layout: FILE-FORMAT.md, "Log".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/log_position.h"
#include "engine/base/result.h"

namespace ficus {

inline constexpr std::string_view kLogMagic = "FICUSLOG";
inline constexpr uint16_t kLogFormatVersion = 1;
// Bits of features that a reader must understand, and does.
inline constexpr uint32_t kLogKnownFeatures = 0;

// The header has a device sector of its own: no later write can tear it.
inline constexpr size_t kLogHeaderBytes = 4096;
// Groups begin at multiples of this for the same reason: a sector that holds acknowledged bytes is
// never written again.
inline constexpr size_t kGroupAlignment = 4096;
// No fragment crosses a multiple of this, so that a reader can go on behind a damaged length.
inline constexpr size_t kLogBlockBytes = 32 << 10;
inline constexpr size_t kFragmentHeaderBytes = 40;

static_assert(kLogBlockBytes % kGroupAlignment == 0);
static_assert(kLogHeaderBytes % kGroupAlignment == 0);

struct LogFileHeader {
  LogId log;
  uint64_t number = 0;
  LogPosition first;         // position of the first batch here, when there is one
  LogPosition prior;         // last position in the files before; durable when this was written
  Scn scn;                   // no batch in the files before has a higher one
  UnixNanos created = 0;     // wall clock
  uint32_t prior_chain = 0;  // checksum of the last fragment in the file before; 0: none
  // The header's own checksum, with which the chain of this file begins. Set by Decode.
  uint32_t chain = 0;
};

// kLogHeaderBytes bytes.
std::string EncodeLogFileHeader(const LogFileHeader& header);
// The checksum of an encoded header.
uint32_t LogHeaderChain(std::string_view bytes);
// kCorruption, or kUnsupportedVersion for an intact header of a format this build does not know.
// Shorter than kLogHeaderBytes: kCorruption.
Result<LogFileHeader> DecodeLogFileHeader(std::string_view bytes);

enum class FragmentType : uint8_t {
  kNone = 0,  // space not written yet
  kFull = 1,  // a whole batch
  kFirst = 2,
  kMiddle = 3,
  kLast = 4,
  kMark = 5,  // no batch: says only what is durable
};
// A type this build does not know is skipped when this bit is set, and refused otherwise.
inline constexpr uint8_t kFragmentTypeSkippable = 0x80;

// Everything but `length`, `type` and the checksum follows from the group and the batch.
struct FragmentHeader {
  uint32_t checksum = 0;
  uint16_t length = 0;  // of the payload that follows
  FragmentType type = FragmentType::kNone;
  uint32_t file_number = 0;  // low 32 bits
  uint32_t previous = 0;     // checksum of the fragment before, or of the file header
  LogPosition position{};    // kMark: the last one before it
  LogPosition synced{};      // everything up to it was durable before this was written
  Scn scn{};
};

// Where a fragment lies; part of its checksum, so that bytes of another log, file or offset fail.
struct FragmentPlace {
  LogId log;
  uint64_t file_number = 0;
  uint64_t offset = 0;
};

// Fills header.checksum and writes the header to `to` (kFragmentHeaderBytes), in front of which
// nothing is touched; `payload` follows it in memory already.
void EncodeFragmentHeader(const FragmentPlace& place, FragmentHeader& header, char* to);

struct Fragment {
  FragmentHeader header;
  std::string_view payload;
};

// The fragment at the start of `bytes`, which end with the block or the file; none unless every
// check on it alone holds.
std::optional<Fragment> DecodeFragment(const FragmentPlace& place, std::string_view bytes);

constexpr uint64_t AlignToGroup(uint64_t offset) {
  return (offset + kGroupAlignment - 1) / kGroupAlignment * kGroupAlignment;
}
constexpr uint64_t NextBlock(uint64_t offset) {
  return (offset / kLogBlockBytes + 1) * kLogBlockBytes;
}
// `offset`, or the next block when this one has no room for a fragment any more.
constexpr uint64_t NextFragmentOffset(uint64_t offset) {
  return NextBlock(offset) - offset < kFragmentHeaderBytes ? NextBlock(offset) : offset;
}

// Where a batch of `payload_bytes` ends that is written at `offset`.
uint64_t EndOfBatch(uint64_t offset, size_t payload_bytes);
// At most this many bytes of a file go to a batch, wherever it begins and if its group is its own.
uint64_t BatchFileBytesMax(size_t payload_bytes);

// "<16 hex digits>.log"
std::string LogFileName(uint64_t number);
std::optional<uint64_t> ParseLogFileName(std::string_view name);
// "<file>.lost.<16 hex digits>": set aside with the operator's consent, when `highest` was the
// highest position given; the name keeps it from being given again.
std::string LostFileName(std::string_view file, LogPosition highest);
std::optional<LogPosition> ParseLostFileName(std::string_view name);

}  // namespace ficus
