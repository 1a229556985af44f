// Lists the objects of a file store: one page, without looking into folders that cannot be on it.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "server/remote/file_stamps.h"
#include "server/remote/list_pager.h"
#include "server/remote/object_store.h"

namespace ficus {

// One use, one thread. Holds the names of the folders on the way to one object and the page.
class FileLister {
 public:
  FileLister(FileSystem& fs, FileStamps& stamps, const ListRequest& request, std::stop_token stop);

  Result<ListPage> List();

 private:
  enum class Walk : uint8_t { kGoOn, kFull };

  // `folder` is "" or ends with '/'.
  Result<Walk> WalkFolder(const std::string& folder);
  Result<Walk> WalkChild(const std::string& path);
  Result<Walk> AddObject(const std::string& key);
  Result<bool> HoldsObjects(const std::string& folder);
  Result<std::vector<DirectoryEntry>> ChildrenOf(const std::string& folder);

  FileSystem& fs_;
  FileStamps& stamps_;
  const ListRequest& request_;
  const std::stop_token stop_;
  ListPager pager_;
};

}  // namespace ficus
