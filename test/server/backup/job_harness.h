// A node in memory that can be backed up, and what a backup of it must hold.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/encoding/checksum.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"
#include "engine/part/section_file.h"
#include "server/backup/backup_job.h"
#include "server/backup/manifest.h"
#include "server/backup/repository_keys.h"
#include "server/backup/sha256.h"
#include "server/backup/snapshot_source.h"
#include "server/remote/memory_store.h"

namespace ficus {

// 2026-11-20T09:30:00Z
inline constexpr UnixNanos kMorning = int64_t{1795167000} * kNanosPerSecond;

// Files of a node by "<folder>/<path>", and snapshots of them. The files live in a file system that
// may be replaced by what a crash leaves of it.
class FakeNode final : public SnapshotSource {
 public:
  FakeNode(const Clock& clock, RandomSource& random) : clock_(clock), random_(random) {
    for (const char* folder : {"schema-property", "property", "measure", "stream", "trace"}) {
      CatalogSnapshot catalog;
      catalog.folder = folder;
      catalog.catalog = folder == std::string("measure")  ? Catalog::kMeasure
                        : folder == std::string("stream") ? Catalog::kStream
                        : folder == std::string("trace")  ? Catalog::kTrace
                                                          : Catalog::kProperty;
      catalogs_.push_back(catalog);
    }
  }

  void SetFileSystem(FileSystem& fs) { fs_ = &fs; }

  CatalogSnapshot& catalog(std::string_view folder) {
    for (CatalogSnapshot& catalog : catalogs_) {
      if (catalog.folder == folder) return catalog;
    }
    FAIL("no catalog " << folder);
    return catalogs_.front();
  }

  // Adds it, or gives it another id.
  void SetGroup(std::string_view folder, const std::string& name, uint64_t id) {
    auto& groups = catalog(folder).groups;
    groups.erase(std::remove_if(groups.begin(), groups.end(),
                                [&](const SnapshotGroup& group) { return group.name == name; }),
                 groups.end());
    groups.push_back({name, GroupId(id)});
    std::sort(groups.begin(), groups.end(),
              [](const SnapshotGroup& a, const SnapshotGroup& b) { return a.name < b.name; });
  }

  // A file of plain bytes, or a section file when its name ends in ".part" or ".idx".
  void AddFile(std::string_view folder, const std::string& path, std::string_view content) {
    const std::string place = Place(folder, path);
    REQUIRE(CreateDirectories(*fs_, ParentPath(place)).has_value());
    SnapshotFile file;
    file.path = path;
    const bool is_run = path.size() > 4 && path.substr(path.size() - 4) == ".idx";
    file.is_section_file = is_run || (path.size() > 5 && path.substr(path.size() - 5) == ".part");
    if (file.is_section_file) {
      auto writer = SectionFileWriter::Create(is_run ? kIndexRunFile : kPartFile, *fs_, random_,
                                              place, FileNumber(++last_number_), {});
      REQUIRE(writer.has_value());
      (*writer)->Begin(SectionKind::kData);
      REQUIRE((*writer)->Append(content).has_value());
      (*writer)->Begin(SectionKind::kMeta);
      REQUIRE((*writer)->Append(content.substr(0, content.size() / 3)).has_value());
      const auto published = (*writer)->Publish("{}");
      REQUIRE(published.has_value());
      file.size_bytes = published->file_bytes;
      file.checksum = published->checksum;
    } else {
      REQUIRE(PublishFile(*fs_, random_, place, content, FileClass::kManifest).has_value());
      file.size_bytes = content.size();
      file.checksum = Crc32c(content);
    }
    auto& files = catalog(folder).files;
    files.push_back(file);
    std::sort(files.begin(), files.end(),
              [](const SnapshotFile& a, const SnapshotFile& b) { return a.path < b.path; });
    ++position_;
  }

  void RemoveFile(std::string_view folder, std::string_view path) {
    auto& files = catalog(folder).files;
    files.erase(std::remove_if(files.begin(), files.end(),
                               [&](const SnapshotFile& file) { return file.path == path; }),
                files.end());
    ++position_;
  }

  static std::string Place(std::string_view folder, std::string_view path) {
    return "data/" + std::string(folder) + "/" + std::string(path);
  }

  // The content of every file now, by "<folder>/<path>".
  std::map<std::string, std::string> Contents() const {
    std::map<std::string, std::string> contents;
    for (const CatalogSnapshot& catalog : catalogs_) {
      for (const SnapshotFile& file : catalog.files) {
        auto bytes = ReadWholeFile(*fs_, Place(catalog.folder, file.path), uint64_t{1} << 30,
                                   FileClass::kTool);
        REQUIRE(bytes.has_value());
        contents[catalog.folder + "/" + file.path] = *bytes;
      }
    }
    return contents;
  }

  Result<std::unique_ptr<HeldSnapshot>> Take(const SnapshotScope& scope, std::stop_token) override {
    SnapshotContents contents;
    contents.id = "snapshot-" + std::to_string(snapshots_.size() + 1);
    contents.node_id = 7;
    contents.log = LogId(11);
    contents.position = LogPosition(position_);
    contents.scn = Scn(position_);
    contents.taken_at = clock_.Now();
    contents.whole_node = scope.groups.empty() && scope.catalogs.empty();
    contents.catalogs = catalogs_;
    snapshots_[contents.id] = contents;
    return Hold(contents.id);
  }

