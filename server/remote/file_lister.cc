#include "server/remote/file_lister.h"

#include <algorithm>
#include <utility>

#include "server/remote/store_error.h"

namespace ficus {
namespace {

// Where a name stands among keys: a folder sorts as what lies in it, "a/" after "a-".
char At(const DirectoryEntry& entry, size_t i) {
  if (i < entry.name.size()) return entry.name[i];
  return entry.is_directory && i == entry.name.size() ? '/' : '\0';
}

bool IsBefore(const DirectoryEntry& a, const DirectoryEntry& b) {
  const size_t common = std::min(a.name.size(), b.name.size());
  const int order = a.name.compare(0, common, b.name, 0, common);
  if (order != 0) return order < 0;
  const auto next_a = static_cast<unsigned char>(At(a, common));
  const auto next_b = static_cast<unsigned char>(At(b, common));
  if (next_a != next_b) return next_a < next_b;
  return a.name.size() < b.name.size();
}

std::string PathOf(const std::string& folder) {
  return folder.empty() ? "" : folder.substr(0, folder.size() - 1);
}

}  // namespace

FileLister::FileLister(FileSystem& fs, FileStamps& stamps, const ListRequest& request,
                       std::stop_token stop)
    : fs_(fs), stamps_(stamps), request_(request), stop_(std::move(stop)), pager_(request) {}

Result<ListPage> FileLister::List() {
  const size_t slash = request_.prefix.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : request_.prefix.substr(0, slash + 1);
  // What is no key is no folder of keys either.
  if (folder.empty() || CheckKey(PathOf(folder))) RETURN_IF_ERROR(WalkFolder(folder));
  return pager_.Finish();
}

Result<std::vector<DirectoryEntry>> FileLister::ChildrenOf(const std::string& folder) {
  RETURN_IF_ERROR(CheckStop(stop_, StoreOp::kList, request_.prefix));
  const std::string path = PathOf(folder);
  auto entries = fs_.List(path);
  if (!entries) {
    if (path.empty()) return entries;
    // It may have gone, or given way to something else, since its name was read.
    ASSIGN_OR_RETURN(const auto stamp, stamps_.Look(path));
    const bool is_folder = stamp.has_value() && stamp->kind == FileStamp::Kind::kFolder;
    return is_folder ? entries : std::vector<DirectoryEntry>();
  }
  std::sort(entries->begin(), entries->end(), IsBefore);
  return entries;
}

Result<FileLister::Walk> FileLister::WalkFolder(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> children, ChildrenOf(folder));
  for (const DirectoryEntry& child : children) {
    const std::string path = folder + child.name;
    if (!CheckKey(path)) continue;  // the scratch folder, and what others put here
    Walk walk = Walk::kGoOn;
    if (child.is_directory) {
      ASSIGN_OR_RETURN(walk, WalkChild(path + "/"));
    } else if (path.starts_with(request_.prefix) && path > request_.start_after) {
      ASSIGN_OR_RETURN(walk, AddObject(path));
    }
    if (walk == Walk::kFull) return walk;
  }
  return Walk::kGoOn;
}

Result<FileLister::Walk> FileLister::WalkChild(const std::string& path) {
  if (!pager_.MayHold(path)) return Walk::kGoOn;
  if (!pager_.Folds(path)) return WalkFolder(path);
  ASSIGN_OR_RETURN(const bool holds, HoldsObjects(path));
  if (!holds) return Walk::kGoOn;
  return pager_.AddPrefix(path) ? Walk::kGoOn : Walk::kFull;
}

Result<FileLister::Walk> FileLister::AddObject(const std::string& key) {
  ASSIGN_OR_RETURN(const auto stamp, stamps_.Look(key));
  if (!stamp.has_value() || stamp->kind != FileStamp::Kind::kObject) return Walk::kGoOn;
  return pager_.Add({key, stamp->size_bytes, stamp->etag}) ? Walk::kGoOn : Walk::kFull;
}

Result<bool> FileLister::HoldsObjects(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> children, ChildrenOf(folder));
  for (const DirectoryEntry& child : children) {
    const std::string path = folder + child.name;
    if (!CheckKey(path)) continue;
    if (child.is_directory) {
      ASSIGN_OR_RETURN(const bool holds, HoldsObjects(path + "/"));
      if (holds) return true;
      continue;
    }
    ASSIGN_OR_RETURN(const auto stamp, stamps_.Look(path));
    if (stamp.has_value() && stamp->kind == FileStamp::Kind::kObject) return true;
  }
  return false;
}

}  // namespace ficus
