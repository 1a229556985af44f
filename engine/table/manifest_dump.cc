#include "engine/table/manifest_dump.h"

#include <utility>

#include <fmt/core.h>

#include "engine/index/index_run.h"
#include "engine/io/publish.h"
#include "engine/part/part.h"
#include "engine/table/manifest.h"

namespace ficus {
namespace {

Result<Manifest> ReadManifest(FileSystem& fs, std::string_view path) {
  ASSIGN_OR_RETURN(const std::string bytes,
                   ReadWholeFile(fs, path, kManifestBytesMax, FileClass::kTool));
  Result<Manifest> manifest = DecodeManifest(bytes);
  if (!manifest.has_value()) return std::move(manifest).error().With(path);
  return manifest;
}

std::string PartLine(const PartInfo& part) {
  return fmt::format(
      "part {}  bytes {}  checksum {:08x}  rows {}  blocks {}  series {}  times [{}, {})  "
      "positions "
      "{}-{}  generation {}{}\n",
      PartFileName(part.number), part.file_bytes, part.checksum, part.rows, part.blocks,
      part.series, part.times.begin, part.times.end, part.first_position.value(),
      part.last_position.value(), part.generation, part.has_tombstones ? "  tombstones" : "");
}

}  // namespace

Result<std::string> DumpManifest(FileSystem& fs, std::string_view path) {
  ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(fs, path));
  std::string text =
      fmt::format("manifest of epoch {}\ngroup {}\nlog {}\nflushed {}\nscn {}\nnext file {}\n",
                  manifest.epoch.value(), Hex16(manifest.group), Hex16(manifest.log),
                  manifest.flushed.value(), manifest.scn.value(), Hex16(manifest.next_file));
  for (const PartInfo& part : manifest.parts) text += PartLine(part);
  for (const IndexRunInfo& run : manifest.runs) {
    text += fmt::format("run {}  bytes {}  checksum {:08x}  entries {}\n",
                        IndexRunFileName(run.number), run.file_bytes, run.checksum, run.entries);
  }
  for (const DamageRecord& damage : manifest.damaged) {
    text +=
        fmt::format("damaged {}  times [{}, {})  {}\n",
                    damage.is_index ? IndexRunFileName(damage.number) : PartFileName(damage.number),
                    damage.times.begin, damage.times.end, damage.reason);
  }
  for (const std::string& name : manifest.obsolete) text += fmt::format("obsolete {}\n", name);
  return text;
}

Result<std::string> VerifyManifest(FileSystem& fs, std::string_view path) {
  ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(fs, path));
  const std::string_view directory = ParentPath(path);
  for (const PartInfo& info : manifest.parts) {
    ASSIGN_OR_RETURN(const auto part, Part::Open(fs, JoinPath(directory, PartFileName(info.number)),
                                                 &info, FileClass::kTool));
    RETURN_IF_ERROR(part->Verify(FileClass::kTool));
  }
  for (const IndexRunInfo& info : manifest.runs) {
    ASSIGN_OR_RETURN(const auto run,
                     IndexRun::Open(fs, JoinPath(directory, IndexRunFileName(info.number)), &info,
                                    FileClass::kTool));
    RETURN_IF_ERROR(run->Verify());
  }
  return fmt::format("{}: epoch {}, {} parts and {} runs checked, every byte\n", path,
                     manifest.epoch.value(), manifest.parts.size(), manifest.runs.size());
}

}  // namespace ficus
