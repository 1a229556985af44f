#include "config/regular_file.h"

#include <fstream>
#include <string>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "test/support/temp_directory.h"

namespace ficus {
namespace {

TEST_CASE("a regular file is read whole up to its bound", "[config]") {
  const TempDirectory directory;
  const std::string path = directory.File("a");
  const std::string bytes(40'000, 'x');
  std::ofstream(path, std::ios::binary) << bytes;
  REQUIRE(*ReadRegularFile(path, bytes.size()) == bytes);
  REQUIRE(ReadRegularFile(path, bytes.size() - 1).error() ==
          Error{ErrorCode::kResourceExhausted, "is larger than 39999 bytes"});
  REQUIRE(ReadRegularFile(directory.File("none"), 10).error() ==
          Error{ErrorCode::kNotFound, "No such file or directory"});
  REQUIRE(ReadRegularFile(path + "/below", 10).error().code == ErrorCode::kNotFound);
}

TEST_CASE("what is no regular file is not read, and a pipe does not block", "[config]") {
  const TempDirectory directory;
  REQUIRE(::mkfifo(directory.File("pipe").c_str(), 0600) == 0);
  const std::string path = GENERATE(std::string("/pipe"), std::string(""));
  REQUIRE(ReadRegularFile(directory.path() + path, 10).error() ==
          Error{ErrorCode::kIo, "is not a regular file"});
}

TEST_CASE("files of the kernel are read although their size is 0", "[config]") {
  REQUIRE_THAT(*ReadRegularFile("/proc/meminfo", 65536), Catch::Contains("MemTotal"));
}

TEST_CASE("who reads a file may refuse it by what it is", "[config]") {
  const TempDirectory directory;
  const std::string path = directory.File("a");
  std::ofstream(path, std::ios::binary) << "secret";
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  const Error wide{ErrorCode::kPermissionDenied, "is wide"};
  const auto check = [&](const struct stat& status) -> Result<> {
    if ((status.st_mode & 0077) != 0) return wide;
    return Ok();
  };
  REQUIRE(ReadRegularFile(path, 10, check).error() == wide);
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  REQUIRE(*ReadRegularFile(path, 10, check) == "secret");
}

}  // namespace
}  // namespace ficus
