#include "engine/base/log.h"

#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "test/engine/base/death.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Logs by `body` into a file; the lines without their time.
std::string LoggedTo(LogFormat format, LogLevel level, void (*body)()) {
  const TempDirectory directory;
  LogSettings settings;
  settings.format = format;
  settings.level = level;
  settings.file = directory.File("log");
  REQUIRE(ConfigureLog(settings));
  body();
  FlushLog();
  std::string text = Contents(settings.file);
  REQUIRE(ConfigureLog({}));
  std::string cut;
  const std::string marker = format == LogFormat::kJson ? "Z\"," : "Z ";
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    const size_t time_end = text.find(marker, start);
    REQUIRE(end != std::string::npos);
    REQUIRE(time_end < end);
    cut += text.substr(time_end + marker.size(), end + 1 - time_end - marker.size());
    start = end + 1;
  }
  return cut;
}

TEST_CASE("a text line holds level, event and message", "[log]") {
  REQUIRE(LoggedTo(LogFormat::kText, LogLevel::kDebug,
                   [] {
                     LogDebug("wal.opened", "{} files", 3);
                     LogInfo("wal.opened", "{} files", 3);
                     LogWarn("part.quarantined", "part {} set aside: {}", "2a", "checksum");
                     LogError("disk.full", "{}%", 99);
                   }) ==
          "debug wal.opened: 3 files\n"
          "info  wal.opened: 3 files\n"
          "warn  part.quarantined: part 2a set aside: checksum\n"
          "error disk.full: 99%\n");
}

TEST_CASE("a JSON line holds level, event and message", "[log]") {
  REQUIRE(LoggedTo(LogFormat::kJson, LogLevel::kInfo, [] {
            LogWarn("part.quarantined", "part {}", "2a");
          }) == "\"level\":\"warn\",\"event\":\"part.quarantined\",\"message\":\"part 2a\"}\n");
}

TEST_CASE("a time stamp is UTC with milliseconds", "[log]") {
  const TempDirectory directory;
  LogSettings settings;
  settings.file = directory.File("log");
  REQUIRE(ConfigureLog(settings));
  LogInfo("test.event", "x");
  const std::string text = Contents(settings.file);
  REQUIRE(ConfigureLog({}));
  REQUIRE(text.size() > 24);
  REQUIRE(text[4] == '-');
  REQUIRE(text[10] == 'T');
  REQUIRE(text[19] == '.');
  REQUIRE(text[23] == 'Z');
}

TEST_CASE("a name that clients chose cannot forge a line", "[log]") {
  REQUIRE(LoggedTo(LogFormat::kText, LogLevel::kInfo, [] {
            LogInfo("group.created", "{}", "a\nerror disk.full: b\x1b[0m\x7f");
          }) == "info  group.created: a\\x0aerror disk.full: b\\x1b[0m\\x7f\n");
  REQUIRE(
      LoggedTo(LogFormat::kJson, LogLevel::kInfo,
               [] { LogInfo("group.created", "{}", "a\n\"b\\\t"); }) ==
      "\"level\":\"info\",\"event\":\"group.created\",\"message\":\"a\\u000a\\\"b\\\\\\u0009\"}\n");
}

TEST_CASE("a JSON line is UTF-8 whatever bytes a message holds", "[log]") {
  const auto [bytes, shown] = GENERATE(table<const char*, const char*>({
      {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"\xff", "\\ufffd"},
      {"\xc3", "\\ufffd"},
      {"\xc0\x80", "\\ufffd\\ufffd"},
      {"\xe0\x80\x80", "\\ufffd\\ufffd\\ufffd"},
      {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
      {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
      {"\xf0\x9f\x98x", "\\ufffd\\ufffd\\ufffdx"},
      {"\xed\x9f\xbf\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xf4\x8f\xbf\xbf"},
  }));
  static const char* message;
  message = bytes;
  REQUIRE(LoggedTo(LogFormat::kJson, LogLevel::kInfo, [] { LogInfo("e", "{}", message); }) ==
          std::string("\"level\":\"info\",\"event\":\"e\",\"message\":\"") + shown + "\"}\n");
}

TEST_CASE("lines below the level are dropped", "[log]") {
  REQUIRE(LoggedTo(LogFormat::kText, LogLevel::kWarn, [] {
            LogInfo("a.event", "dropped");
            LogWarn("b.event", "kept");
            REQUIRE_FALSE(LogEnabled(LogLevel::kInfo));
            REQUIRE(LogEnabled(LogLevel::kWarn));
          }) == "warn  b.event: kept\n");
}

TEST_CASE("a line is in the file before the call returns", "[log]") {
  const TempDirectory directory;
  LogSettings settings;
  settings.file = directory.File("log");
  REQUIRE(ConfigureLog(settings));
  LogInfo("test.event", "seen at once");
  const std::string text = Contents(settings.file);
  REQUIRE(ConfigureLog({}));
  REQUIRE_THAT(text, Catch::Contains("seen at once"));
}

TEST_CASE("a log file that cannot be opened leaves the log as it was", "[log]") {
  const TempDirectory directory;
  LogSettings good;
  good.file = directory.File("log");
  REQUIRE(ConfigureLog(good));
  LogSettings bad = good;
  bad.level = LogLevel::kError;
  bad.file = directory.File("missing/log");
  // A file where a folder is wanted, so that the folder cannot be made on the way either.
  std::ofstream(directory.File("missing")) << "x";
  REQUIRE_FALSE(ConfigureLog(bad));
  LogInfo("test.event", "still here");
  const std::string text = Contents(good.file);
  REQUIRE(ConfigureLog({}));
  REQUIRE_THAT(text, Catch::Contains("still here"));
}

TEST_CASE("without settings lines go to standard error", "[log]") {
  const Death death = RunInChild([] { LogInfo("test.event", "hello {}", 1); });
  REQUIRE_THAT(death.standard_error, Catch::EndsWith("Z info  test.event: hello 1\n"));
}

TEST_CASE("captured lines are counted by event and not printed", "[log]") {
  const Death death = RunInChild([] {
    const LogCapture capture;
    LogInfo("a.event", "one");
  });
  REQUIRE(death.standard_error == "");

  const LogCapture capture;
  LogInfo("a.event", "one {}", 1);
  LogWarn("b.event", "two");
  LogInfo("a.event", "three");
  REQUIRE(capture.Count("a.event") == 2);
  REQUIRE(capture.Count("b.event") == 1);
  REQUIRE(capture.Count("c.event") == 0);
  REQUIRE(capture.lines().size() == 3);
  REQUIRE(capture.lines()[0].text == "one 1");
  REQUIRE(capture.lines()[1].level == LogLevel::kWarn);
}

TEST_CASE("many threads log at once and no line is lost", "[log]") {
  const LogCapture capture;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int line = 0; line < 250; ++line) LogInfo("test.event", "{}", line);
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(capture.Count("test.event") == 1000);
}

TEST_CASE("every log level has a name", "[log]") {
  REQUIRE(LogLevelName(LogLevel::kTrace) == "trace");
  REQUIRE(LogLevelName(LogLevel::kDebug) == "debug");
  REQUIRE(LogLevelName(LogLevel::kInfo) == "info");
  REQUIRE(LogLevelName(LogLevel::kWarn) == "warn");
  REQUIRE(LogLevelName(LogLevel::kError) == "error");
}

}  // namespace
}  // namespace ficus
