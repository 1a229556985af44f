#include "server/backup/plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace ficus {
namespace {

// An object of a committed backup, or one that this run has made.
struct Source {
  const BackupObject* object = nullptr;
  bool in_place = false;
  bool damaged = false;
  bool by_this_run = false;
  ObjectRoute route = ObjectRoute::kKept;
};

std::string CacheKey(std::string_view folder, GroupId group, std::string_view path) {
  std::string key(folder);
  key += '\n';
  key += Hex16(group);
  key += '\n';
  key += path;
  return key;
}

// Size and checksum: what a file shares with an object that may have its content.
struct Looks {
  uint64_t size_bytes = 0;
  uint32_t checksum = 0;
  bool is_section_file = false;
  friend bool operator==(const Looks&, const Looks&) = default;
};

struct LooksHash {
  size_t operator()(const Looks& looks) const noexcept {
    return std::hash<uint64_t>()(looks.size_bytes * 0x9e3779b97f4a7c15 ^ looks.checksum);
  }
};

Looks LooksOf(const SnapshotFile& file) {
  return {file.size_bytes, file.checksum, file.is_section_file};
}
Looks LooksOf(const BackupObject& object) {
  return {object.size_bytes, object.checksum, object.is_section_file};
}

class Planner {
 public:
  explicit Planner(const PlanRequest& request) : request_(request) {
    for (const JournaledObject& done : request.done) {
      Add({&done.object, true, false, true, done.route});
    }
    for (const KnownBackup& known : request.known) {
      const bool in_place = known.place == request.place;
      for (const BackupObject& object : known.manifest.objects) {
        const bool damaged = known.damaged.count(object.key) > 0;
        Add({&object, in_place, damaged, false, ObjectRoute::kKept});
      }
    }
  }

  Result<BackupPlan> Make() {
    for (size_t c = 0; c < request_.contents.catalogs.size(); ++c) {
      RETURN_IF_ERROR(PlanCatalog(c));
    }
    std::sort(
        plan_.files.begin(), plan_.files.end(),
        [](const PlannedFile& a, const PlannedFile& b) { return a.object.key < b.object.key; });
    std::sort(plan_.conflicts.begin(), plan_.conflicts.end());
    for (const PlannedFile& file : plan_.files) {
      CountFile(file.route, file.object.size_bytes, plan_.counts);
    }
    return std::move(plan_);
  }

 private:
  void Add(const Source& source) {
    const BackupObject& object = *source.object;
    if (source.in_place) {
      auto [at, added] = in_place_.emplace(object.key, source);
      // A later generation that found it damaged knows better than an earlier one that did not.
      if (!added) at->second.damaged |= source.damaged;
    }
    if (source.damaged) return;
    by_name_.emplace(CacheKey(object.folder, object.group, object.path), source);
    by_looks_.emplace(LooksOf(object), source);
  }

  Result<> PlanCatalog(size_t c) {
    const CatalogSnapshot& catalog = request_.contents.catalogs[c];
    std::map<std::string_view, GroupId> groups;
    for (const SnapshotGroup& group : catalog.groups) groups[group.name] = group.id;
    for (size_t f = 0; f < catalog.files.size(); ++f) {
      const SnapshotFile& file = catalog.files[f];
      PlannedFile planned;
      planned.catalog = c;
      planned.file = f;
      BackupObject& object = planned.object;
      object.folder = catalog.folder;
      object.path = file.path;
      object.key = request_.key_of(catalog.folder, file.path);
      object.size_bytes = file.size_bytes;
      object.checksum = file.checksum;
      object.is_section_file = file.is_section_file;
      const auto group = groups.find(std::string_view(file.path).substr(0, file.path.find('/')));
      if (group != groups.end()) object.group = group->second;
      RETURN_IF_ERROR(Decide(catalog, file, planned));
      ++plan_.counts.files_total;
      plan_.counts.bytes_total += file.size_bytes;
      plan_.files.push_back(std::move(planned));
    }
    return Ok();
  }

