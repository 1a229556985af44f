// Log lines of the whole program: LogInfo("part.quarantined", "part {} set aside: {}", path, why).
//
// `event` is a stable name that dashboards and tests may rely on; the text is for people. Logged
// where a thing is handled, not where it is passed on. Error: a person should look. Warn: we went
// on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

namespace ficus {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError };

std::string_view LogLevelName(LogLevel level);

// Any thread. Lines below the level set are dropped before they are formatted.
void VLog(LogLevel level, std::string_view event, fmt::string_view format, fmt::format_args args);
bool LogEnabled(LogLevel level);

template <typename... Args>
void LogAt(LogLevel level, std::string_view event, fmt::format_string<Args...> format,
           Args&&... args) {
  if (LogEnabled(level)) VLog(level, event, format, fmt::make_format_args(args...));
}
template <typename... Args>
void LogDebug(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  LogAt(LogLevel::kDebug, event, format, std::forward<Args>(args)...);
}
template <typename... Args>
void LogInfo(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  LogAt(LogLevel::kInfo, event, format, std::forward<Args>(args)...);
}
template <typename... Args>
void LogWarn(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  LogAt(LogLevel::kWarn, event, format, std::forward<Args>(args)...);
}
template <typename... Args>
void LogError(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  LogAt(LogLevel::kError, event, format, std::forward<Args>(args)...);
}

enum class LogFormat { kText, kJson };

struct LogSettings {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  std::string file;  // empty: standard error
};

// Before threads start, or again to change level and format. False when the file cannot be opened.
bool ConfigureLog(const LogSettings& settings);

// Writes what is buffered. The last act before the process stops itself.
void FlushLog();

// Collects lines instead of printing them while it lives; for tests. One at a time.
class LogCapture {
 public:
  struct Line {
    LogLevel level;
    std::string event;
    std::string text;
  };

  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  std::vector<Line> lines() const;
  // Number of lines with this event name.
  size_t Count(std::string_view event) const;
};

}  // namespace ficus
