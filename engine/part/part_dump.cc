#include "engine/part/part_dump.h"

#include <bit>
#include <utility>

#include <fmt/core.h>

#include "engine/base/id.h"
#include "engine/part/block_codec.h"
#include "engine/part/file_part.h"

namespace ficus {
namespace {

std::string BoundsText(const BlockColumn& column) {
  if (!column.has_bounds) return "";
  if (column.type == ColumnType::kFloat64) {
    return fmt::format(" in [{}, {}]", std::bit_cast<double>(column.min_word),
                       std::bit_cast<double>(column.max_word));
  }
  return fmt::format(" in [{}, {}], sum {}", static_cast<int64_t>(column.min_word),
                     static_cast<int64_t>(column.max_word), static_cast<int64_t>(column.sum_word));
}

std::string BlockText(uint64_t number, const RawBlock& block) {
  const BlockHeader& header = block.header;
  std::string text =
      fmt::format("block {}: at {}, {} bytes, subject {}, series {}", number, header.keys.offset,
                  header.bytes(), Hex16(header.subject), Hex16(header.first_series));
  if (header.series > 1) {
    text += fmt::format("..{} ({})", Hex16(header.last_series), header.series);
  }
  text += fmt::format(", {} rows, times [{}, {}){}\n", header.rows, header.times.begin,
                      header.times.end, header.has_tombstones ? ", tombstones" : "");
  text += fmt::format("  keys {} bytes\n", header.keys.bytes);
  for (size_t i = 0; i < header.columns.size(); ++i) {
    const BlockColumn& column = header.columns[i];
    text +=
        fmt::format("  column {} {}: {} bytes, {}{}\n", column.id.value(),
                    ColumnTypeName(column.type), column.extent.bytes,
                    ColumnSchemeName(block.columns[i], column, header.rows), BoundsText(column));
  }
  return text;
}

}  // namespace

std::string DumpFrame(const SectionFooter& frame) {
  std::string text = fmt::format(
      "number {}, format version {}, features {:#x} required {:#x} optional\n", Hex16(frame.number),
      frame.version, frame.features_required, frame.features_optional);
  text +=
      fmt::format("{} bytes, checksum {:08x}\n{}\n", frame.file_bytes, frame.checksum, frame.json);
  for (const Section& section : frame.sections) {
    text += fmt::format("section {}: bytes [{}, {}), checksum {:08x}{}\n",
                        SectionName(section.kind), section.offset, section.offset + section.bytes,
                        section.checksum, section.optional ? ", optional" : "");
  }
  return text;
}

Result<std::string> DumpPart(FileSystem& fs, std::string_view path, DumpLimits limits) {
  ASSIGN_OR_RETURN(const auto part, Part::Open(fs, std::string(path), nullptr, FileClass::kTool));
  std::string text =
      fmt::format("part {}\n{}", path, DumpFrame(static_cast<const FilePart&>(*part).frame()));
  ASSIGN_OR_RETURN(const auto blocks, part->ListBlocks(FileClass::kTool));
  BlockHeader header;
  for (uint64_t number = 0; number < limits.items; ++number) {
    ASSIGN_OR_RETURN(const bool found, blocks->Next(header));
    if (!found) return text;
    ASSIGN_OR_RETURN(const RawBlock block, blocks->ReadRaw());
    text += BlockText(number, block);
  }
  if (part->info().blocks > limits.items) {
    text += fmt::format("{} more blocks\n", part->info().blocks - limits.items);
  }
  return text;
}

Result<std::string> VerifyPart(FileSystem& fs, std::string_view path) {
  ASSIGN_OR_RETURN(const auto part, Part::Open(fs, std::string(path), nullptr, FileClass::kTool));
  RETURN_IF_ERROR(part->Verify(FileClass::kTool));
  const PartInfo& info = part->info();
  return fmt::format("part {}: good, {} bytes, {} rows, {} series, {} blocks\n", path,
                     info.file_bytes, info.rows, info.series, info.blocks);
}

}  // namespace ficus
