#include "engine/base/stop.h"

#include <string>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "test/engine/base/death.h"

namespace ficus {
namespace {

TEST_CASE("stopping logs the reason and aborts without destructors", "[stop]") {
  struct Loud {
    ~Loud() { LogInfo("test.destroyed", "written after the stop"); }
  };
  const Death death = RunInChild([] {
    const Loud loud;
    StopProcess("fsync of wal/1.log: EIO");
  });
  REQUIRE(death.aborted);
  REQUIRE_THAT(
      death.standard_error,
      Catch::EndsWith("error process.stop: stopping to protect data: fsync of wal/1.log: EIO\n"));
}

TEST_CASE("a handler unwinds to the test that expects the stop", "[stop]") {
  const LogCapture capture;
  const StopHandler handler(
      [](std::string_view reason) { throw ProcessStopped{std::string(reason)}; });
  std::string stopped;
  try {
    StopProcess("a test");
  } catch (const ProcessStopped& stop) {
    stopped = stop.reason;
  }
  REQUIRE(stopped == "a test");
  REQUIRE(capture.Count("process.stop") == 1);
}

TEST_CASE("a handler that returns does not save the process", "[stop]") {
  REQUIRE(RunInChild([] {
            const StopHandler handler([](std::string_view) {});
            StopProcess("a test");
          }).aborted);
}

TEST_CASE("a handler is gone with its scope", "[stop]") {
  REQUIRE(RunInChild([] {
            {
              const StopHandler handler([](std::string_view) { ::_exit(0); });
            }
            StopProcess("a test");
          }).aborted);
}

}  // namespace
}  // namespace ficus
