// S3: opening a database of many parts whose bytes are not in memory, beside reading those bytes.
#include <filesystem>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "bench/harness/comparison.h"
#include "bench/harness/scratch_folder.h"
#include "bench/harness/small_parts.h"
#include "bench/harness/stopwatch.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

void ForEachFile(const std::string& folder, const std::function<void(int file)>& visit) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0) << entry.path().string();
    visit(file);
    ::close(file);
  }
}

// Their pages leave the cache; names and inodes stay known.
void Forget(const std::string& folder) {
  ForEachFile(folder, [](int file) { ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED); });
}

double ReadMillis(const std::string& folder) {
  Forget(folder);
  std::vector<char> buffer(1 << 20);
  const double begun = WallSeconds();
  ForEachFile(folder, [&](int file) {
    while (::read(file, buffer.data(), buffer.size()) > 0) {
    }
  });
  return (WallSeconds() - begun) * 1e3;
}

size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

void ColdOpen(const BenchOptions& options, Report& report) {
  const ScratchFolder folder(options.scratch);
  SmallParts parts(folder.path(), options.Pick(1, 10, 10));
  const size_t rounds = options.Pick<size_t>(2, 10, 100);
  for (size_t round = 0; round < rounds; ++round) parts.AddParts(10);
  const std::string data = folder.path() + Engine::DataBelow();
  const size_t count = rounds * parts.shards();
  const auto rows = static_cast<int64_t>(parts.rows());
  size_t descriptors = 0;
  const Goal goal = options.scale == Scale::kFull ? Goal{.value_max = 1500} : Goal{};
  Compare(
      options, report, "S3",
      {{fmt::format("open of {} parts", count), "ms", "reading them", goal},
       {fmt::format("open of {} parts, and all rows counted", count), "ms", "reading them", {}}},
      [&]() -> std::vector<double> {
        parts.Close();
        Forget(data);
        const size_t before = OpenDescriptors();
        const double begun = WallSeconds();
        parts.Reopen();
        const double opened = (WallSeconds() - begun) * 1e3;
        const Totals counted = parts.engine().Aggregate(AggregationFunction::kCount).totals();
        const double answered = (WallSeconds() - begun) * 1e3;
        CHECK(counted.sum == rows) << counted.sum << " rows instead of " << rows;
        descriptors = OpenDescriptors() - before;
        return {opened, answered};
      },
      [&]() -> std::vector<double> {
        const double millis = ReadMillis(data);
        return {millis, millis};
      });
  report.Note("S3", fmt::format("{} descriptors are open after all parts were read", descriptors));
}

}  // namespace ficus::bench
