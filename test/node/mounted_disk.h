// Disks of a test's own: small ones in memory, and real file systems that lose their power.
//
// They are seen by this process and the children it starts afterwards only, and go when the last of
// them has ended, however it ended.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.h"

namespace ficus {

// A small disk in memory.
class MemoryDisk {
 public:
  // At `path`, which is created; `options` such as "size=64m". The error says what this machine
  // does not permit.
  static Result<std::unique_ptr<MemoryDisk>> Mount(const std::string& path,
                                                   const std::string& options);
  ~MemoryDisk();
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;

  // Changes the options of the mounted disk.
  Result<> Change(const std::string& options);

 private:
  explicit MemoryDisk(std::string path) : path_(std::move(path)) {}

  const std::string path_;
};

// An image of a file system on a loop device, mounted.
class PowerCutDisk {
 public:
  // `type` is ext4 or xfs; `options` go to mount. Files of the disk lie in `folder`, its root is
  // mount_path(). The error says what this machine does not permit.
  static Result<std::unique_ptr<PowerCutDisk>> Create(const std::string& folder,
                                                      std::string_view type,
                                                      const std::string& options);
  ~PowerCutDisk();
  PowerCutDisk(const PowerCutDisk&) = delete;
  PowerCutDisk& operator=(const PowerCutDisk&) = delete;

  const std::string& mount_path() const { return mount_path_; }
  // From here on nothing reaches the disk, not even the file system's own log; what did stays.
  Result<> Cut();
  // Mounts it again, which replays the file system's log. Nobody may have a file of it open any
  // more; waits until those who have ended are really gone.
  Result<> Remount();

 private:
  PowerCutDisk(std::string folder, std::string_view type, std::string options);
  Result<> Make();
  Result<> Attach();
  Result<> Mount();
  Result<> Unmount();

  const std::string folder_;
  std::unique_ptr<MemoryDisk> backing_;
  const std::string type_;
  const std::string options_;
  const std::string image_;
  const std::string mount_path_;
  std::string device_;
  int loop_ = -1;  // keeps the device attached
  bool mounted_ = false;
};

}  // namespace ficus
