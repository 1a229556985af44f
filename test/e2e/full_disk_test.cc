// A disk that fills up under a node, and is emptied again.
#include <cerrno>
#include <filesystem>
#include <string>
#include <sys/mount.h>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "test/e2e/node.h"
#include "test/support/skip.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

// A file system in memory of this size at `path`, seen by this process and its children only; gone
// with them. False where that is not allowed.
bool MountSmallDisk(const std::string& path, const std::string& size) {
  if (::unshare(CLONE_NEWNS) != 0) return false;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  std::filesystem::create_directory(path);
  return ::mount("tmpfs", path.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
}

// Takes all space that is left.
void Fill(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT, 0644);
  REQUIRE(file >= 0);
  const std::string block(65536, 'x');
  size_t bytes = block.size();
  while (bytes > 0) {
    if (::write(file, block.data(), bytes) < 0) {
      REQUIRE(errno == ENOSPC);
      bytes /= 2;
    }
  }
  REQUIRE(::close(file) == 0);
}

struct Client {
  const Node& node;
  std::string journal;
  std::string output;

  int Write(const std::string& seconds) const {
    return RunLoadClient({"run", "--address", node.address(), "--journal", journal, "--seconds",
                          seconds, "--series", "300", "--rate", "20000", "--report", "0"},
                         output);
  }
  int Verify() const {
    return RunLoadClient({"verify", "--address", node.address(), "--journal", journal}, output);
  }
  bool Said(const std::string& words) const {
    return ReadFile(output).find(words) != std::string::npos;
  }
};

TEST_CASE("on a full disk writes are refused, reads go on, and space ends it", "[e2e]") {
  const TempDirectory directory;
  const std::string disk = directory.File("disk");
  if (!MountSmallDisk(disk, "400m")) SKIP_TEST("no right to mount a small disk");
  Node node(directory.path(), {"storage: {path: \"" + disk +
                               "/data\", flush: {interval: 500ms}, wal: {file_bytes: 8MiB, "
                               "max_bytes: 64MiB}}"});
  REQUIRE(node.Start());
  const Client client{node, directory.File("journal"), directory.File("load.out")};
  REQUIRE(client.Write("2") == 0);
  REQUIRE(client.Verify() == 0);

  Fill(disk + "/filler");
  const bool refused =
      WaitUntil([&] { return client.Write("1") == 1 && client.Said("STATUS_DISK_FULL"); });
  INFO(ReadFile(client.output));
  INFO(node.log());
  REQUIRE(refused);
  REQUIRE(node.process().Running());
  REQUIRE(client.Verify() == 0);

  REQUIRE(std::filesystem::remove(disk + "/filler"));
  REQUIRE(WaitUntil([&] { return client.Write("1") == 0; }));
  REQUIRE(client.Verify() == 0);
  node.Kill();
  REQUIRE(node.Start());
  REQUIRE(client.Verify() == 0);
  REQUIRE(node.Stop() == 0);
}

}  // namespace
}  // namespace ficus
