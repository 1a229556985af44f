#include "server/daemon/log_settings.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

LogConfig Config(LogFormatChoice format, std::string output) {
  LogConfig config;
  config.format = format;
  config.output = std::move(output);
  return config;
}

TEST_CASE("a log of format auto is text at a terminal and JSON elsewhere", "[daemon][log]") {
  const LogConfig at_stderr = Config(LogFormatChoice::kAuto, "stderr");
  REQUIRE(LogSettingsOf(at_stderr, true).format == LogFormat::kText);
  REQUIRE(LogSettingsOf(at_stderr, false).format == LogFormat::kJson);
  REQUIRE(LogSettingsOf(at_stderr, true).file.empty());
}

TEST_CASE("a log of format auto in a file is JSON, whatever stderr is", "[daemon][log]") {
  const LogConfig in_file = Config(LogFormatChoice::kAuto, "/var/log/ficusd.log");
  REQUIRE(LogSettingsOf(in_file, true).format == LogFormat::kJson);
  REQUIRE(LogSettingsOf(in_file, false).format == LogFormat::kJson);
  REQUIRE(LogSettingsOf(in_file, true).file == "/var/log/ficusd.log");
}

TEST_CASE("a log of a format that was chosen has it everywhere", "[daemon][log]") {
  for (const bool terminal : {false, true}) {
    for (const char* output : {"stderr", "ficusd.log"}) {
      REQUIRE(LogSettingsOf(Config(LogFormatChoice::kText, output), terminal).format ==
              LogFormat::kText);
      REQUIRE(LogSettingsOf(Config(LogFormatChoice::kJson, output), terminal).format ==
              LogFormat::kJson);
    }
  }
}

}  // namespace
}  // namespace ficus
