#include "engine/part/section_file.h"

#include <algorithm>
#include <span>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/encoding/checksum.h"

namespace ficus {
namespace {

constexpr size_t kTailBytes = 4096;
constexpr size_t kVerifyChunkBytes = 1 << 20;
constexpr uint32_t kSectionOptional = 1;

// Eight characters as the number that little-endian bytes give.
constexpr uint64_t Magic(const char (&text)[9]) {
  uint64_t magic = 0;
  for (int i = 7; i >= 0; --i) magic = magic << 8 | static_cast<unsigned char>(text[i]);
  return magic;
}

// The last bytes of every section file of every version.
struct Trailer {
  uint32_t directory_bytes;
  uint32_t json_bytes;
  uint32_t features_required;
  uint32_t features_optional;
  uint64_t number;
  uint16_t version;
  uint16_t reserved;
  uint32_t checksum;  // of directory, JSON and the trailer before this field
  uint64_t magic;
};
static_assert(sizeof(Trailer) == kSectionFileTrailerBytes);
constexpr size_t kTrailerCheckedBytes = 28;

struct SectionRecord {
  uint32_t kind;
  uint32_t flags;
  uint64_t offset;
  uint64_t bytes;
  uint32_t checksum;
  uint32_t reserved;
};
static_assert(sizeof(SectionRecord) == kSectionRecordBytes);

Error Corrupt(std::string_view what) { return {ErrorCode::kCorruption, std::string(what)}; }

bool IsReadable(SectionKind kind) {
  return kind >= SectionKind::kData && kind <= SectionKind::kEntityIndex;
}

Result<std::vector<Section>> ParseDirectory(std::string_view directory, uint64_t footer_offset) {
  std::vector<Section> sections;
  uint64_t next = kSectionFileHeadBytes;
  for (size_t at = 0; at < directory.size(); at += sizeof(SectionRecord)) {
    const auto record = LoadLittle<SectionRecord>(directory.data() + at);
    if (record.offset != next || record.bytes > footer_offset - next) {
      return Corrupt("footer: a section is out of place");
    }
    if ((record.flags & ~kSectionOptional) != 0 || record.reserved != 0) {
      return Corrupt("footer: a section has unknown flags");
    }
    const auto kind = static_cast<SectionKind>(record.kind);
    const bool optional = (record.flags & kSectionOptional) != 0;
    if (!IsReadable(kind) && !optional) {
      return Error{ErrorCode::kUnsupportedVersion,
                   "section kind " + std::to_string(record.kind) + " is not known"};
    }
    for (const Section& other : sections) {
      if (other.kind == kind) return Corrupt("footer: a section is named twice");
    }
    next += record.bytes;
    sections.push_back({kind, optional, record.offset, record.bytes, record.checksum});
  }
  if (next != footer_offset) return Corrupt("footer: the sections leave bytes out");
  return sections;
}

Result<uint32_t> ChecksumOf(File& file, uint64_t offset, uint64_t bytes, std::string& chunk) {
  uint32_t checksum = 0;
  while (bytes > 0) {
    const size_t count = static_cast<size_t>(std::min<uint64_t>(bytes, kVerifyChunkBytes));
    chunk.resize(count);
    RETURN_IF_ERROR(file.ReadAt(offset, chunk));
    checksum = Crc32c(chunk, checksum);
    offset += count;
    bytes -= count;
  }
  return checksum;
}

}  // namespace

const SectionFileKind kPartFile = {"part", Magic("FICUSPRT"), 1, 0};
const SectionFileKind kIndexRunFile = {"index run", Magic("FICUSIDX"), 1, 0};

std::string_view SectionName(SectionKind kind) {
  switch (kind) {
    case SectionKind::kData:
      return "data";
    case SectionKind::kPrimary:
      return "primary";
    case SectionKind::kMeta:
      return "meta";
    case SectionKind::kEntities:
      return "entities";
    case SectionKind::kEntityIndex:
      return "entity index";
    case SectionKind::kElementIndex:
      return "element index";
    case SectionKind::kFilters:
      return "filters";
    case SectionKind::kTombstones:
      return "tombstones";
    case SectionKind::kTagTerms:
      return "tag terms";
    case SectionKind::kPostings:
      return "postings";
  }
  return "unknown";
}

Error BadRange(uint64_t offset, uint64_t bytes, std::string_view what) {
  return {ErrorCode::kCorruption, "bytes [" + std::to_string(offset) + ", " +
                                      std::to_string(offset + bytes) + "): " + std::string(what)};
}

const Section* SectionFooter::Find(SectionKind kind) const {
  for (const Section& section : sections) {
    if (section.kind == kind) return &section;
  }
  return nullptr;
}

Result<SectionFooter> ParseFooter(const SectionFileKind& kind, std::string_view tail,
                                  uint64_t file_bytes, uint64_t& missing) {
  missing = 0;
  CHECK(tail.size() <= file_bytes);
  if (file_bytes < kSectionFileHeadBytes + sizeof(Trailer) || tail.size() < sizeof(Trailer)) {
    return Corrupt("footer: the file is too short");
  }
  const uint64_t trailer_offset = file_bytes - sizeof(Trailer);
  const auto trailer = LoadLittle<Trailer>(tail.data() + tail.size() - sizeof(Trailer));
  if (trailer.magic != kind.magic) {
    return BadRange(file_bytes - sizeof trailer.magic, sizeof trailer.magic, "footer: wrong magic");
  }
  if (trailer.directory_bytes > kSectionsMax * sizeof(SectionRecord) ||
      trailer.directory_bytes % sizeof(SectionRecord) != 0 ||
      trailer.json_bytes > kFooterJsonBytesMax) {
    return BadRange(trailer_offset, sizeof trailer, "footer: impossible sizes");
  }
  const uint64_t footer_bytes =
      uint64_t{trailer.directory_bytes} + trailer.json_bytes + sizeof(Trailer);
  if (footer_bytes > file_bytes - kSectionFileHeadBytes) {
    return BadRange(trailer_offset, sizeof trailer, "footer: longer than the file");
  }
  if (footer_bytes > tail.size()) {
    missing = footer_bytes - tail.size();
    return SectionFooter{};
  }

  const std::string_view bytes = tail.substr(tail.size() - footer_bytes);
  const std::string_view checked =
      bytes.substr(0, bytes.size() - sizeof(Trailer) + kTrailerCheckedBytes);
  if (Crc32c(checked) != trailer.checksum) {
    return BadRange(file_bytes - footer_bytes, footer_bytes, "footer: checksum mismatch");
  }
  if (trailer.version == 0 || trailer.version > kind.version) {
    return Error{ErrorCode::kUnsupportedVersion,
                 "format version " + std::to_string(trailer.version) + " is not known"};
  }
  if ((trailer.features_required & ~kind.features_required) != 0) {
    return Error{ErrorCode::kUnsupportedVersion,
                 "required feature bits " +
                     std::to_string(trailer.features_required & ~kind.features_required) +
                     " are not known"};
  }

  SectionFooter footer;
  footer.number = FileNumber(trailer.number);
  footer.version = trailer.version;
  footer.features_required = trailer.features_required;
  footer.features_optional = trailer.features_optional;
  footer.json = bytes.substr(trailer.directory_bytes, trailer.json_bytes);
  footer.offset = file_bytes - footer_bytes;
  footer.file_bytes = file_bytes;
  footer.checksum = trailer.checksum;
  ASSIGN_OR_RETURN(footer.sections,
                   ParseDirectory(bytes.substr(0, trailer.directory_bytes), footer.offset));
  return footer;
}

Result<SectionFooter> ReadFooter(const SectionFileKind& kind, File& file) {
  ASSIGN_OR_RETURN(const uint64_t file_bytes, file.Size());
  uint64_t tail_bytes = std::min<uint64_t>(file_bytes, kTailBytes);
  // The second round knows how long the footer is.
  for (int round = 0; round < 2; ++round) {
    std::string tail(static_cast<size_t>(tail_bytes), '\0');
    RETURN_IF_ERROR(file.ReadAt(file_bytes - tail_bytes, tail));
    uint64_t missing = 0;
    ASSIGN_OR_RETURN(SectionFooter footer, ParseFooter(kind, tail, file_bytes, missing));
    if (missing == 0) return footer;
    tail_bytes += missing;
  }
  return Corrupt("footer: its size changed while it was read");
}

std::string SectionFileHead(const SectionFileKind& kind, FileNumber number) {
  std::string head;
  PutLittle(head, kind.magic);
  PutLittle(head, number.value());
  CHECK(head.size() == kSectionFileHeadBytes);
  return head;
}

Result<std::string> ReadSection(File& file, const Section& section, uint64_t bytes_max) {
  if (section.bytes > bytes_max) {
    return Error{ErrorCode::kResourceExhausted, std::string(SectionName(section.kind)) +
                                                    " section of " + std::to_string(section.bytes) +
                                                    " bytes"};
  }
  std::string bytes(static_cast<size_t>(section.bytes), '\0');
  RETURN_IF_ERROR(file.ReadAt(section.offset, bytes));
  if (Crc32c(bytes) != section.checksum) {
    return BadRange(section.offset, section.bytes,
                    std::string(SectionName(section.kind)) + " section: checksum mismatch");
  }
  return bytes;
}

Result<> VerifySections(const SectionFileKind& kind, File& file, const SectionFooter& footer) {
  std::string chunk(kSectionFileHeadBytes, '\0');
  RETURN_IF_ERROR(file.ReadAt(0, chunk));
  if (chunk != SectionFileHead(kind, footer.number)) {
    return BadRange(0, kSectionFileHeadBytes, "head: not what the footer says");
  }
  ASSIGN_OR_RETURN(const SectionFooter present, ReadFooter(kind, file));
  if (present.checksum != footer.checksum || present.file_bytes != footer.file_bytes) {
    return BadRange(present.offset, present.file_bytes - present.offset,
                    "footer: another one than before");
  }
  for (const Section& section : footer.sections) {
    ASSIGN_OR_RETURN(const uint32_t checksum,
                     ChecksumOf(file, section.offset, section.bytes, chunk));
    if (checksum != section.checksum) {
      return BadRange(section.offset, section.bytes,
                      std::string(SectionName(section.kind)) + " section: checksum mismatch");
    }
  }
  return Ok();
}

Result<std::unique_ptr<SectionFileWriter>> SectionFileWriter::Create(
    const SectionFileKind& kind, FileSystem& fs, RandomSource& random, std::string_view path,
    FileNumber number, FileWriter::Options options) {
  ASSIGN_OR_RETURN(auto file, FileWriter::Create(fs, random, path, options));
  RETURN_IF_ERROR(file->Append(SectionFileHead(kind, number)));
  return std::unique_ptr<SectionFileWriter>(new SectionFileWriter(kind, number, std::move(file)));
}

void SectionFileWriter::Begin(SectionKind section) {
  sections_.push_back({section, false, offset(), 0, 0});
}

Result<> SectionFileWriter::Append(std::string_view bytes) {
  Section& section = sections_.back();
  section.bytes += bytes.size();
  section.checksum = Crc32c(bytes, section.checksum);
  return file_->Append(bytes);
}

Result<SectionFileWriter::Published> SectionFileWriter::Publish(std::string_view json) {
  CHECK(json.size() <= kFooterJsonBytesMax);
  std::string footer;
  for (const Section& section : sections_) {
    PutLittle(footer, SectionRecord{static_cast<uint32_t>(section.kind),
                                    section.optional ? kSectionOptional : 0, section.offset,
                                    section.bytes, section.checksum, 0});
  }
  Trailer trailer{};
  trailer.directory_bytes = static_cast<uint32_t>(footer.size());
  trailer.json_bytes = static_cast<uint32_t>(json.size());
  trailer.number = number_.value();
  trailer.version = kind_.version;
  trailer.magic = kind_.magic;
  footer.append(json);
  footer.append(reinterpret_cast<const char*>(&trailer), kTrailerCheckedBytes);
  trailer.checksum = Crc32c(footer);
  PutLittle(footer, trailer.checksum);
  PutLittle(footer, trailer.magic);

  RETURN_IF_ERROR(file_->Append(footer));
  const uint64_t file_bytes = file_->offset();
  RETURN_IF_ERROR(file_->Publish());
  return Published{file_bytes, trailer.checksum};
}

}  // namespace ficus
