#include "engine/io/fault_control.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/planted_bug.h"

namespace ficus {
namespace {

Error Nonsense(const std::string& word) {
  return Error{ErrorCode::kInvalidArgument, "fault rule: '" + word + "' makes no sense"};
}

std::string WithUnderscores(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), ' ', '_');
  return text;
}

std::optional<IoOp> OpCalled(std::string_view name) {
  for (size_t i = 0; i < kIoOpCount; ++i) {
    if (WithUnderscores(IoOpName(static_cast<IoOp>(i))) == name) return static_cast<IoOp>(i);
  }
  return std::nullopt;
}

std::optional<FileClass> ClassCalled(std::string_view name) {
  for (size_t i = 0; i < kFileClassCount; ++i) {
    const auto file_class = static_cast<FileClass>(i);
    if (WithUnderscores(FileClassName(file_class)) == name) return file_class;
  }
  return std::nullopt;
}

bool ReadCount(std::string_view text, uint64_t& count) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc() && end == text.data() + text.size();
}

bool SetAction(FaultRule& rule, std::string_view word) {
  rule.kill = word == "kill" || word == "cut";
  rule.short_transfer = word == "cut";
  rule.stall = word == "stall";
  rule.error_number = word == "fail" ? EIO : word == "full" ? ENOSPC : 0;
  return rule.kill || rule.stall || rule.error_number != 0;
}

bool SetDetail(FaultRule& rule, std::string_view key, std::string_view value) {
  if (key == "op") return (rule.op = OpCalled(value)).has_value();
  if (key == "class") return (rule.file_class = ClassCalled(value)).has_value();
  if (key == "skip") return ReadCount(value, rule.skip);
  if (key == "path") rule.path_contains = value;
  if (key == "path") return true;
  if (key != "times") return false;
  if (value != "ever") return ReadCount(value, rule.times);
  rule.times = UINT64_MAX;
  return true;
}

Result<FaultRule> ParseRule(const std::string& line) {
  std::istringstream words(line);
  FaultRule rule;
  std::string word;
  words >> word;
  if (!SetAction(rule, word)) return Nonsense(word);
  while (words >> word) {
    const size_t equals = std::min(word.find('='), word.size() - 1);
    const std::string_view text = word;
    if (!SetDetail(rule, text.substr(0, equals), text.substr(equals + 1))) return Nonsense(word);
  }
  return rule;
}

}  // namespace

Result<std::vector<FaultRule>> ParseFaultRules(std::string_view text) {
  std::vector<FaultRule> rules;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    ASSIGN_OR_RETURN(rules.emplace_back(), ParseRule(line));
  }
  return rules;
}

#ifdef FICUS_PLANTED_BUGS

namespace {

constexpr std::chrono::milliseconds kLookInterval{2};

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class PlantedFaultControl final : public FaultControl {
 public:
  explicit PlantedFaultControl(std::string path) : path_(std::move(path)) {}
  ~PlantedFaultControl() override;

  Result<> Start();
  std::unique_ptr<FileSystem> Wrap(std::unique_ptr<FileSystem> fs) override;

 private:
  Result<> Obey(std::string text);
  void Give(FaultyFileSystem& fs) REQUIRES(mutex_);
  void TellStalled() REQUIRES(mutex_);
  void Watch();

  const std::string path_;
  std::string text_;  // of the file when it was read last; the watcher's
  Mutex mutex_;
  CondVar ended_;
  bool end_ GUARDED_BY(mutex_) = false;
  std::vector<FaultRule> rules_ GUARDED_BY(mutex_);
  std::vector<FaultyFileSystem*> systems_ GUARDED_BY(mutex_);
  size_t stalled_ GUARDED_BY(mutex_) = 0;
  std::thread watcher_;
};

PlantedFaultControl::~PlantedFaultControl() {
  {
    const MutexLock lock(mutex_);
    end_ = true;
    rules_.clear();
    for (FaultyFileSystem* fs : systems_) Give(*fs);
    ended_.NotifyAll();
  }
  if (watcher_.joinable()) watcher_.join();
}

Result<> PlantedFaultControl::Start() {
  RETURN_IF_ERROR(Obey(ReadText(path_)));
  watcher_ = std::thread([this] { Watch(); });
  return Ok();
}

std::unique_ptr<FileSystem> PlantedFaultControl::Wrap(std::unique_ptr<FileSystem> fs) {
  auto faulty = FaultyFileSystem::Create(std::move(fs));
  const MutexLock lock(mutex_);
  systems_.push_back(faulty.get());
  Give(*faulty);
  return faulty;
}

Result<> PlantedFaultControl::Obey(std::string text) {
  text_ = std::move(text);
  ASSIGN_OR_RETURN(std::vector<FaultRule> rules, ParseFaultRules(text_));
  const MutexLock lock(mutex_);
  rules_ = std::move(rules);
  for (FaultyFileSystem* fs : systems_) Give(*fs);
  LogInfo("faults.obeyed", "{}", text_);
  return Ok();
}

void PlantedFaultControl::Give(FaultyFileSystem& fs) {
  fs.ClearRules();
  fs.Release();
  for (const FaultRule& rule : rules_) fs.AddRule(rule);
}

void PlantedFaultControl::TellStalled() {
  size_t stalled = 0;
  for (const FaultyFileSystem* fs : systems_) stalled += fs->stalled();
  if (stalled != stalled_) LogInfo("faults.stalled", "{}", stalled);
  stalled_ = stalled;
}

void PlantedFaultControl::Watch() {
  for (;;) {
    if (std::string text = ReadText(path_); text != text_) {
      const Result<> obeyed = Obey(std::move(text));
      if (!obeyed) LogError("faults.refused", "{}", obeyed.error().ToString());
    }
    MutexLock lock(mutex_);
    TellStalled();
    if (!end_) ended_.WaitFor(lock, kLookInterval);
    if (end_) return;
  }
}

}  // namespace

Result<std::unique_ptr<FaultControl>> FaultControl::FromEnvironment() {
  const char* path = std::getenv("FICUS_FAULT_CONTROL");
  if (path == nullptr) return std::unique_ptr<FaultControl>();
  auto control = std::make_unique<PlantedFaultControl>(path);
  RETURN_IF_ERROR(control->Start());
  return std::unique_ptr<FaultControl>(std::move(control));
}

#else

Result<std::unique_ptr<FaultControl>> FaultControl::FromEnvironment() {
  return std::unique_ptr<FaultControl>();
}

#endif

}  // namespace ficus
