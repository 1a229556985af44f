#include "engine/io/uring_file_system.h"

#include <catch2/catch.hpp>

#include "engine/io/disk_file_system.h"
#include "test/engine/io/file_system_conformance.h"
#include "test/support/skip.h"
#include "test/support/temp_directory.h"

namespace ficus {

TEST_CASE("the file system of rings keeps the contract", "[io][uring]") {
  if (!UringRefusal().empty()) SKIP_TEST("io_uring cannot be used here");
  for (const ConformanceCase& conformance : ConformanceCases()) {
    DYNAMIC_SECTION(conformance.name) {
      const TempDirectory directory;
      const auto fs = OpenUringFileSystem(directory.path(), {});
      REQUIRE(fs.has_value());
      conformance.run(**fs);
    }
  }
}

}  // namespace ficus
