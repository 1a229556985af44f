#include "engine/io/rooted_directory.h"

#include <cerrno>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fcntl.h>

#include "test/support/temp_directory.h"

namespace ficus {

TEST_CASE("what lies below a rooted directory is opened, what a link leads to is not", "[io]") {
  const auto resolution =
      GENERATE(RootedDirectory::Resolution::kKernel, RootedDirectory::Resolution::kComponents);
  const TempDirectory outside;
  const TempDirectory directory;
  REQUIRE(::mkdir(directory.File("a").c_str(), 0700) == 0);
  REQUIRE(::mkdir(directory.File("a/b").c_str(), 0700) == 0);
  REQUIRE(::symlink(outside.path().c_str(), directory.File("a/out").c_str()) == 0);
  REQUIRE(::symlink("b", directory.File("a/in").c_str()) == 0);
  const auto root = RootedDirectory::Open(directory.path(), resolution);
  REQUIRE(root.has_value());
  FileDescriptor file;
  REQUIRE(root->OpenFile("a/b/f", O_RDWR | O_CREAT | O_EXCL, 0600, file) == 0);
  REQUIRE(root->OpenFile("a/b/f", O_RDONLY, 0, file) == 0);
  REQUIRE(root->OpenParent("a/b/none", file) == 0);
  REQUIRE(root->OpenParent("none", file) == 0);
  REQUIRE(root->OpenDirectory("", file) == 0);
  REQUIRE(root->OpenDirectory("a/b", file) == 0);
  REQUIRE(root->OpenDirectory("a/b/f", file) == ENOTDIR);
  REQUIRE(root->OpenFile("a/none", O_RDONLY, 0, file) == ENOENT);
  REQUIRE(root->OpenFile("a/b/f/x", O_RDONLY, 0, file) == ENOTDIR);
  for (const char* path : {"a/out", "a/in"}) {
    CAPTURE(path);
    REQUIRE(root->OpenDirectory(path, file) != 0);
    REQUIRE(root->OpenFile(path, O_RDONLY, 0, file) != 0);
    REQUIRE(root->OpenFile(std::string(path) + "/f", O_RDWR | O_CREAT, 0600, file) != 0);
    REQUIRE(root->OpenParent(std::string(path) + "/f", file) != 0);
  }
}

TEST_CASE("a root may itself be reached through a link", "[io]") {
  const TempDirectory directory;
  REQUIRE(::mkdir(directory.File("real").c_str(), 0700) == 0);
  REQUIRE(::symlink("real", directory.File("link").c_str()) == 0);
  REQUIRE(RootedDirectory::Open(directory.File("link"), RootedDirectory::Resolution::kKernel));
  REQUIRE(RootedDirectory::Open(directory.File("none"), RootedDirectory::Resolution::kKernel)
              .error()
              .code == ErrorCode::kNotFound);
}

}  // namespace ficus
