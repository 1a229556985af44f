#include "engine/wal/log_format.h"

#include <algorithm>
#include <cstring>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/base/planted_bug.h"
#include "engine/encoding/checksum.h"

namespace ficus {
namespace {

constexpr size_t kHeaderChecksumOffset = kLogHeaderBytes - sizeof(uint32_t);
constexpr std::string_view kFileSuffix = ".log";
constexpr std::string_view kLostInfix = ".lost.";
constexpr size_t kHexDigits = 16;

Error Damaged(std::string message) { return {ErrorCode::kCorruption, std::move(message)}; }

uint32_t FragmentChecksum(const FragmentPlace& place, std::string_view checked) {
  return PlacedCrc32c(checked, place.log.value(), place.offset);
}

}  // namespace

std::string EncodeLogFileHeader(const LogFileHeader& header) {
  std::string bytes(kLogMagic);
  PutLittle<uint16_t>(bytes, kLogFormatVersion);
  PutLittle<uint16_t>(bytes, 0);
  PutLittle<uint32_t>(bytes, 0);  // features a reader must know
  PutLittle<uint32_t>(bytes, 0);  // features it may ignore
  PutLittle<uint32_t>(bytes, header.prior_chain);
  PutLittle<uint64_t>(bytes, header.log.value());
  PutLittle<uint64_t>(bytes, header.number);
  PutLittle<uint64_t>(bytes, header.first.value());
  PutLittle<uint64_t>(bytes, header.prior.value());
  PutLittle<uint64_t>(bytes, header.scn.value());
  PutLittle<int64_t>(bytes, header.created);
  bytes.resize(kHeaderChecksumOffset, '\0');
  PutLittle<uint32_t>(bytes, Crc32c(bytes));
  return bytes;
}

uint32_t LogHeaderChain(std::string_view bytes) {
  return LoadLittle<uint32_t>(bytes.data() + kHeaderChecksumOffset);
}

Result<LogFileHeader> DecodeLogFileHeader(std::string_view bytes) {
  if (bytes.size() < kLogHeaderBytes) return Damaged("header is cut short");
  LogFileHeader header;
  header.chain = LogHeaderChain(bytes);
  if (Crc32c(bytes.substr(0, kHeaderChecksumOffset)) != header.chain) {
    return Damaged("header checksum mismatch");
  }
  if (!bytes.starts_with(kLogMagic)) return Damaged("not a log file");
  ByteReader reader(bytes.substr(kLogMagic.size()));
  uint16_t version = 0;
  uint16_t reserved = 0;
  uint32_t required = 0;
  uint32_t optional = 0;
  uint64_t words[5] = {};
  reader.ReadLittle(version);
  reader.ReadLittle(reserved);
  reader.ReadLittle(required);
  reader.ReadLittle(optional);
  reader.ReadLittle(header.prior_chain);
  for (uint64_t& word : words) reader.ReadLittle(word);
  reader.ReadLittle(header.created);
  if (version != kLogFormatVersion || (required & ~kLogKnownFeatures) != 0) {
    return Error{ErrorCode::kUnsupportedVersion, "log format " + std::to_string(version) +
                                                     " with features " + std::to_string(required) +
                                                     " is newer than this build"};
  }
  header.log = LogId(words[0]);
  header.number = words[1];
  header.first = LogPosition(words[2]);
  header.prior = LogPosition(words[3]);
  header.scn = Scn(words[4]);
  if (header.first <= header.prior || header.log == LogId()) {
    return Damaged("header contradicts itself");
  }
  return header;
}

void EncodeFragmentHeader(const FragmentPlace& place, FragmentHeader& header, char* to) {
  StoreLittle<uint16_t>(to + 4, header.length);
  StoreLittle<uint8_t>(to + 6, static_cast<uint8_t>(header.type));
  StoreLittle<uint8_t>(to + 7, 0);
  StoreLittle<uint32_t>(to + 8, static_cast<uint32_t>(place.file_number));
  StoreLittle<uint32_t>(to + 12, header.previous);
  StoreLittle<uint64_t>(to + 16, header.position.value());
  StoreLittle<uint64_t>(to + 24, header.synced.value());
  StoreLittle<uint64_t>(to + 32, header.scn.value());
  header.checksum =
      FragmentChecksum(place, {to + 4, kFragmentHeaderBytes - 4 + size_t{header.length}});
  StoreLittle<uint32_t>(to, header.checksum);
}

std::optional<Fragment> DecodeFragment(const FragmentPlace& place, std::string_view bytes) {
  if (bytes.size() < kFragmentHeaderBytes) return std::nullopt;
  const char* from = bytes.data();
  Fragment fragment;
  FragmentHeader& header = fragment.header;
  header.length = LoadLittle<uint16_t>(from + 4);
  header.type = static_cast<FragmentType>(LoadLittle<uint8_t>(from + 6));
  header.file_number = LoadLittle<uint32_t>(from + 8);
  if (header.type == FragmentType::kNone) return std::nullopt;
  if (header.file_number != static_cast<uint32_t>(place.file_number)) return std::nullopt;
  if (header.length > bytes.size() - kFragmentHeaderBytes) return std::nullopt;
  header.checksum = LoadLittle<uint32_t>(from);
  if (!IsPlanted(PlantedBug::kTornTailAccepted) &&
      FragmentChecksum(place, bytes.substr(4, kFragmentHeaderBytes - 4 + header.length)) !=
          header.checksum) {
    return std::nullopt;
  }
  header.previous = LoadLittle<uint32_t>(from + 12);
  header.position = LogPosition(LoadLittle<uint64_t>(from + 16));
  header.synced = LogPosition(LoadLittle<uint64_t>(from + 24));
  header.scn = Scn(LoadLittle<uint64_t>(from + 32));
  fragment.payload = bytes.substr(kFragmentHeaderBytes, header.length);
  return fragment;
}

uint64_t EndOfBatch(uint64_t offset, size_t payload_bytes) {
  size_t left = payload_bytes;
  do {
    offset = NextFragmentOffset(offset);
    const size_t room = NextBlock(offset) - offset - kFragmentHeaderBytes;
    const size_t taken = std::min(left, room);
    offset += kFragmentHeaderBytes + taken;
    left -= taken;
  } while (left > 0);
  return offset;
}

uint64_t BatchFileBytesMax(size_t payload_bytes) {
  // Each block touched costs a header and, at worst, an end too short for another one.
  constexpr size_t kLostPerBlock = 2 * kFragmentHeaderBytes;
  const uint64_t blocks = payload_bytes / (kLogBlockBytes - kLostPerBlock) + 2;
  return AlignToGroup(payload_bytes + blocks * kLostPerBlock);
}

std::string LogFileName(uint64_t number) { return Hex16(number) + std::string(kFileSuffix); }

std::optional<uint64_t> ParseLogFileName(std::string_view name) {
  if (!name.ends_with(kFileSuffix)) return std::nullopt;
  uint64_t number = 0;
  if (!ParseHex16(name.substr(0, name.size() - kFileSuffix.size()), number)) return std::nullopt;
  return number;
}

std::string LostFileName(std::string_view file, LogPosition highest) {
  return std::string(file) + std::string(kLostInfix) + Hex16(highest);
}

std::optional<LogPosition> ParseLostFileName(std::string_view name) {
  if (name.size() < kLostInfix.size() + kHexDigits) return std::nullopt;
  const size_t file_bytes = name.size() - kLostInfix.size() - kHexDigits;
  if (!ParseLogFileName(name.substr(0, file_bytes))) return std::nullopt;
  if (name.substr(file_bytes, kLostInfix.size()) != kLostInfix) return std::nullopt;
  uint64_t highest = 0;
  if (!ParseHex16(name.substr(name.size() - kHexDigits), highest)) return std::nullopt;
  return LogPosition(highest);
}

}  // namespace ficus
