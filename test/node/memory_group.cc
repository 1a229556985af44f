#include "test/node/memory_group.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

#include <signal.h>
#include <unistd.h>

#include "test/node/child_process.h"

namespace ficus {
namespace {

constexpr char kName[] = "ficus-test-";

bool Write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.flush();
  return file.good();
}

// Where groups of version `type` ("cgroup" with a memory controller, or "cgroup2") are mounted.
std::string MountOf(const std::string& type) {
  std::istringstream mounts(ReadFile("/proc/self/mounts"));
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device;
    std::string path;
    std::string found;
    std::string options;
    words >> device >> path >> found >> options;
    if (found != type) continue;
    if (type == "cgroup2" || ("," + options + ",").find(",memory,") != std::string::npos) {
      return path;
    }
  }
  return "";
}

// The number behind `word` in lines such as "oom_kill 0".
uint64_t NumberBehind(const std::string& text, const std::string& word) {
  std::istringstream words(text);
  std::string name;
  for (uint64_t number = 0; words >> name >> number;) {
    if (name == word) return number;
  }
  return 0;
}

// Of tests that were killed; one that runs beside this one keeps its own.
void RemoveLeftovers(const std::string& mount) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(mount, error)) {
    const std::string name = entry.path().filename().string();
    if (name.find(kName) != 0) continue;
    const pid_t owner = std::atoi(name.c_str() + std::strlen(kName));
    if (::kill(owner, 0) != 0 && errno == ESRCH) ::rmdir(entry.path().c_str());
  }
}

Error Refusal(const std::string& what) {
  return Error{ErrorCode::kUnavailable, what + ": " + std::strerror(errno)};
}

}  // namespace

Result<std::unique_ptr<MemoryGroup>> MemoryGroup::Create(uint64_t bytes) {
  const std::string first = MountOf("cgroup");
  const bool second = first.empty();
  const std::string mount = second ? MountOf("cgroup2") : first;
  if (mount.empty()) return Error{ErrorCode::kUnavailable, "no control groups"};
  RemoveLeftovers(mount);
  if (second) static_cast<void>(Write(mount + "/cgroup.subtree_control", "+memory"));
  const std::string path = mount + "/" + kName + std::to_string(::getpid());
  if (!std::filesystem::is_directory(path) && ::mkdir(path.c_str(), 0755) != 0) {
    return Refusal("a control group");
  }
  std::unique_ptr<MemoryGroup> group(new MemoryGroup(path, second));
  const std::string limit = second ? "/memory.max" : "/memory.limit_in_bytes";
  if (!Write(path + limit, std::to_string(bytes))) return Refusal("a limit of memory");
  // Without swap, where there is any.
  const std::string swap = second ? "/memory.swap.max" : "/memory.memsw.limit_in_bytes";
  static_cast<void>(Write(path + swap, second ? "0" : std::to_string(bytes)));
  return group;
}

MemoryGroup::~MemoryGroup() { ::rmdir(path_.c_str()); }

std::vector<std::string> MemoryGroup::Prefix() const {
  return {"/bin/sh", "-c", "echo $$ > " + path_ + "/cgroup.procs && exec \"$@\"", "sh"};
}

uint64_t MemoryGroup::Kills() const {
  const std::string file = second_ ? "/memory.events" : "/memory.oom_control";
  return NumberBehind(ReadFile(path_ + file), "oom_kill");
}

uint64_t MemoryGroup::Peak() const {
  const std::string file = second_ ? "/memory.peak" : "/memory.max_usage_in_bytes";
  std::ifstream stream(path_ + file);
  uint64_t bytes = 0;
  stream >> bytes;
  return bytes;
}

}  // namespace ficus
