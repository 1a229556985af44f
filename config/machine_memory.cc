#include "config/machine_memory.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <fmt/core.h>

#include "config/quantity.h"

namespace ficus {
namespace {

constexpr size_t kFileBytesMax = 64 * 1024;

// The number at the front of `text`; false for "max" and anything else.
bool ParseNumber(std::string_view text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc();
}

// Lines of `text` without their ends.
template <typename Visit>
void ForEachLine(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

Result<MachineMemory> ReadMemInfo(const ConfigFiles& files) {
  const std::string path = "/proc/meminfo";
  const Result<std::string> text = files.Read(path, kFileBytesMax);
  if (!text) return text.error().With("read " + path);
  constexpr std::string_view kTotal = "MemTotal:";
  MachineMemory memory;
  ForEachLine(*text, [&](std::string_view line) {
    if (line.substr(0, kTotal.size()) != kTotal) return;
    line.remove_prefix(kTotal.size());
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    uint64_t kib = 0;
    if (ParseNumber(line, kib)) memory = {kib * kKiB, path};
  });
  if (memory.bytes == 0) return Error{ErrorCode::kIo, path + " has no MemTotal"};
  return memory;
}

// Lowers `memory` to the limit in `<root><group>/<name>` and in every group above it. A group that
// the container does not show is passed over: its limit is then in a folder above.
void ApplyGroup(const ConfigFiles& files, const std::string& root, std::string_view group,
                const std::string& name, MachineMemory& memory) {
  while (true) {
    while (!group.empty() && group.back() == '/') group.remove_suffix(1);
    const std::string path = root + std::string(group) + "/" + name;
    const Result<std::string> text = files.Read(path, kFileBytesMax);
    uint64_t bytes = 0;
    if (text && ParseNumber(*text, bytes) && bytes < memory.bytes) memory = {bytes, path};
    const size_t slash = group.rfind('/');
    if (slash == std::string_view::npos) return;
    group = group.substr(0, slash);
  }
}

}  // namespace

Result<MachineMemory> DetectMachineMemory(const ConfigFiles& files) {
  ASSIGN_OR_RETURN(MachineMemory memory, ReadMemInfo(files));
  // Without this file there are no control groups.
  const Result<std::string> groups = files.Read("/proc/self/cgroup", kFileBytesMax);
  if (!groups) return memory;
  // Each line is "number:controllers:group"; version 2 has number 0 and no controllers.
  ForEachLine(*groups, [&](std::string_view line) {
    const size_t first = line.find(':');
    if (first == std::string_view::npos) return;
    const size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) return;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view group = line.substr(second + 1);
    if (controllers.empty()) {
      ApplyGroup(files, "/sys/fs/cgroup", group, "memory.max", memory);
    } else if (("," + std::string(controllers) + ",").find(",memory,") != std::string::npos) {
      ApplyGroup(files, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes", memory);
    }
  });
  return memory;
}

Result<uint64_t> MemoryLimitBytes(const MemoryLimit& limit, const MachineMemory& memory) {
  if (limit.percent != 0) return memory.bytes / 100 * limit.percent;
  if (limit.bytes > memory.bytes) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("memory.limit: {} is above the {} bytes of {}",
                             FormatByteSize(limit.bytes), memory.bytes, memory.source)};
  }
  return limit.bytes;
}

}  // namespace ficus
