// A node with little memory and clients that want all of it: it refuses, and is never killed.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <signal.h>
#include <unistd.h>

#include "test/node/memory_group.h"
#include "test/node/node.h"
#include "test/support/skip.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

constexpr char kPython[] = "/usr/bin/python3";
constexpr uint64_t kMemoryBytes = uint64_t{256} << 20;

class Siege {
 public:
  explicit Siege(const MemoryGroup& group)
      : group_(group),
        node_(directory_.path(), {"storage: {path: \"" + directory_.File("data") +
                                      "\", flush: {interval: 1s, bytes: 8MiB}}",
                                  "query: {timeout: 20s}"}) {
    node_.StartBehind(group.Prefix());
    REQUIRE(node_.Start());
  }

  Node& node() { return node_; }
  std::string said() const { return ReadFile(directory_.File("client.out")); }

  void Write(const std::string& series, const std::string& points) {
    const int written = RunLoadClient({"run", "--address", node_.address(), "--journal", journal(),
                                       "--series", series, "--points", points, "--report", "0"},
                                      directory_.File("load.out"));
    INFO(ReadFile(directory_.File("load.out")));
    INFO(node_.log());
    REQUIRE(written == 0);
  }
  std::unique_ptr<ChildProcess> Start(const std::string& attack) {
    return std::make_unique<ChildProcess>(
        std::vector<std::string>{kPython, "test/torture/hostile_client.py", "--address",
                                 node_.address(), "--stubs", PYTHON_STUBS_PATH, attack},
        directory_.File("client.out"));
  }
  // Nobody was killed, and the node has what it acknowledged.
  void Stands() {
    INFO(node_.log());
    REQUIRE(node_.process().Running());
    REQUIRE(group_.Kills() == 0);
    const int verified =
        RunLoadClient({"verify", "--address", node_.address(), "--journal", journal()},
                      directory_.File("verify.out"));
    INFO(ReadFile(directory_.File("verify.out")));
    REQUIRE(verified == 0);
    std::printf("peak %llu MiB of %llu\n", static_cast<unsigned long long>(group_.Peak() >> 20),
                static_cast<unsigned long long>(kMemoryBytes >> 20));
  }

 private:
  std::string journal() const { return directory_.File("journal"); }

  const MemoryGroup& group_;
  const TempDirectory directory_;
  Node node_;
};

#define NEEDS_MEMORY_GROUP(group)                                       \
  if (::access(kPython, X_OK) != 0) SKIP_TEST("no Python from Debian"); \
  const auto made = MemoryGroup::Create(kMemoryBytes);                  \
  if (!made) SKIP_TEST(made.error().message.c_str());                   \
  const MemoryGroup& group = **made

TEST_CASE("attacks that end leave a small node standing", "[torture][memory]") {
  const std::string attack = GENERATE("empty_sub_messages", "wide_queries");
  CAPTURE(attack);
  NEEDS_MEMORY_GROUP(group);
  Siege siege(group);
  siege.Write(attack == "wide_queries" ? "100000" : "300", "200000");
  const auto code = siege.Start(attack)->Wait(std::chrono::seconds(300));
  INFO(siege.said());
  INFO(siege.node().log());
  REQUIRE(code == 0);
  siege.Stands();
  REQUIRE(siege.node().Stop(std::chrono::seconds(60)) == 0);
}

TEST_CASE("clients that hang leave a small node standing", "[torture][memory]") {
  const std::string attack =
      GENERATE("never_read", "never_read_replies", "many_streams", "many_connections");
  CAPTURE(attack);
  NEEDS_MEMORY_GROUP(group);
  Siege siege(group);
  siege.Write(attack == "never_read" ? "100000" : "300", "200000");
  const auto client = siege.Start(attack);
  REQUIRE(WaitUntil(
      [&] { return siege.said().find("READY") != std::string::npos || !client->Running(); }));
  INFO(siege.said());
  INFO(siege.node().log());
  REQUIRE(client->Running());
  // From here on it takes nothing that the node sends.
  client->Signal(SIGSTOP);
  siege.Write("300", "100000");
  siege.Stands();
  REQUIRE(siege.node().Stop(std::chrono::seconds(60)) == 0);
}

}  // namespace
}  // namespace ficus
