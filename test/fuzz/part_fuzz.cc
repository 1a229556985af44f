// Bytes that claim to be a part, or a piece of one: whatever they are, opening, verifying, scanning
// and merging them ends in rows or in an error.
//
// The first byte chooses what the rest is. The whole file is guarded by checksums that random bytes
// cannot get past, so the decoders behind them are also called directly.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/random.h"
#include "engine/encoding/checksum.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"
#include "engine/model/row_batch.h"
#include "engine/model/tag_value.h"
#include "engine/part/block_codec.h"
#include "engine/part/entry_table.h"
#include "engine/part/merge.h"
#include "engine/part/part.h"
#include "engine/part/part_dump.h"
#include "engine/part/part_footer.h"
#include "engine/part/primary_index.h"
#include "engine/part/section_file.h"

namespace ficus {
namespace {

enum Kind : uint8_t { kFile, kRepairedFile, kMeta, kPrimary, kKeys, kColumn, kEntries, kJson };

// Every value of the rows can be looked at.
void LookAt(const RowBatch& rows) {
  for (const ColumnValues& column : rows.columns) {
    for (size_t row = 0; row < rows.rows(); ++row) static_cast<void>(ValueAt(column, row));
  }
}

void Scan(const Part& part, SubjectId subject, MemoryLedger& ledger) {
  ScanRequest request;
  request.subject = subject;
  request.all_series = true;
  for (uint32_t id = 0; id < 32; ++id) request.columns.emplace_back(id);
  auto cursor = part.Scan(request, ledger);
  if (!cursor.has_value()) return;
  RowBatch rows;
  for (;;) {
    const auto found = (*cursor)->Next(rows);
    if (!found.has_value() || !*found) break;
    LookAt(rows);
  }
}

void Merge(FileSystem& fs, RandomSource& random, const std::shared_ptr<const Part>& part) {
  PartOptions options;
  options.number = FileNumber(99);
  static_cast<void>(MergeParts(fs, random, "", {part, part}, {}, MergeRules{}, options));
  options.number = FileNumber(100);
  static_cast<void>(MergeParts(fs, random, "", {part}, {}, MergeRules{}, options));
}

void OpenFile(std::string_view bytes) {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  MemoryLedger ledger(size_t{64} << 20);
  static_cast<void>(PublishFile(*fs, random, "p", bytes, FileClass::kTool));
  const auto part = Part::Open(*fs, "p", nullptr, FileClass::kTool);
  if (!part.has_value()) return;
  static_cast<void>((*part)->Verify(FileClass::kTool));
  static_cast<void>((*part)->ReadSeriesEntries(FileClass::kTool));
  static_cast<void>(DumpPart(*fs, "p", {.items = 10}));
  BlockHeader header;
  const auto blocks = (*part)->ListBlocks(FileClass::kTool);
  if (!blocks.has_value()) return;
  SubjectId subject;
  for (;;) {
    const auto found = (*blocks)->Next(header);
    if (!found.has_value() || !*found) break;
    if (header.subject != subject) Scan(**part, header.subject, ledger);
    subject = header.subject;
  }
  Merge(*fs, random, *part);
}

// The file with right checksums for every section, primary block and block it names, so that what
// lies behind them is reached.
std::string Repaired(std::string file) {
  uint64_t missing = 0;
  const size_t trailer_at = file.size() - std::min(file.size(), kSectionFileTrailerBytes);
  if (trailer_at < kSectionFileHeadBytes) return file;
  const auto directory = LoadLittle<uint32_t>(file.data() + trailer_at);
  const auto json = LoadLittle<uint32_t>(file.data() + trailer_at + 4);
  if (uint64_t{directory} + json > trailer_at - kSectionFileHeadBytes) return file;
  const size_t begin = trailer_at - directory - json;
  const auto repair_footer = [&] {
    StoreLittle(file.data() + trailer_at + 28,
                Crc32c(std::string_view(file).substr(begin, directory + json + 28)));
  };
  repair_footer();
  const auto footer = ParseFooter(kPartFile, file, file.size(), missing);
  if (!footer.has_value() || missing > 0) return file;
  const Section* meta = footer->Find(SectionKind::kMeta);
  const Section* primary = footer->Find(SectionKind::kPrimary);
  if (meta == nullptr || primary == nullptr) return file;

  uint64_t offset = primary->offset;
  for (uint64_t at = meta->offset; at + kPrimaryRecordBytes <= meta->offset + meta->bytes;
       at += kPrimaryRecordBytes) {
    const auto bytes = LoadLittle<uint32_t>(file.data() + at + 60);
    if (bytes > primary->offset + primary->bytes - offset) break;
    StoreLittle(file.data() + at + 64, PlacedCrc32c(std::string_view(file).substr(offset, bytes),
                                                    footer->number.value(), offset));
    offset += bytes;
  }
  for (size_t i = 0; i < footer->sections.size(); ++i) {
    const Section& section = footer->sections[i];
    StoreLittle(file.data() + begin + i * kSectionRecordBytes + 24,
                Crc32c(std::string_view(file).substr(section.offset, section.bytes)));
  }
  repair_footer();
  return file;
}

// A header that the bytes describe in their first few.
BlockHeader HeaderFrom(ByteReader& reader) {
  BlockHeader header;
  uint16_t rows = 0;
  uint16_t series = 0;
  uint8_t flags = 0;
  uint8_t type = 0;
  uint32_t span = 0;
  reader.ReadLittle(rows);
  reader.ReadLittle(series);
  reader.ReadLittle(flags);
  reader.ReadLittle(type);
  reader.ReadLittle(span);
  header.rows = 1 + rows % kBlockRowsMax;
  header.series = 1 + series % header.rows;
  header.first_series = SeriesId(5);
  header.last_series = SeriesId(header.series == 1 ? 5 : 5 + span);
  header.times = {1000, 1001 + span};
  header.has_tombstones = (flags & 1) != 0;
  BlockColumn column;
  column.type = static_cast<ColumnType>(1 + type % 7);
  header.columns.push_back(column);
  header.decoded_bytes = DecodedBytes(header, 1 << 20);
  return header;
}

void DecodePiece(uint8_t kind, std::string_view bytes) {
  ByteReader reader(bytes);
  switch (kind) {
    case kMeta:
      static_cast<void>(DecodeMeta(bytes, 1000, bytes.size() * 3, 1000));
      break;
    case kPrimary: {
      PrimaryEntry entry;
      uint8_t blocks = 0;
      reader.ReadLittle(blocks);
      reader.ReadLittle(entry.first);
      reader.ReadLittle(entry.last);
      reader.ReadLittle(entry.times);
      entry.blocks = blocks;
      entry.data_offset = 16;
      static_cast<void>(
          DecodePrimaryUnchecked(bytes.substr(reader.offset()), entry, uint64_t{1} << 40));
      break;
    }
    case kKeys: {
      const BlockHeader header = HeaderFrom(reader);
      static_cast<void>(DecodeKeys(bytes.substr(reader.offset()), header));
      break;
    }
    case kColumn: {
      const BlockHeader header = HeaderFrom(reader);
      const std::string_view rest = bytes.substr(reader.offset());
      const auto values = DecodeColumn(rest, header.columns[0], header);
      static_cast<void>(ColumnSchemeName(rest, header.columns[0], header.rows));
      if (!values.has_value()) break;
      for (size_t row = 0; row < values->rows(); ++row) static_cast<void>(ValueAt(*values, row));
      break;
    }
    case kEntries: {
      EntryBlock block;
      uint8_t entries = 0;
      reader.ReadLittle(entries);
      reader.ReadLittle(block.first);
      reader.ReadLittle(block.last);
      block.entries = entries;
      static_cast<void>(DecodeEntryBlock(bytes.substr(reader.offset()), block));
      static_cast<void>(
          DecodeEntryIndex(bytes, {SectionKind::kEntities, false, 16, bytes.size() * 2, 0}));
      break;
    }
    default:
      static_cast<void>(PartFooterFromJson(bytes));
  }
}

}  // namespace
}  // namespace ficus

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case ficus::kFile:
      ficus::OpenFile(bytes);
      break;
    case ficus::kRepairedFile:
      ficus::OpenFile(ficus::Repaired(std::string(bytes)));
      break;
    default:
      ficus::DecodePiece(data[0], bytes);
  }
  return 0;
}
