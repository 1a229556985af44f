#include "server/backup/manifest.h"

#include <utility>

#include <fmt/format.h>

#include "server/backup/commit_members.h"
#include "server/backup/record_text.h"
#include "server/backup/repository_keys.h"

namespace ficus {
namespace {

constexpr std::string_view kManifestKind = "backup manifest";
constexpr std::string_view kCommitKind = "backup commit";
constexpr std::string_view kVerificationKind = "backup verification";

Error Broken(std::string_view kind, std::string_view what) {
  return {ErrorCode::kCorruption, std::string(kind) + ": " + std::string(what)};
}

std::string_view FormName(TimedirForm form) {
  return form == TimedirForm::kReleased ? "released" : "seed";
}

TimedirForm ReadForm(MemberReader& members) {
  const std::string name = members.Text("form");
  for (const TimedirForm form : {TimedirForm::kReleased, TimedirForm::kSeed}) {
    if (name == FormName(form)) return form;
  }
  members.Refuse("form");
  return TimedirForm::kReleased;
}

VerifyLevel ReadLevel(MemberReader& members) {
  const std::string name = members.Text("level");
  for (const VerifyLevel level : {VerifyLevel::kQuick, VerifyLevel::kSample, VerifyLevel::kFull}) {
    if (name == VerifyLevelName(level)) return level;
  }
  members.Refuse("level");
  return VerifyLevel::kFull;
}

Catalog ReadCatalogKind(MemberReader& members) {
  const std::optional<Catalog> catalog = CatalogFromName(members.Text("catalog"));
  if (!catalog) members.Refuse("catalog");
  return catalog.value_or(Catalog::kMeasure);
}

// The members that say which run of which time directory a record belongs to.
struct RecordOwner {
  std::string_view run;
  std::string_view timedir;
  uint64_t generation;
};

Result<> CheckOwner(std::string_view kind, const RecordOwner& owner) {
  if (!IsRecordName(owner.run)) return Broken(kind, "the run's id is no name");
  if (!IsTimedirName(owner.timedir)) {
    return Broken(kind, fmt::format("\"{}\" is no time directory", owner.timedir));
  }
  if (owner.generation == 0) return Broken(kind, "generation 0");
  return Ok();
}

bool IsFolderName(std::string_view folder) {
  return IsSafePath(folder) && folder.find('/') == std::string_view::npos;
}

Result<> CheckCatalogs(const std::vector<BackupCatalog>& catalogs) {
  for (size_t i = 0; i < catalogs.size(); ++i) {
    const BackupCatalog& catalog = catalogs[i];
    if (!IsFolderName(catalog.folder)) {
      return Broken(kManifestKind, fmt::format("\"{}\" is no folder", catalog.folder));
    }
    for (size_t k = 0; k < i; ++k) {
      if (catalogs[k].folder == catalog.folder) {
        return Broken(kManifestKind, "folder " + catalog.folder + " twice");
      }
    }
    for (size_t g = 0; g < catalog.groups.size(); ++g) {
      if (!IsFolderName(catalog.groups[g].name)) {
        return Broken(kManifestKind, fmt::format("\"{}\" is no group", catalog.groups[g].name));
      }
      if (g > 0 && catalog.groups[g - 1].name >= catalog.groups[g].name) {
        return Broken(kManifestKind, "group " + catalog.groups[g].name + " is twice or unsorted");
      }
    }
  }
  return Ok();
}

bool HasFolder(const BackupManifest& manifest, std::string_view folder) {
  for (const BackupCatalog& catalog : manifest.catalogs) {
    if (catalog.folder == folder) return true;
  }
  return false;
}

Result<> CheckObjects(const BackupManifest& manifest) {
  std::string_view before;
  for (const BackupObject& object : manifest.objects) {
    if (!IsSafePath(object.path)) {
      return Broken(kManifestKind, fmt::format("path \"{}\" leaves its folder", object.path));
    }
    if (!HasFolder(manifest, object.folder)) {
      return Broken(kManifestKind, object.key + " lies in a folder that is not listed");
    }
    if (object.key != FileKey(manifest.form, manifest.timedir, object.folder, object.path)) {
      return Broken(kManifestKind, object.key + " is not the key of its folder and path");
    }
    if (!IsSafePath(object.key)) return Broken(kManifestKind, object.key + " is no key");
    if (!before.empty() && before >= object.key) {
      return Broken(kManifestKind, object.key + " is twice or unsorted");
    }
    before = object.key;
  }
  return Ok();
}

uint64_t BytesOf(const BackupManifest& manifest) {
  uint64_t bytes = 0;
  for (const BackupObject& object : manifest.objects) bytes += object.size_bytes;
  return bytes;
}

void ReadCatalogs(MemberReader& members, BackupManifest& manifest) {
  members.Objects("catalogs", [&](MemberReader& each) {
    BackupCatalog catalog;
    catalog.folder = each.Text("folder");
    catalog.catalog = ReadCatalogKind(each);
    each.Objects("groups", [&](MemberReader& one) {
      BackupGroup group;
      group.name = one.Text("name");
      group.id = GroupId(one.Hex("id"));
      catalog.groups.push_back(std::move(group));
    });
    manifest.catalogs.push_back(std::move(catalog));
  });
}

void ReadObjects(MemberReader& members, BackupManifest& manifest) {
  members.Objects("objects", [&](MemberReader& each) {
    BackupObject object;
    object.folder = each.Text("folder");
    object.path = each.Text("path");
    object.key = FileKey(manifest.form, manifest.timedir, object.folder, object.path);
    object.size_bytes = each.Uint("size");
    object.sha256 = each.Hash("sha256");
    object.group = GroupId(each.Hex("group"));
    object.checksum = each.Hex32("crc");
    object.is_section_file = each.Bool("sections");
    manifest.objects.push_back(std::move(object));
  });
}

}  // namespace

std::string_view VerifyLevelName(VerifyLevel level) {
  switch (level) {
    case VerifyLevel::kQuick:
      return "quick";
    case VerifyLevel::kSample:
      return "sample";
    case VerifyLevel::kFull:
      return "full";
  }
  return "unknown";
}

bool CountsAsVerified(const CommitRecord& commit, const VerificationRecord& verification) {
  return !commit.degraded && verification.level == VerifyLevel::kFull &&
         verification.damaged.empty() && verification.commit_run == commit.run &&
         verification.timedir == commit.timedir && verification.generation == commit.generation;
}

CommitRecord CommitOf(const BackupManifest& manifest, std::string_view manifest_bytes,
                      uint64_t lease_generation, UnixNanos committed_at) {
  CommitRecord commit;
  commit.run = manifest.run;
  commit.timedir = manifest.timedir;
  commit.generation = manifest.generation;
  commit.node_id = manifest.node_id;
  commit.lease_generation = lease_generation;
  commit.job = manifest.job;
  commit.manifest_key = ManifestKey(manifest.timedir, manifest.generation);
  commit.manifest_bytes = manifest_bytes.size();
  commit.manifest_sha256 = Sha256Of(manifest_bytes);
  commit.object_count = manifest.objects.size();
  commit.object_bytes = BytesOf(manifest);
  commit.taken_at = manifest.taken_at;
  commit.committed_at = committed_at;
  commit.degraded = !manifest.missing.empty();
  commit.scope = manifest.scope;
  return commit;
}

Result<> CheckManifest(const BackupManifest& manifest) {
  RETURN_IF_ERROR(CheckOwner(kManifestKind, {manifest.run, manifest.timedir, manifest.generation}));
  RETURN_IF_ERROR(CheckCatalogs(manifest.catalogs));
  return CheckObjects(manifest);
}

std::string EncodeBackupManifest(const BackupManifest& manifest) {
  RecordMembers members(",\n");
  members.Text("run", manifest.run);
  members.Text("timedir", manifest.timedir);
  members.Uint("generation", manifest.generation);
  members.Text("form", FormName(manifest.form));
  members.Text("job", manifest.job);
  members.Hex("node", manifest.node_id);
  members.Hex("log", manifest.log.value());
  members.Uint("position", manifest.position.value());
  members.Hex("scn", manifest.scn.value());
  members.Time("taken_at", manifest.taken_at);
  members.Bool("whole_node", manifest.whole_node);
  if (!manifest.scope.empty()) members.Text("scope", manifest.scope);
  members.Texts("missing", manifest.missing);
  members.Objects("catalogs", manifest.catalogs.size(), [&](size_t i, RecordMembers& each) {
    const BackupCatalog& catalog = manifest.catalogs[i];
    each.Text("folder", catalog.folder);
    each.Text("catalog", CatalogName(catalog.catalog));
    each.Objects("groups", catalog.groups.size(), [&](size_t g, RecordMembers& one) {
      one.Text("name", catalog.groups[g].name);
      one.Hex("id", catalog.groups[g].id.value());
    });
  });
  members.Objects("objects", manifest.objects.size(), [&](size_t i, RecordMembers& each) {
    const BackupObject& object = manifest.objects[i];
    each.Text("folder", object.folder);
    each.Text("path", object.path);
    each.Uint("size", object.size_bytes);
    each.Hash("sha256", object.sha256);
    each.Hex("group", object.group.value());
    each.Hex32("crc", object.checksum);
    each.Bool("sections", object.is_section_file);
  });
  return SealRecord(kManifestKind, members);
}

Result<BackupManifest> DecodeBackupManifest(std::string_view bytes) {
  ASSIGN_OR_RETURN(const OpenedRecord record,
                   OpenRecord(kManifestKind, kBackupManifestBytesMax, bytes));
  MemberReader members = record.members();
  BackupManifest manifest;
  manifest.run = members.Text("run");
  manifest.timedir = members.Text("timedir");
  manifest.generation = members.Uint("generation");
  manifest.form = ReadForm(members);
  manifest.job = members.Text("job");
  manifest.node_id = members.Hex("node");
  manifest.log = LogId(members.Hex("log"));
  manifest.position = LogPosition(members.Uint("position"));
  manifest.scn = Scn(members.Hex("scn"));
  manifest.taken_at = members.Time("taken_at");
  manifest.whole_node = members.Bool("whole_node");
  if (members.Has("scope")) manifest.scope = members.Text("scope");
  manifest.missing = members.Texts("missing");
  ReadCatalogs(members, manifest);
  ReadObjects(members, manifest);
  if (Result<> read = members.result(); !read) return std::move(read).error().With(kManifestKind);
  RETURN_IF_ERROR(CheckManifest(manifest));
  return manifest;
}

std::string EncodeCommit(const CommitRecord& commit) {
  RecordMembers members(",\n");
  members.Text("timedir", commit.timedir);
  members.Text("manifest", commit.manifest_key);
  WriteCommitMembers(commit, members);
  return SealRecord(kCommitKind, members);
}

Result<CommitRecord> DecodeCommit(std::string_view bytes) {
  ASSIGN_OR_RETURN(const OpenedRecord record, OpenRecord(kCommitKind, kRecordBytesMax, bytes));
  MemberReader members = record.members();
  CommitRecord commit;
  commit.timedir = members.Text("timedir");
  commit.manifest_key = members.Text("manifest");
  ReadCommitMembers(members, commit);
  if (Result<> read = members.result(); !read) return std::move(read).error().With(kCommitKind);
  RETURN_IF_ERROR(CheckOwner(kCommitKind, {commit.run, commit.timedir, commit.generation}));
  if (commit.manifest_key != ManifestKey(commit.timedir, commit.generation)) {
    return Broken(kCommitKind, "names the manifest of another backup");
  }
  return commit;
}

std::string EncodeVerification(const VerificationRecord& verification) {
  RecordMembers members(",\n");
  members.Text("timedir", verification.timedir);
  members.Uint("generation", verification.generation);
  members.Text("commit_run", verification.commit_run);
  members.Text("level", VerifyLevelName(verification.level));
  members.Uint("objects_read", verification.objects_read);
  members.Uint("size_read", verification.bytes_read);
  members.Time("verified_at", verification.verified_at);
  members.Objects("damaged", verification.damaged.size(), [&](size_t i, RecordMembers& each) {
    each.Text("key", verification.damaged[i].key);
    each.Text("reason", verification.damaged[i].reason);
  });
  members.Texts("notes", verification.notes);
  return SealRecord(kVerificationKind, members);
}

Result<VerificationRecord> DecodeVerification(std::string_view bytes) {
  ASSIGN_OR_RETURN(const OpenedRecord record,
                   OpenRecord(kVerificationKind, kVerificationBytesMax, bytes));
  MemberReader members = record.members();
  VerificationRecord verification;
  verification.timedir = members.Text("timedir");
  verification.generation = members.Uint("generation");
  verification.commit_run = members.Text("commit_run");
  verification.level = ReadLevel(members);
  verification.objects_read = members.Uint("objects_read");
  verification.bytes_read = members.Uint("size_read");
  verification.verified_at = members.Time("verified_at");
  members.Objects("damaged", [&](MemberReader& each) {
    DamagedObject damaged;
    damaged.key = each.Text("key");
    damaged.reason = each.Text("reason");
    verification.damaged.push_back(std::move(damaged));
  });
  verification.notes = members.Texts("notes");
  if (Result<> read = members.result(); !read) {
    return std::move(read).error().With(kVerificationKind);
  }
  RETURN_IF_ERROR(CheckOwner(
      kVerificationKind, {verification.commit_run, verification.timedir, verification.generation}));
  return verification;
}

Result<BackupManifest> DecodeManifestOf(const CommitRecord& commit, std::string_view bytes) {
  if (bytes.size() != commit.manifest_bytes) {
    return Broken(kManifestKind, fmt::format("has {} bytes, the commit record says {}",
                                             bytes.size(), commit.manifest_bytes));
  }
  if (Sha256Of(bytes) != commit.manifest_sha256) {
    return Broken(kManifestKind, "has another sha256 than the commit record says");
  }
  ASSIGN_OR_RETURN(BackupManifest manifest, DecodeBackupManifest(bytes));
  if (manifest.run != commit.run || manifest.timedir != commit.timedir ||
      manifest.generation != commit.generation || manifest.node_id != commit.node_id) {
    return Broken(kManifestKind, "belongs to another backup than the commit record");
  }
  if (manifest.objects.size() != commit.object_count || BytesOf(manifest) != commit.object_bytes ||
      manifest.taken_at != commit.taken_at || manifest.missing.empty() == commit.degraded) {
    return Broken(kManifestKind, "has other objects than the commit record says");
  }
  return manifest;
}

}  // namespace ficus
