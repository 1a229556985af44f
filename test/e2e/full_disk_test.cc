// A disk that fills up under a node, and is emptied again.
#include <cerrno>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "test/node/mounted_disk.h"
#include "test/node/node.h"
#include "test/support/skip.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

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

// Takes all inodes that are left, in `folder`, which is created.
void TakeInodes(const std::string& folder) {
  REQUIRE(std::filesystem::create_directory(folder));
  for (int i = 0;; ++i) {
    const int file = ::open((folder + "/" + std::to_string(i)).c_str(), O_WRONLY | O_CREAT, 0644);
    if (file < 0) break;
    REQUIRE(::close(file) == 0);
  }
  REQUIRE(errno == ENOSPC);
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

// What fills up, and how it is emptied again.
struct Shortage {
  std::string options;  // of the disk
  std::function<void(const std::string& path)> begin;
};

Shortage ShortageOf(const std::string& what) {
  if (what == "space") return {"size=400m", Fill};
  return {"size=400m,nr_inodes=400", TakeInodes};
}

TEST_CASE("on a full disk writes are refused, reads go on, and space ends it", "[e2e]") {
  const std::string what = GENERATE("space", "inodes");
  CAPTURE(what);
  const Shortage shortage = ShortageOf(what);
  const TempDirectory directory;
  const std::string disk = directory.File("disk");
  const auto mounted = MemoryDisk::Mount(disk, shortage.options);
  if (!mounted) SKIP_TEST(mounted.error().message.c_str());
  Node node(directory.path(), {"storage: {path: \"" + disk +
                               "/data\", flush: {interval: 500ms}, wal: {file_bytes: 1MiB, "
                               "max_bytes: 64MiB}}"});
  REQUIRE(node.Start());
  const Client client{node, directory.File("journal"), directory.File("load.out")};
  REQUIRE(client.Write("2") == 0);
  REQUIRE(client.Verify() == 0);

  shortage.begin(disk + "/filler");
  const bool refused =
      WaitUntil([&] { return client.Write("1") == 1 && client.Said("STATUS_DISK_FULL"); });
  INFO(ReadFile(client.output));
  INFO(node.log());
  REQUIRE(refused);
  REQUIRE(node.process().Running());
  REQUIRE(client.Verify() == 0);

  REQUIRE(std::filesystem::remove_all(disk + "/filler") > 0);
  REQUIRE(WaitUntil([&] { return client.Write("1") == 0; }));
  REQUIRE(client.Verify() == 0);
  node.Kill();
  REQUIRE(node.Start());
  REQUIRE(client.Verify() == 0);
  REQUIRE(node.Stop() == 0);
}

}  // namespace
}  // namespace ficus
