#include "config/machine_memory.h"

#include <map>
#include <string>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

const std::string kMemInfo = "MemTotal:        8000000 kB\nMemFree:         1000 kB\n";
constexpr uint64_t kMachine = 8'000'000 * kKiB;

using Files = std::map<std::string, std::string>;

MachineMemory Detect(Files files) {
  files.emplace("/proc/meminfo", kMemInfo);
  const Result<MachineMemory> memory = DetectMachineMemory(MemoryConfigFiles(std::move(files)));
  REQUIRE(memory);
  return *memory;
}

TEST_CASE("without control groups the machine is the bound", "[config][memory]") {
  const MachineMemory memory = Detect({});
  REQUIRE(memory.bytes == kMachine);
  REQUIRE(memory.source == "/proc/meminfo");
}

TEST_CASE("a group of version 2 is the bound", "[config][memory]") {
  const MachineMemory memory =
      Detect({{"/proc/self/cgroup", "0::/system.slice/ficusd.service\n"},
              {"/sys/fs/cgroup/system.slice/ficusd.service/memory.max", "1073741824\n"},
              {"/sys/fs/cgroup/system.slice/memory.max", "max\n"}});
  REQUIRE(memory.bytes == kGiB);
  REQUIRE(memory.source == "/sys/fs/cgroup/system.slice/ficusd.service/memory.max");
}

TEST_CASE("the smallest limit on the way up is the bound", "[config][memory]") {
  const MachineMemory memory = Detect({{"/proc/self/cgroup", "0::/a/b/c\n"},
                                       {"/sys/fs/cgroup/a/b/c/memory.max", "2147483648\n"},
                                       {"/sys/fs/cgroup/a/b/memory.max", "max\n"},
                                       {"/sys/fs/cgroup/a/memory.max", "1073741824\n"}});
  REQUIRE(memory.bytes == kGiB);
  REQUIRE(memory.source == "/sys/fs/cgroup/a/memory.max");
}

TEST_CASE("inside a container the group is the root that is shown", "[config][memory]") {
  REQUIRE(
      Detect({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/memory.max", "1048576\n"}}).bytes ==
      kMiB);
  // Version 1 names the group as the host sees it, which the container does not show.
  const MachineMemory memory =
      Detect({{"/proc/self/cgroup", "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/\n"},
              {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "2097152\n"}});
  REQUIRE(memory.bytes == 2 * kMiB);
  REQUIRE(memory.source == "/sys/fs/cgroup/memory/memory.limit_in_bytes");
}

TEST_CASE("version 1 without limit says a huge number", "[config][memory]") {
  REQUIRE(Detect({{"/proc/self/cgroup", "4:memory:/x\n"},
                  {"/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "9223372036854771712\n"}})
              .bytes == kMachine);
}

TEST_CASE("only the memory controller counts", "[config][memory]") {
  REQUIRE(Detect({{"/proc/self/cgroup", "4:notmemory:/x\n3:cpu:/x\n"},
                  {"/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "4096\n"}})
              .bytes == kMachine);
  REQUIRE(Detect({{"/proc/self/cgroup", "4:cpu,memory:/x\n"},
                  {"/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "4096\n"}})
              .bytes == 4096);
}

TEST_CASE("strange files are passed over", "[config][memory]") {
  REQUIRE(Detect({{"/proc/self/cgroup", "nonsense\n0:\n:\n\n0::\n0::relative\n"},
                  {"/sys/fs/cgroup/memory.max", ""}})
              .bytes == kMachine);
}

TEST_CASE("without a number for the machine there is an error", "[config][memory]") {
  const Result<MachineMemory> missing = DetectMachineMemory(MemoryConfigFiles(Files()));
  REQUIRE_FALSE(missing);
  REQUIRE(missing.error().message == "read /proc/meminfo: No such file or directory");
  const Result<MachineMemory> empty = DetectMachineMemory(
      MemoryConfigFiles(Files{{"/proc/meminfo", "MemFree: 1 kB\nMemTotal:\n"}}));
  REQUIRE_FALSE(empty);
  REQUIRE(empty.error().message == "/proc/meminfo has no MemTotal");
}

TEST_CASE("this machine has memory", "[config][memory]") {
  const Result<MachineMemory> memory = DetectMachineMemory(DiskConfigFiles());
  REQUIRE(memory);
  REQUIRE(memory->bytes > 64 * kMiB);
}

TEST_CASE("a share is taken of what there is, a size must fit", "[config][memory]") {
  const MachineMemory memory{10 * kGiB, "/proc/meminfo"};
  REQUIRE(*MemoryLimitBytes({70, 0}, memory) == 10 * kGiB / 100 * 70);
  REQUIRE(*MemoryLimitBytes({0, 10 * kGiB}, memory) == 10 * kGiB);
  const Result<uint64_t> above = MemoryLimitBytes({0, 11 * kGiB}, memory);
  REQUIRE_FALSE(above);
  REQUIRE(above.error().message ==
          "memory.limit: 11GiB is above the 10737418240 bytes of /proc/meminfo");
}

}  // namespace
}  // namespace ficus