  Result<std::unique_ptr<HeldSnapshot>> Hold(std::string_view id) override {
    const auto found = snapshots_.find(std::string(id));
    if (found == snapshots_.end()) return Error{ErrorCode::kNotFound, "no such snapshot"};
    return std::unique_ptr<HeldSnapshot>(std::make_unique<Held>(*this, found->second));
  }

  void ForgetSnapshots() { snapshots_.clear(); }
  // Bytes of local files that were read, and how many files were opened.
  std::atomic<uint64_t> files_opened{0};
  std::atomic<uint64_t> discarded{0};

 private:
  class Held final : public HeldSnapshot {
   public:
    Held(FakeNode& node, SnapshotContents contents) : node_(node), contents_(std::move(contents)) {}
    const SnapshotContents& contents() const override { return contents_; }
    Result<std::unique_ptr<File>> Open(const CatalogSnapshot& catalog,
                                       const SnapshotFile& file) override {
      ++node_.files_opened;
      return node_.fs_->Open(Place(catalog.folder, file.path),
                             {.file_class = FileClass::kBackup, .mode = OpenMode::kRead});
    }
    void Discard() override { ++node_.discarded; }

   private:
    FakeNode& node_;
    const SnapshotContents contents_;
  };

  const Clock& clock_;
  RandomSource& random_;
  FileSystem* fs_ = nullptr;
  std::vector<CatalogSnapshot> catalogs_;
  std::map<std::string, SnapshotContents> snapshots_;
  uint64_t position_ = 1;
  uint64_t last_number_ = 0;
};

// A committed backup as it lies in the store.
struct StoredBackup {
  CommitRecord commit;
  BackupManifest manifest;
};

// Every committed backup; each object of each is there, byte for byte as its manifest says.
inline std::vector<StoredBackup> CheckedBackups(const MemoryStore& store) {
  std::vector<StoredBackup> backups;
  const auto objects = store.Contents();
  for (const auto& [key, bytes] : objects) {
    if (!ParseCommitKey(key)) continue;
    CAPTURE(key);
    const auto commit = DecodeCommit(bytes);
    REQUIRE(commit.has_value());
    REQUIRE(objects.count(commit->manifest_key) == 1);
    auto manifest = DecodeManifestOf(*commit, objects.at(commit->manifest_key));
    REQUIRE(manifest.has_value());
    for (const BackupObject& object : manifest->objects) {
      CAPTURE(object.key);
      REQUIRE(objects.count(object.key) == 1);
      REQUIRE(objects.at(object.key).size() == object.size_bytes);
      REQUIRE(Sha256Of(objects.at(object.key)) == object.sha256);
    }
    backups.push_back({*commit, std::move(*manifest)});
  }
  return backups;
}

// Keys that nothing accounts for: pending markers, objects that no manifest names, manifests
// without a commit.
inline std::set<std::string> Leftovers(const MemoryStore& store) {
  std::set<std::string> left;
  const auto objects = store.Contents();
  for (const auto& [key, bytes] : objects) left.insert(key);
  left.erase(std::string(kNodeKey));
  left.erase(std::string(kLeaseKey));
  for (const StoredBackup& backup : CheckedBackups(store)) {
    left.erase(CommitKey(backup.commit.timedir, backup.commit.generation));
    left.erase(VerifiedKey(backup.commit.timedir, backup.commit.generation));
    left.erase(backup.commit.manifest_key);
    for (const BackupObject& object : backup.manifest.objects) left.erase(object.key);
  }
  return left;
}

// The files that a backup would bring back, by "<folder>/<path>".
inline std::map<std::string, std::string> Restored(const MemoryStore& store,
                                                   const BackupManifest& manifest) {
  std::map<std::string, std::string> files;
  const auto objects = store.Contents();
  for (const BackupObject& object : manifest.objects) {
    files[object.folder + "/" + object.path] = objects.at(object.key);
  }
  return files;
}

// A node with its disk, a clock and what a job needs.
struct JobHarness {
  ManualClock clock{kMorning};
  SeededRandom random{42};
  std::unique_ptr<MemoryFileSystem> fs = MemoryFileSystem::Create();
  FakeNode node{clock, random};
  std::unique_ptr<Layout> layout = MakeTimedirLayout();
  BackupJobSpec spec;
  size_t concurrency = 1;
  RunStatus status;  // of the last run

  JobHarness() {
    node.SetFileSystem(*fs);
    spec.name = "hourly";
    spec.remote = "here";
    spec.verify = VerifyMode::kOff;
  }

  void ReplaceFileSystem(std::unique_ptr<MemoryFileSystem> other) {
    fs = std::move(other);
    node.SetFileSystem(*fs);
  }