  Result<> Decide(const CatalogSnapshot& catalog, const SnapshotFile& file, PlannedFile& planned) {
    const auto present = in_place_.find(planned.object.key);
    if (present == in_place_.end()) return DecideNew(catalog, file, planned);
    const Source& source = present->second;
    ASSIGN_OR_RETURN(const bool same, IsSame(*source.object, catalog, file, planned));
    if (!same && source.by_this_run) return DecideNew(catalog, file, planned);
    if (!same) {
      plan_.conflicts.push_back(planned.object.key);
      return Ok();
    }
    if (source.damaged) return DecideNew(catalog, file, planned);
    planned.route = source.route;
    planned.is_done = source.by_this_run;
    planned.object.sha256 = source.object->sha256;
    return Ok();
  }

  Result<> DecideNew(const CatalogSnapshot& catalog, const SnapshotFile& file,
                     PlannedFile& planned) {
    if (!request_.can_copy) return Ok();
    const BackupObject& object = planned.object;
    const auto named = by_name_.find(CacheKey(object.folder, object.group, object.path));
    if (named != by_name_.end()) {
      ASSIGN_OR_RETURN(const bool same, IsSame(*named->second.object, catalog, file, planned));
      if (same) {
        CopyFrom(*named->second.object, planned);
        return Ok();
      }
    }
    const auto [first, last] = by_looks_.equal_range(LooksOf(file));
    if (first == last) return Ok();
    ASSIGN_OR_RETURN(const std::optional<Sha256> hash, Hash(catalog, file));
    for (auto at = first; hash && at != last; ++at) {
      if (at->second.object->sha256 != *hash) continue;
      CopyFrom(*at->second.object, planned);
      return Ok();
    }
    return Ok();
  }

  static void CopyFrom(const BackupObject& source, PlannedFile& planned) {
    if (source.key == planned.object.key) return;
    planned.route = ObjectRoute::kCopied;
    planned.copy_from = source.key;
    planned.object.sha256 = source.sha256;
  }

  Result<bool> IsSame(const BackupObject& object, const CatalogSnapshot& catalog,
                      const SnapshotFile& file, const PlannedFile& planned) {
    if (object.size_bytes != file.size_bytes) return false;
    const bool has_its_name = object.group == planned.object.group;
    if (has_its_name && file.is_section_file && LooksOf(object) == LooksOf(file)) return true;
    ASSIGN_OR_RETURN(const std::optional<Sha256> hash, Hash(catalog, file));
    return hash == object.sha256;
  }

  // None for a file that is damaged.
  Result<std::optional<Sha256>> Hash(const CatalogSnapshot& catalog, const SnapshotFile& file) {
    auto hash = request_.hash(catalog, file);
    if (hash) return std::optional<Sha256>(*hash);
    if (hash.error().code == ErrorCode::kCorruption) return std::optional<Sha256>();
    return std::move(hash).error();
  }

  const PlanRequest& request_;
  std::unordered_map<std::string, Source> in_place_;  // by key
  std::unordered_map<std::string, Source> by_name_;
  std::unordered_multimap<Looks, Source, LooksHash> by_looks_;
  BackupPlan plan_;
};

}  // namespace

Result<BackupPlan> MakePlan(const PlanRequest& request) { return Planner(request).Make(); }

void CountFile(ObjectRoute route, uint64_t bytes, RunCounts& counts) {
  switch (route) {
    case ObjectRoute::kKept:
      ++counts.files_kept;
      counts.bytes_kept += bytes;
      return;
    case ObjectRoute::kCopied:
      ++counts.files_copied;
      counts.bytes_copied += bytes;
      return;
    case ObjectRoute::kSent:
      ++counts.files_sent;
      counts.bytes_sent += bytes;
      return;
  }
}

}  // namespace ficus
