#include "engine/base/log.h"

#include <atomic>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "engine/base/check.h"
#include "engine/base/mutex.h"
#include "engine/base/utf8.h"

namespace ficus {
namespace {

struct State {
  Mutex mutex;
  std::shared_ptr<spdlog::logger> logger GUARDED_BY(mutex);
  LogFormat format GUARDED_BY(mutex) = LogFormat::kText;
  std::vector<LogCapture::Line>* captured GUARDED_BY(mutex) = nullptr;
  std::atomic<LogLevel> level{LogLevel::kInfo};
};

State& TheState() {
  // Never destroyed: threads may log until the process is gone.
  static State* const state = new State;
  return *state;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  CHECK(false);
  return spdlog::level::off;
}

// Messages carry names that clients chose, so any byte may be in them.
std::string JsonEscaped(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const char c = text.front();
    if (length == 0) {
      escaped += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      escaped += '\\';
      escaped += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      escaped += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      escaped += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return escaped;
}

// Control characters are shown as \xNN: a name with a line break must not look like a second line.
std::string OneLine(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      line += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      line += c;
    }
  }
  return line;
}

std::shared_ptr<spdlog::logger> MakeLogger(const LogSettings& settings) {
  spdlog::sink_ptr sink;
  if (settings.file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(settings.file);
  }
  auto logger = std::make_shared<spdlog::logger>("ficus", std::move(sink));
  logger->set_level(spdlog::level::trace);
  // Lines are few; a person who follows the file wants each as it comes.
  logger->flush_on(spdlog::level::trace);
  const char* pattern = settings.format == LogFormat::kJson
                            ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})"
                            : "%Y-%m-%dT%H:%M:%S.%eZ %v";
  logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  return logger;
}

}  // namespace

std::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return "trace";
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  CHECK(false);
  return {};
}

bool LogEnabled(LogLevel level) {
  return level >= TheState().level.load(std::memory_order_relaxed);
}

void VLog(LogLevel level, std::string_view event, fmt::string_view format, fmt::format_args args) {
  std::string text = fmt::vformat(format, args);
  State& state = TheState();
  std::shared_ptr<spdlog::logger> logger;
  LogFormat output = LogFormat::kText;
  {
    MutexLock lock(state.mutex);
    if (state.captured != nullptr) {
      state.captured->push_back({level, std::string(event), std::move(text)});
      return;
    }
    if (state.logger == nullptr) state.logger = MakeLogger({});
    logger = state.logger;
    output = state.format;
  }
  const std::string line =
      output == LogFormat::kJson
          ? fmt::format(R"("level":"{}","event":"{}","message":"{}")", LogLevelName(level), event,
                        JsonEscaped(text))
          : fmt::format("{:<5} {}: {}", LogLevelName(level), event, OneLine(text));
  logger->log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

bool ConfigureLog(const LogSettings& settings) {
  std::shared_ptr<spdlog::logger> logger;
  try {
    logger = MakeLogger(settings);
  } catch (const spdlog::spdlog_ex&) {
    return false;
  }
  State& state = TheState();
  MutexLock lock(state.mutex);
  state.logger = std::move(logger);
  state.format = settings.format;
  state.level = settings.level;
  return true;
}

void FlushLog() {
  State& state = TheState();
  MutexLock lock(state.mutex);
  if (state.logger != nullptr) state.logger->flush();
}

LogCapture::LogCapture() {
  State& state = TheState();
  MutexLock lock(state.mutex);
  CHECK(state.captured == nullptr) << "a second LogCapture";
  state.captured = new std::vector<Line>;
}

LogCapture::~LogCapture() {
  State& state = TheState();
  MutexLock lock(state.mutex);
  delete state.captured;
  state.captured = nullptr;
}

std::vector<LogCapture::Line> LogCapture::lines() const {
  State& state = TheState();
  MutexLock lock(state.mutex);
  return *state.captured;
}

size_t LogCapture::Count(std::string_view event) const {
  size_t count = 0;
  for (const Line& line : lines()) count += line.event == event ? 1 : 0;
  return count;
}

}  // namespace ficus
