#include "engine/index/index_run_dump.h"

#include <memory>

#include <fmt/core.h>

#include "engine/base/id.h"
#include "engine/index/index_run.h"
#include "engine/part/section_file.h"

namespace ficus {
namespace {

// Entities are bytes; what a terminal cannot show is escaped.
std::string Printable(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '\\') {
      text += c;
    } else {
      text += fmt::format("\\x{:02x}", byte);
    }
  }
  return text;
}

Result<SectionFooter> ReadFrame(FileSystem& fs, std::string_view path) {
  OpenOptions options;
  options.file_class = FileClass::kTool;
  ASSIGN_OR_RETURN(const auto file, fs.Open(path, options));
  return ReadFooter(kIndexRunFile, *file);
}

}  // namespace

Result<std::string> DumpIndexRun(FileSystem& fs, std::string_view path, DumpLimits limits) {
  ASSIGN_OR_RETURN(const auto run,
                   IndexRun::Open(fs, std::string(path), nullptr, FileClass::kTool));
  ASSIGN_OR_RETURN(const SectionFooter frame, ReadFrame(fs, path));
  std::string text = fmt::format("index run {}\n{}", path, DumpFrame(frame));
  ASSIGN_OR_RETURN(const auto entries, run->ListEntries(FileClass::kTool));
  SeriesEntry entry;
  for (uint64_t number = 0; number < limits.items; ++number) {
    ASSIGN_OR_RETURN(const bool found, entries->Next(entry));
    if (!found) return text;
    text += fmt::format("subject {} series {} entity {}\n", Hex16(entry.subject),
                        Hex16(entry.series), Printable(entry.entity));
  }
  if (run->info().entries > limits.items) {
    text += fmt::format("{} more entries\n", run->info().entries - limits.items);
  }
  return text;
}

Result<std::string> VerifyIndexRun(FileSystem& fs, std::string_view path) {
  ASSIGN_OR_RETURN(const auto run,
                   IndexRun::Open(fs, std::string(path), nullptr, FileClass::kTool));
  RETURN_IF_ERROR(run->Verify());
  return fmt::format("index run {}: good, {} bytes, {} entries\n", path, run->info().file_bytes,
                     run->info().entries);
}

}  // namespace ficus
