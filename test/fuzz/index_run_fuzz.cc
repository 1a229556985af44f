// Bytes that claim to be an index run: opening, verifying, scanning and merging them ends in
// entries or in an error.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/random.h"
#include "engine/encoding/checksum.h"
#include "engine/index/index_run.h"
#include "engine/index/index_run_dump.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"
#include "engine/model/ids.h"
#include "engine/part/entry_table.h"
#include "engine/part/section_file.h"

namespace ficus {
namespace {

// The file with right checksums for every section and block it names, so that what lies behind them
// is reached.
std::string Repaired(std::string file) {
  if (file.size() < kSectionFileHeadBytes + kSectionFileTrailerBytes) return file;
  const size_t trailer_at = file.size() - kSectionFileTrailerBytes;
  const auto directory = LoadLittle<uint32_t>(file.data() + trailer_at);
  const auto json = LoadLittle<uint32_t>(file.data() + trailer_at + 4);
  if (uint64_t{directory} + json > trailer_at - kSectionFileHeadBytes) return file;
  const size_t begin = trailer_at - directory - json;
  const auto repair_footer = [&] {
    StoreLittle(file.data() + trailer_at + 28,
                Crc32c(std::string_view(file).substr(begin, directory + json + 28)));
  };
  repair_footer();
  uint64_t missing = 0;
  const auto footer = ParseFooter(kIndexRunFile, file, file.size(), missing);
  if (!footer.has_value() || missing > 0) return file;
  const Section* entities = footer->Find(SectionKind::kEntities);
  const Section* index = footer->Find(SectionKind::kEntityIndex);
  if (entities == nullptr || index == nullptr) return file;

  uint64_t offset = entities->offset;
  for (uint64_t at = index->offset; at + kEntryRecordBytes <= index->offset + index->bytes;
       at += kEntryRecordBytes) {
    const auto bytes = LoadLittle<uint32_t>(file.data() + at + 36);
    if (bytes > entities->offset + entities->bytes - offset) break;
    StoreLittle(file.data() + at + 40, PlacedCrc32c(std::string_view(file).substr(offset, bytes),
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

void OpenFile(std::string_view bytes) {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  static_cast<void>(PublishFile(*fs, random, "i", bytes, FileClass::kTool));
  const auto run = IndexRun::Open(*fs, "i", nullptr, FileClass::kTool);
  if (!run.has_value()) return;
  static_cast<void>((*run)->Verify());
  static_cast<void>(DumpIndexRun(*fs, "i", {.items = 100}));
  static_cast<void>((*run)->ScanSubject(
      SubjectId(1), [](SeriesId, std::string_view) { return true; }, nullptr));
  static_cast<void>((*run)->Lookup(
      SubjectId(1), {SeriesId(5), SeriesId(9)}, [](SeriesId, std::string_view) { return true; },
      nullptr));
  static_cast<void>(
      MergeIndexRuns(*fs, random, "", FileNumber(9), {*run, *run}, [](SubjectId) { return true; }));
}

}  // namespace
}  // namespace ficus

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ficus::OpenFile(data[0] == 0 ? bytes : ficus::Repaired(bytes));
  return 0;
}
