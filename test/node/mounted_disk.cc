#include "test/node/mounted_disk.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "test/node/child_process.h"
#include "test/node/node.h"

namespace ficus {
namespace {

// Sparse. xfs refuses less than 300 MiB.
constexpr off_t kImageBytes = off_t{320} << 20;
constexpr int kAttachTries = 64;

// EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are the same number; flag 2 leaves the log unflushed.
constexpr unsigned long kShutDown = _IOR('X', 125, uint32_t);
constexpr uint32_t kWithoutLogFlush = 2;

Error Refusal(const std::string& what) {
  return Error{ErrorCode::kUnavailable, what + ": " + std::strerror(errno)};
}

// Mounts of this process are its own from here on.
Result<> LeaveMounts() {
  static bool left = false;
  if (left) return Ok();
  if (::unshare(CLONE_NEWNS) != 0) return Refusal("a mount namespace");
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return Refusal("private mounts");
  }
  left = true;
  return Ok();
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : number_(::open(path.c_str(), flags, 0600)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }
  int Release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

}  // namespace

Result<std::unique_ptr<MemoryDisk>> MemoryDisk::Mount(const std::string& path,
                                                      const std::string& options) {
  RETURN_IF_ERROR(LeaveMounts());
  std::filesystem::create_directory(path);
  if (::mount("tmpfs", path.c_str(), "tmpfs", 0, options.c_str()) != 0) {
    return Refusal("a disk in memory");
  }
  return std::unique_ptr<MemoryDisk>(new MemoryDisk(path));
}

MemoryDisk::~MemoryDisk() { ::umount2(path_.c_str(), MNT_DETACH); }

Result<> MemoryDisk::Change(const std::string& options) {
  if (::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, options.c_str()) != 0) {
    return Refusal("change a disk in memory");
  }
  return Ok();
}

PowerCutDisk::PowerCutDisk(std::string folder, std::string_view type, std::string options)
    : folder_(std::move(folder)),
      type_(type),
      options_(std::move(options)),
      image_(folder_ + "/backing/image"),
      mount_path_(folder_ + "/disk") {}

PowerCutDisk::~PowerCutDisk() {
  static_cast<void>(Unmount().has_value());  // else it goes with this process
  if (loop_ >= 0) ::close(loop_);
}

Result<std::unique_ptr<PowerCutDisk>> PowerCutDisk::Create(const std::string& folder,
                                                           std::string_view type,
                                                           const std::string& options) {
  std::unique_ptr<PowerCutDisk> disk(new PowerCutDisk(folder, type, options));
  // The image lies in memory: what counts is the order in which things reach it.
  ASSIGN_OR_RETURN(disk->backing_, MemoryDisk::Mount(folder + "/backing", "size=640m"));
  std::filesystem::create_directory(disk->mount_path_);
  RETURN_IF_ERROR(disk->Make());
  RETURN_IF_ERROR(disk->Attach());
  RETURN_IF_ERROR(disk->Mount());
  return disk;
}

Result<> PowerCutDisk::Make() {
  const Descriptor image(image_, O_RDWR | O_CREAT | O_CLOEXEC);
  if (::ftruncate(image.number(), kImageBytes) != 0) return Refusal("an image of a disk");
  const std::string program = "/usr/sbin/mkfs." + type_;
  if (::access(program.c_str(), X_OK) != 0) return Refusal(program);
  const std::string output = folder_ + "/mkfs.out";
  const std::vector<std::string> command =
      type_ == "ext4" ? std::vector<std::string>{program, "-q", "-F", image_}
                      : std::vector<std::string>{program, "-q", image_};
  if (ChildProcess(command, output).Wait(std::chrono::seconds(60)) != 0) {
    return Error{ErrorCode::kUnavailable, program + ": " + ReadFile(output)};
  }
  return Ok();
}

// Another process may take the free device first.
Result<> PowerCutDisk::Attach() {
  const Descriptor control("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control.number() < 0) return Refusal("loop devices");
  const Descriptor image(image_, O_RDWR | O_CLOEXEC);
  loop_config config{};
  config.fd = static_cast<uint32_t>(image.number());
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;  // goes when nobody has it open or mounted
  for (int i = 0; i < kAttachTries; ++i) {
    const int free = ::ioctl(control.number(), LOOP_CTL_GET_FREE);
    if (free < 0) return Refusal("a free loop device");
    device_ = "/dev/loop" + std::to_string(free);
    Descriptor loop(device_, O_RDWR | O_CLOEXEC);
    if (loop.number() < 0) return Refusal(device_);
    if (::ioctl(loop.number(), LOOP_CONFIGURE, &config) == 0) {
      loop_ = loop.Release();
      return Ok();
    }
    if (errno != EBUSY) return Refusal("a loop device");
  }
  return Refusal("a free loop device");
}

Result<> PowerCutDisk::Mount() {
  if (::mount(device_.c_str(), mount_path_.c_str(), type_.c_str(), MS_NOATIME, options_.c_str()) !=
      0) {
    return Refusal("mount " + type_);
  }
  mounted_ = true;
  return Ok();
}

// The rings of a killed process hold their files a little longer than the process lives.
Result<> PowerCutDisk::Unmount() {
  if (!mounted_) return Ok();
  if (!WaitUntil([&] { return ::umount(mount_path_.c_str()) == 0 || errno != EBUSY; })) {
    return Refusal("unmount " + type_);
  }
  mounted_ = false;
  return Ok();
}

Result<> PowerCutDisk::Cut() {
  const Descriptor root(mount_path_, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  uint32_t flags = kWithoutLogFlush;
  if (::ioctl(root.number(), kShutDown, &flags) != 0) return Refusal("shut down " + type_);
  return Ok();
}

Result<> PowerCutDisk::Remount() {
  RETURN_IF_ERROR(Unmount());
  return Mount();
}

}  // namespace ficus
