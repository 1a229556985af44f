#include "server/ctl/inspect.h"

#include <filesystem>
#include <memory>

#include "engine/base/check.h"
#include "engine/index/index_run_dump.h"
#include "engine/io/disk_file_system.h"
#include "engine/part/part_dump.h"
#include "engine/table/manifest_dump.h"
#include "server/ctl/log_dump.h"

namespace ficus {
namespace {

// A tool reads little: threads will do, and no ring is set up.
Result<std::unique_ptr<FileSystem>> OpenFolder(const std::string& path) {
  DiskOptions options;
  options.engine = IoEngine::kThreads;
  return OpenDiskFileSystem(path, options);
}

Result<std::string> InspectFile(FileSystem& fs, Inspected what, Inspection how,
                                const std::string& name, uint64_t items_max) {
  const bool show = how == Inspection::kShow;
  switch (what) {
    case Inspected::kPart:
      return show ? DumpPart(fs, name, {items_max}) : VerifyPart(fs, name);
    case Inspected::kIndex:
      return show ? DumpIndexRun(fs, name, {items_max}) : VerifyIndexRun(fs, name);
    case Inspected::kManifest:
      return show ? DumpManifest(fs, name) : VerifyManifest(fs, name);
    case Inspected::kLog:
      return show ? DumpLog(fs) : VerifyLog(fs);
  }
  CHECK(false);
  return Error{ErrorCode::kInvalidArgument, "nothing to inspect"};
}

}  // namespace

Result<std::string> Inspect(Inspected what, Inspection how, const std::string& path,
                            uint64_t items_max) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return Error{ErrorCode::kInvalidArgument, path + ": " + error.message()};
  const bool whole_folder = what == Inspected::kLog;
  const std::string folder = (whole_folder ? absolute : absolute.parent_path()).string();
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSystem> fs, OpenFolder(folder));
  return InspectFile(*fs, what, how, absolute.filename().string(), items_max);
}

}  // namespace ficus
