// W1: the processor that bytes cost on their way to the disk as flushes and merges send them, and
// back as merges read them, beside `dd` with O_DIRECT.
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <vector>

#include "bench/harness/comparison.h"
#include "bench/harness/need.h"
#include "bench/harness/process.h"
#include "bench/harness/scratch_folder.h"
#include "bench/harness/stopwatch.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"
#include "engine/base/random.h"
#include "engine/io/disk_file_system.h"
#include "engine/io/file_writer.h"
#include "engine/part/file_window.h"

namespace ficus::bench {
namespace {

constexpr char kFile[] = "part";
constexpr size_t kPieceBytes = 64 << 10;  // what a block and its neighbours are encoded into
constexpr size_t kWindowBytes = 512 << 10;
constexpr double kGigabyte = 1e9;

double ChildCpuSeconds() {
  rusage usage{};
  CHECK(::getrusage(RUSAGE_CHILDREN, &usage) == 0);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Files {
 public:
  explicit Files(const BenchOptions& options)
      : folder_(options.scratch),
        bytes_(options.Pick<size_t>(16 << 20, 256 << 20, 1 << 30)),
        fs_(Need(OpenDiskFileSystem(folder_.path(), {}))),
        piece_(kPieceBytes, 'x') {}

  double Write() {
    if (written_) Need(fs_->Remove(kFile));
    const double begun = CpuSeconds();
    const auto writer = Need(FileWriter::Create(*fs_, random_, kFile, {FileClass::kMerge, bytes_}));
    while (writer->offset() < bytes_) Need(writer->Append(piece_));
    Need(writer->Publish());
    written_ = true;
    return PerGigabyte(CpuSeconds() - begun);
  }

  double Read() {
    const auto file = Need(fs_->Open(kFile, {.file_class = FileClass::kMerge}));
    Need(file->DropCache());
    const double begun = CpuSeconds();
    size_t bytes = 0;
    ForEachPiece(*file, [&](std::string_view piece) { bytes += piece.size(); });
    const double taken = CpuSeconds() - begun;
    CHECK(bytes == bytes_);
    // dd does not look at the bytes either.
    ForEachPiece(*file, [&](std::string_view piece) { CHECK(piece == piece_) << "other bytes"; });
    return PerGigabyte(taken);
  }

  // Of a `dd` that copies as many bytes, a MiB at a time.
  double Dd(const std::vector<std::string>& operands) {
    std::vector<std::string> command = {"/bin/dd", "bs=1M",
                                        "count=" + std::to_string(bytes_ >> 20)};
    command.insert(command.end(), operands.begin(), operands.end());
    const double before = ChildCpuSeconds();
    CHECK(WaitFor(Start(command, folder_.path() + "/dd.txt")) == 0) << "dd failed";
    return PerGigabyte(ChildCpuSeconds() - before);
  }
  std::string copied() const { return folder_.path() + "/copied"; }

 private:
  template <typename Take>
  void ForEachPiece(File& file, const Take& take) {
    FileWindow window(file, bytes_, kWindowBytes);
    for (size_t offset = 0; offset < bytes_; offset += kPieceBytes) {
      take(Need(window.Read(offset, kPieceBytes)));
    }
  }
  double PerGigabyte(double cpu) const { return cpu / (static_cast<double>(bytes_) / kGigabyte); }

  const ScratchFolder folder_;
  const size_t bytes_;
  const std::unique_ptr<FileSystem> fs_;
  const std::string piece_;
  SeededRandom random_{1};
  bool written_ = false;
};

}  // namespace

void FileIo(const BenchOptions& options, Report& report) {
  Files files(options);
  Compare(
      options, report, "W1",
      {{"a large part written", "CPU s a GB", "dd oflag=direct", {.value_max = 0.05}}},
      [&]() -> std::vector<double> { return {files.Write()}; },
      [&]() -> std::vector<double> {
        return {files.Dd({"if=/dev/zero", "of=" + files.copied(), "oflag=direct", "conv=fsync"})};
      });
  Compare(
      options, report, "W1",
      {{"read by a merge", "CPU s a GB", "dd iflag=direct", {.value_max = 0.05}}},
      [&]() -> std::vector<double> { return {files.Read()}; },
      [&]() -> std::vector<double> {
        return {files.Dd({"if=" + files.copied(), "of=/dev/null", "iflag=direct"})};
      });
}

}  // namespace ficus::bench
