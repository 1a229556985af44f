// The frame that parts and index runs share: a head, sections one after another, a directory of
// them, a footer. Layout: FILE-FORMAT.md, "Section file".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/io/file_writer.h"
#include "engine/model/ids.h"

namespace ficus {

// Numbers are part of the format: never reused.
enum class SectionKind : uint32_t {
  kData = 1,         // blocks of rows
  kPrimary = 2,      // block headers
  kMeta = 3,         // sparse index of the primary section
  kEntities = 4,     // series entries
  kEntityIndex = 5,  // sparse index of the entities
  // Reserved: no build writes them yet, and a reader skips them when they are optional.
  kElementIndex = 6,
  kFilters = 7,
  kTombstones = 8,
  kTagTerms = 9,
  kPostings = 10,
};
// "data", "primary", ...; "unknown" for others.
std::string_view SectionName(SectionKind kind);

struct Section {
  SectionKind kind = SectionKind::kData;
  // A reader that does not know the kind may ignore it.
  bool optional = false;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint32_t checksum = 0;  // CRC-32C of all its bytes
  friend bool operator==(const Section&, const Section&) = default;
};

// What distinguishes one kind of section file from another.
struct SectionFileKind {
  std::string_view name;  // for messages
  uint64_t magic = 0;
  uint16_t version = 1;            // the highest this build reads, and the one it writes
  uint32_t features_required = 0;  // the bits this build knows
};
extern const SectionFileKind kPartFile;
extern const SectionFileKind kIndexRunFile;

inline constexpr size_t kSectionFileHeadBytes = 16;
inline constexpr size_t kSectionRecordBytes = 32;
inline constexpr size_t kSectionFileTrailerBytes = 40;
inline constexpr size_t kSectionsMax = 64;
inline constexpr size_t kFooterJsonBytesMax = 64 << 10;

// The checked footer of a file. Its sections lie one after another between head and footer and
// leave no byte out.
struct SectionFooter {
  FileNumber number;
  uint16_t version = 0;
  uint32_t features_required = 0;
  uint32_t features_optional = 0;
  std::vector<Section> sections;
  std::string json;
  uint64_t offset = 0;  // of the directory, the first byte after the sections
  uint64_t file_bytes = 0;
  uint32_t checksum = 0;  // CRC-32C of the footer: names the contents of the whole file

  // Null when there is none.
  const Section* Find(SectionKind kind) const;
};

// Parses the end of a file of `file_bytes` bytes; `tail` holds its last bytes. Sets `missing` to
// the number of bytes that `tail` lacks, and returns no error, when the footer is longer than
// `tail`. kCorruption or kUnsupportedVersion, without the path.
Result<SectionFooter> ParseFooter(const SectionFileKind& kind, std::string_view tail,
                                  uint64_t file_bytes, uint64_t& missing);

// One read of the end of `file` (two for a footer of more than 4 KiB).
Result<SectionFooter> ReadFooter(const SectionFileKind& kind, File& file);

// The bytes that a file begins with.
std::string SectionFileHead(const SectionFileKind& kind, FileNumber number);

// kCorruption that names a byte range: "bytes [16, 48): data section: checksum mismatch".
Error BadRange(uint64_t offset, uint64_t bytes, std::string_view what);

// Reads and verifies one small section. kCorruption; kResourceExhausted beyond `bytes_max`.
Result<std::string> ReadSection(File& file, const Section& section, uint64_t bytes_max);

// Reads every byte of the file and compares head, section checksums and footer with `footer`.
Result<> VerifySections(const SectionFileKind& kind, File& file, const SectionFooter& footer);

// Writes a section file from front to back. One thread. Destroyed before Publish: nothing stays.
class SectionFileWriter {
 public:
  static Result<std::unique_ptr<SectionFileWriter>> Create(const SectionFileKind& kind,
                                                           FileSystem& fs, RandomSource& random,
                                                           std::string_view path, FileNumber number,
                                                           FileWriter::Options options);

  // What follows belongs to a new section.
  void Begin(SectionKind section);
  Result<> Append(std::string_view bytes);
  // Of the next byte.
  uint64_t offset() const { return file_->offset(); }

  struct Published {
    uint64_t file_bytes = 0;
    uint32_t checksum = 0;
  };
  // Appends the footer and publishes the file durably under its name. Once.
  Result<Published> Publish(std::string_view json);

 private:
  SectionFileWriter(const SectionFileKind& kind, FileNumber number,
                    std::unique_ptr<FileWriter> file)
      : kind_(kind), number_(number), file_(std::move(file)) {}

  const SectionFileKind& kind_;
  const FileNumber number_;
  std::unique_ptr<FileWriter> file_;
  std::vector<Section> sections_;
};

}  // namespace ficus
