#include "test/crash/number_history.h"

#include <algorithm>

#include <fmt/core.h>

#include "engine/encoding/checksum.h"
#include "engine/index/index_run.h"
#include "engine/io/publish.h"
#include "engine/part/part.h"
#include "engine/segment/identity.h"
#include "engine/table/manifest.h"

namespace ficus {
namespace {

constexpr uint64_t kFileBytesMax = 1 << 20;

GivenNumbers NumbersOf(const Manifest& manifest) {
  GivenNumbers given;
  given.epoch = manifest.epoch;
  given.manifest = Crc32c(EncodeManifest(manifest));
  given.next_file = manifest.next_file;
  for (const PartInfo& part : manifest.parts) {
    given.files.emplace(PartFileName(part.number), part.checksum);
  }
  for (const IndexRunInfo& run : manifest.runs) {
    given.files.emplace(IndexRunFileName(run.number), run.checksum);
  }
  return given;
}

// What tells a segment's directory from another one of the same name; empty where there is none.
std::string IncarnationOf(FileSystem& fs, std::string_view directory) {
  const auto bytes =
      ReadWholeFile(fs, JoinPath(directory, kSegmentIdentityFile), kFileBytesMax, FileClass::kTool);
  return bytes.has_value() ? fmt::format("{:08x}", Crc32c(*bytes)) : std::string();
}

Result<> ReadBelow(FileSystem& fs, const std::string& directory, NumberHistory& history) {
  const auto entries = fs.List(directory);
  if (!entries.has_value() && entries.error().code == ErrorCode::kNotFound) return Ok();
  RETURN_IF_ERROR(entries);
  const bool is_shard = std::any_of(entries->begin(), entries->end(),
                                    [](const auto& entry) { return entry.name.ends_with(".snp"); });
  if (is_shard) {
    ASSIGN_OR_RETURN(const ManifestReading reading, ReadNewestManifest(fs, directory));
    if (reading.hole) return *reading.hole;
    const std::string shard = fmt::format("{} of {} {}", directory, reading.manifest.group.value(),
                                          IncarnationOf(fs, ParentPath(directory)));
    history[shard] = NumbersOf(reading.manifest);
    return Ok();
  }
  for (const DirectoryEntry& entry : *entries) {
    if (!entry.is_directory) continue;
    RETURN_IF_ERROR(ReadBelow(fs, JoinPath(directory, entry.name), history));
  }
  return Ok();
}

Result<> CheckShard(const std::string& name, const GivenNumbers& before,
                    const GivenNumbers& later) {
  const auto again = [&](const std::string& what) {
    return Error{ErrorCode::kCorruption, fmt::format("{}: {} again", name, what)};
  };
  if (later.epoch < before.epoch ||
      (later.epoch == before.epoch && later.manifest != before.manifest)) {
    return again(fmt::format("epoch {} after {}", later.epoch.value(), before.epoch.value()));
  }
  for (const auto& [file, checksum] : later.files) {
    const auto known = before.files.find(file);
    const bool is_new = known == before.files.end();
    if (!is_new && known->second != checksum) return again(file);
    // The names begin with the number.
    if (is_new && file < PartFileName(before.next_file).substr(0, 16)) return again(file);
  }
  return Ok();
}

}  // namespace

Result<NumberHistory> ReadNumbers(FileSystem& fs) {
  NumberHistory history;
  for (const char* const root : {"measure/data", "property/data"}) {
    RETURN_IF_ERROR(ReadBelow(fs, root, history));
  }
  return history;
}

Result<> CheckNumbers(const NumberHistory& before, const NumberHistory& later) {
  for (const auto& [name, given] : before) {
    const auto found = later.find(name);
    if (found != later.end()) RETURN_IF_ERROR(CheckShard(name, given, found->second));
  }
  return Ok();
}

void AddNumbers(NumberHistory& history, const NumberHistory& later) {
  for (const auto& [name, given] : later) {
    GivenNumbers& known = history[name];
    known.epoch = given.epoch;
    known.manifest = given.manifest;
    known.next_file = given.next_file;
    known.files.insert(given.files.begin(), given.files.end());
  }
}

}  // namespace ficus
