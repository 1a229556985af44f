#include "engine/snapshot/snapshot_verifier.h"

#include <map>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "engine/encoding/checksum.h"
#include "engine/index/index_run.h"
#include "engine/io/publish.h"
#include "engine/part/part.h"
#include "engine/segment/identity.h"
#include "engine/snapshot/snapshot_name.h"
#include "engine/table/manifest.h"

namespace ficus {
namespace {

Error Differs(std::string_view what) {
  return Error{ErrorCode::kCorruption, fmt::format("its {} is not the listed one", what)};
}

// Opens as a part or run, compares with the list, reads every byte.
template <typename SectionFile>
Result<> VerifySections(const Result<std::shared_ptr<const SectionFile>>& opened,
                        const SnapshotFile& file, const std::function<Result<>()>& verify) {
  if (!opened.has_value()) return opened.error();
  if ((*opened)->info().checksum != file.checksum) return Differs("checksum");
  return verify();
}

class Verifier {
 public:
  Verifier(FileSystem& fs, const CatalogSnapshot& catalog, SnapshotVerification& verification)
      : fs_(fs), folder_(SnapshotFolder(catalog)), catalog_(catalog), verification_(verification) {
    for (const SnapshotFile& file : catalog.files) files_.emplace(file.path, &file);
  }

  Result<> Run(const std::stop_token& stop);

 private:
  std::string PathOf(std::string_view path) const { return JoinPath(folder_, path); }
  void Report(std::string_view path, std::string reason) {
    verification_.damage.push_back({PathOf(path), std::move(reason)});
  }
  Result<> VerifyFile(const SnapshotFile& file);
  Result<> VerifySectionFile(const SnapshotFile& file);
  Result<> VerifySmallFile(const SnapshotFile& file);
  void CheckManifest(const std::string& path, const Manifest& manifest);
  void CheckNamed(const std::string& path, uint64_t size_bytes, uint32_t checksum);
  void CheckShards();
  void CheckDirectory(const std::string& path);

  FileSystem& fs_;
  const std::string folder_;
  const CatalogSnapshot& catalog_;
  SnapshotVerification& verification_;
  std::map<std::string_view, const SnapshotFile*> files_;
  std::set<std::string> named_;                   // parts and runs that a manifest names
  std::map<std::string, std::string> manifests_;  // shard directory -> its manifest
};

Result<> Verifier::Run(const std::stop_token& stop) {
  for (const SnapshotFile& file : catalog_.files) {
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "verification was cancelled"};
    ++verification_.files;
    verification_.bytes += file.size_bytes;
    const Result<> verified = VerifyFile(file);
    if (!verified.has_value()) Report(file.path, verified.error().ToString());
  }
  CheckShards();
  CheckDirectory("");
  return Ok();
}

Result<> Verifier::VerifyFile(const SnapshotFile& file) {
  ASSIGN_OR_RETURN(const FileStatus status, fs_.Status(PathOf(file.path)));
  if (status.is_directory || status.size_bytes != file.size_bytes) return Differs("size");
  return file.is_section_file ? VerifySectionFile(file) : VerifySmallFile(file);
}

Result<> Verifier::VerifySectionFile(const SnapshotFile& file) {
  FileNumber number;
  if (ParsePartFileName(BaseName(file.path), number)) {
    const auto part = Part::Open(fs_, PathOf(file.path), nullptr, FileClass::kSnapshot);
    return VerifySections(part, file, [&] { return (*part)->Verify(FileClass::kSnapshot); });
  }
  if (ParseIndexRunFileName(BaseName(file.path), number)) {
    const auto run = IndexRun::Open(fs_, PathOf(file.path), nullptr, FileClass::kSnapshot);
    return VerifySections(run, file, [&] { return (*run)->Verify(); });
  }
  return Error{ErrorCode::kCorruption, "its name is neither of a part nor of an index run"};
}

Result<> Verifier::VerifySmallFile(const SnapshotFile& file) {
  ASSIGN_OR_RETURN(const std::string bytes,
                   ReadWholeFile(fs_, PathOf(file.path), kManifestBytesMax, FileClass::kSnapshot));
  if (Crc32c(bytes) != file.checksum) return Differs("checksum");
  const std::string_view name = BaseName(file.path);
  if (name == kGroupIdentityFile)
    return DecodeGroupIdentity(bytes).has_value() ? Ok()
                                                  : Result<>(DecodeGroupIdentity(bytes).error());
  if (name == kSegmentIdentityFile)
    return DecodeSegmentIdentity(bytes).has_value()
               ? Ok()
               : Result<>(DecodeSegmentIdentity(bytes).error());
  ASSIGN_OR_RETURN(const Manifest manifest, DecodeManifest(bytes));
  CheckManifest(file.path, manifest);
  return Ok();
}

void Verifier::CheckManifest(const std::string& path, const Manifest& manifest) {
  const std::string shard(ParentPath(path));
  if (!manifests_.emplace(shard, path).second) Report(path, "its shard has another manifest, too");
  if (BaseName(path) != ManifestFileName(manifest.epoch)) Report(path, "its epoch is not its name");
  for (const PartInfo& part : manifest.parts) {
    CheckNamed(JoinPath(shard, PartFileName(part.number)), part.file_bytes, part.checksum);
  }
  for (const IndexRunInfo& run : manifest.runs) {
    CheckNamed(JoinPath(shard, IndexRunFileName(run.number)), run.file_bytes, run.checksum);
  }
}

void Verifier::CheckNamed(const std::string& path, uint64_t size_bytes, uint32_t checksum) {
  const auto found = files_.find(path);
  if (found == files_.end()) {
    Report(path, "a manifest names it, but it is not in the list");
  } else if (found->second->size_bytes != size_bytes || found->second->checksum != checksum) {
    Report(path, "the list and its manifest disagree about it");
  }
  named_.insert(path);
}

void Verifier::CheckShards() {
  for (const SnapshotFile& file : catalog_.files) {
    if (!file.is_section_file || named_.contains(file.path)) continue;
    Report(file.path, "no manifest names it");
  }
}

void Verifier::CheckDirectory(const std::string& path) {
  const std::string directory = path.empty() ? folder_ : PathOf(path);
  const Result<std::vector<DirectoryEntry>> entries = fs_.List(directory);
  if (!entries.has_value()) {
    verification_.damage.push_back({directory, entries.error().ToString()});
    return;
  }
  for (const DirectoryEntry& entry : *entries) {
    const std::string child = path.empty() ? entry.name : JoinPath(path, entry.name);
    if (entry.is_directory) {
      CheckDirectory(child);
    } else if (!files_.contains(child)) {
      Report(child, "it is not in the list");
    }
  }
}

}  // namespace

Result<SnapshotVerification> VerifySnapshotFiles(FileSystem& fs, const SnapshotContents& contents,
                                                 const std::stop_token& stop) {
  SnapshotVerification verification;
  for (const CatalogSnapshot& catalog : contents.catalogs) {
    RETURN_IF_ERROR(Verifier(fs, catalog, verification).Run(stop));
  }
  return verification;
}

}  // namespace ficus