  JobTools tools(uint64_t node_id = 7) {
    return {.file_system = *fs,
            .clock = clock,
            .random = random,
            .snapshots = node,
            .layout = *layout,
            .node_id = node_id,
            .pause =
                [this](int64_t nanos, std::stop_token stop) {
                  clock.Advance(nanos);
                  return !stop.stop_requested();
                },
            .retention_clock = {}};
  }

  // Some groups, an empty one among them, with `parts` parts.
  void Fill(size_t parts, size_t part_bytes = 1000) {
    node.SetGroup("schema-property", "_schema", 1);
    node.SetGroup("measure", "sw_metric", 2);
    node.SetGroup("measure", "sw_empty", 3);
    node.AddFile("schema-property", "_schema/identity", "schema identity");
    node.AddFile("measure", "sw_metric/identity", "metric identity");
    node.AddFile("measure", "sw_empty/identity", "empty identity");
    AddParts(parts, part_bytes);
  }

  void AddParts(size_t parts, size_t part_bytes = 1000) {
    for (size_t i = 0; i < parts; ++i) {
      std::string content(part_bytes, '\0');
      for (char& c : content) c = static_cast<char>(random.Next());
      node.AddFile("measure", "sw_metric/seg-20261120/shard-0/" + Hex16(++last_part) + ".part",
                   content);
    }
  }

  static std::string PartPath(uint64_t number) {
    return "sw_metric/seg-20261120/shard-0/" + Hex16(number) + ".part";
  }

  Result<> RunOnce(ObjectStore& store, bool dry_run = false, std::stop_token stop = {},
                   uint64_t node_id = 7) {
    RunStatus begin;
    begin.run = "run-" + std::to_string(++last_run);
    RunProgress progress(clock, begin);
    BackupJob job(tools(node_id), {store, concurrency}, spec, begin.run, dry_run, progress);
    auto done = job.Run(stop);
    status = progress.Get();
    return done;
  }

  // Finishes, or takes back, what a crash has left.
  Result<> Settle(ObjectStore& store, bool take_back) {
    auto runs = ListJournals(*fs);
    if (!runs) return std::move(runs).error();
    for (const std::string& run : *runs) {
      RunProgress progress(clock, {});
      auto job = BackupJob::Reopen(tools(), {store, concurrency}, run, progress);
      if (!job && job.error().code == ErrorCode::kNotFound) {
        // It died before its first record: nothing had been done.
        RETURN_IF_ERROR(RunJournal::Remove(*fs, run));
        continue;
      }
      if (!job) return std::move(job).error();
      RETURN_IF_ERROR(take_back ? (*job)->TakeBack({}) : (*job)->Run({}));
      status = progress.Get();
    }
    return Ok();
  }

  uint64_t last_part = 0;
  uint64_t last_run = 0;
};

// Where in a request the process dies.
enum class DeathMoment { kBeforeSend, kAfterSend, kAfterAnswer };

// Hands requests on until the one that the process does not survive; from then on nothing happens
// any more.
class DyingStore final : public ObjectStore {
 public:
  // `on_death` runs at that very moment.
  DyingStore(ObjectStore& inner, uint64_t dies_at, DeathMoment moment,
             std::function<void()> on_death)
      : inner_(inner), dies_at_(dies_at), moment_(moment), on_death_(std::move(on_death)) {}

  const std::string& url() const override { return inner_.url(); }
  StoreAbilities abilities() const override { return inner_.abilities(); }

  Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                         const PutCondition& condition, std::stop_token stop) override {
    return Change<ObjectInfo>([&] { return inner_.Put(key, source, condition, stop); });
  }
  Result<ObjectInfo> Copy(std::string_view from, std::string_view to,
                          std::stop_token stop) override {
    return Change<ObjectInfo>([&] { return inner_.Copy(from, to, stop); });
  }
  Result<> Delete(std::span<const std::string> keys, std::stop_token stop) override {
    return Change<void>([&] { return inner_.Delete(keys, stop); });
  }
  Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                         std::stop_token stop) override {
    if (dead_) return Dead();
    return inner_.Get(key, range, sink, stop);
  }
  Result<ObjectInfo> Head(std::string_view key, std::stop_token stop) override {
    if (dead_) return Dead();
    return inner_.Head(key, stop);
  }
  Result<ListPage> List(const ListRequest& request, std::stop_token stop) override {
    if (dead_) return Dead();
    return inner_.List(request, stop);
  }

  bool dead() const { return dead_; }
  uint64_t changes() const { return changes_; }

 private:
  static Error Dead() { return {ErrorCode::kUnavailable, "the process is dead"}; }

  template <typename T, typename Request>
  Result<T> Change(const Request& request) {
    if (dead_) return Dead();
    if (changes_++ != dies_at_) return request();
    if (moment_ == DeathMoment::kBeforeSend) {
      Die();
      return Dead();
    }
    auto answer = request();
    Die();
    if (moment_ == DeathMoment::kAfterSend) return Dead();
    return answer;
  }

  void Die() {
    dead_ = true;
    on_death_();
  }

  ObjectStore& inner_;
  const uint64_t dies_at_;
  const DeathMoment moment_;
  const std::function<void()> on_death_;
  std::atomic<bool> dead_{false};
  std::atomic<uint64_t> changes_{0};
};

}  // namespace ficus
