// A client that shares nothing with this code but the .proto files.
#include <ctime>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "test/node/node.h"
#include "test/support/skip.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

constexpr char kPython[] = "/usr/bin/python3";

TEST_CASE("an independent client gets what the API promises", "[e2e]") {
  if (::access(kPython, X_OK) != 0) SKIP_TEST("no Python from Debian");
  const TempDirectory directory;
  const std::string output = directory.File("python.out");
  Node node(directory.path());
  REQUIRE(node.Start());
  const std::string start_ms = std::to_string((::time(nullptr) - 7200) * 1000);
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> command = {kPython,      "test/e2e/python_client.py",
                                        "--address",  node.address(),
                                        "--stubs",    PYTHON_STUBS_PATH,
                                        "--points",   "100000",
                                        "--start-ms", start_ms};
    command.insert(command.end(), more.begin(), more.end());
    return ChildProcess(command, output).Wait(std::chrono::seconds(250));
  };
  const auto first = run({});
  INFO(ReadFile(output));
  REQUIRE(first == 0);
  node.Kill();
  REQUIRE(node.Start());
  const auto again = run({"--only-read"});
  INFO(ReadFile(output));
  REQUIRE(again == 0);
  REQUIRE(node.Stop() == 0);
}

}  // namespace
}  // namespace ficus
