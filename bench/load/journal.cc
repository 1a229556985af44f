#include "bench/load/journal.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace ficus::load {
namespace {

// Bounds of what a line may ask for, far above any use.
constexpr uint64_t kSeriesMax = 100'000'000;
constexpr uint64_t kStreamsMax = 4096;
constexpr uint64_t kNumberMax = uint64_t{1} << 60;

Error Failed(std::string_view doing, const std::string& path) {
  return Error{ErrorCode::kIo, fmt::format("{} {}: {}", doing, path, std::strerror(errno))};
}

// The words of one line.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  // The next word; empty at the end.
  std::string_view Next() {
    const size_t space = rest_.find(' ');
    const std::string_view word = rest_.substr(0, space);
    rest_ = space == std::string_view::npos ? std::string_view() : rest_.substr(space + 1);
    return word;
  }

  // The next word as a number in [low, high].
  std::optional<uint64_t> Number(uint64_t low, uint64_t high) {
    const std::string_view word = Next();
    uint64_t number = 0;
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (code != std::errc() || end != word.data() + word.size()) return std::nullopt;
    if (number < low || number > high) return std::nullopt;
    return number;
  }

  bool AtEnd() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool ParseRun(Words& words, std::vector<JournalRun>& runs) {
  const auto number = words.Number(runs.size(), runs.size());
  const std::string group(words.Next());
  const auto series = words.Number(1, kSeriesMax);
  const auto streams = words.Number(1, kStreamsMax);
  const auto start = words.Number(0, kNumberMax);
  const auto step = words.Number(1, kNumberMax);
  if (!number || group.empty() || !series || !streams || !start || !step) return false;
  JournalRun run;
  run.group = group;
  run.layout = {*series, static_cast<uint32_t>(*streams), static_cast<int64_t>(*start),
                static_cast<int64_t>(*step)};
  run.issued.resize(*streams);
  run.acked.resize(*streams);
  runs.push_back(std::move(run));
  return true;
}

bool ParseRange(std::string_view kind, Words& words, std::vector<JournalRun>& runs) {
  if (runs.empty()) return false;
  const auto number = words.Number(0, runs.size() - 1);
  if (!number) return false;
  JournalRun& run = runs[*number];
  const auto stream = words.Number(0, run.layout.streams - 1);
  const auto first = words.Number(0, kNumberMax);
  const auto count = words.Number(1, kNumberMax);
  if (!stream || !first || !count) return false;
  (kind == "issued" ? run.issued : run.acked)[*stream].Add(*first, *count);
  return true;
}

bool ParseLine(std::string_view line, std::vector<JournalRun>& runs) {
  Words words(line);
  const std::string_view kind = words.Next();
  if (kind == "run") return ParseRun(words, runs) && words.AtEnd();
  if (kind != "issued" && kind != "acked") return false;
  return ParseRange(kind, words, runs) && words.AtEnd();
}

// Cuts off a last line without its end, so that the next one starts on its own.
Result<> DropTornLine(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};  // a fresh journal
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t keep = text.rfind('\n') + 1;  // 0 when there is no whole line
  if (keep != text.size() && ::truncate(path.c_str(), static_cast<off_t>(keep)) != 0) {
    return Failed("truncate", path);
  }
  return {};
}

}  // namespace

Result<std::vector<JournalRun>> ParseJournal(std::string_view text) {
  std::vector<JournalRun> runs;
  size_t number = 0;
  while (true) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return runs;
    ++number;
    if (!ParseLine(text.substr(0, end), runs)) {
      return Error{ErrorCode::kCorruption, fmt::format("journal line {}: \"{}\"", number,
                                                       text.substr(0, std::min<size_t>(end, 80)))};
    }
    text.remove_prefix(end + 1);
  }
}

Result<std::vector<JournalRun>> ReadJournal(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Failed("open", path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return Failed("read", path);
  return ParseJournal(text);
}

Result<std::unique_ptr<JournalWriter>> JournalWriter::Open(const std::string& path,
                                                           const std::string& group,
                                                           const GeneratedLayout& layout) {
  RETURN_IF_ERROR(DropTornLine(path));
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) return Failed("open", path);
  ASSIGN_OR_RETURN(const std::vector<JournalRun> runs, ReadJournal(path));
  std::unique_ptr<JournalWriter> writer(new JournalWriter(descriptor, runs.size()));
  RETURN_IF_ERROR(
      writer->Append(fmt::format("run {} {} {} {} {} {}\n", runs.size(), group, layout.series,
                                 layout.streams, layout.start_ms, layout.step_ms)));
  return writer;
}

JournalWriter::~JournalWriter() { ::close(descriptor_); }

Result<> JournalWriter::Issued(uint32_t stream, uint64_t first, uint64_t count) {
  return Append(fmt::format("issued {} {} {} {}\n", run_, stream, first, count));
}

Result<> JournalWriter::Acked(uint32_t stream, uint64_t first, uint64_t count) {
  return Append(fmt::format("acked {} {} {} {}\n", run_, stream, first, count));
}

Result<> JournalWriter::Append(std::string_view line) {
  // One write() of a short line at the end of a file is not mixed with another thread's.
  const ssize_t written = ::write(descriptor_, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return {};
  return Error{ErrorCode::kIo, fmt::format("append to the journal: {}",
                                           written < 0 ? std::strerror(errno) : "short write")};
}

}  // namespace ficus::load
