#include "engine/io/thread_file_system.h"

#include <catch2/catch.hpp>

#include "test/engine/io/file_system_conformance.h"
#include "test/support/temp_directory.h"

namespace ficus {

TEST_CASE("the file system of threads keeps the contract", "[io]") {
  for (const ConformanceCase& conformance : ConformanceCases()) {
    DYNAMIC_SECTION(conformance.name) {
      const TempDirectory directory;
      const auto fs = OpenThreadFileSystem(directory.path(), {});
      REQUIRE(fs.has_value());
      conformance.run(**fs);
    }
  }
}

TEST_CASE("the file system without openat2 keeps the contract", "[io]") {
  for (const ConformanceCase& conformance : ConformanceCases()) {
    DYNAMIC_SECTION(conformance.name) {
      const TempDirectory directory;
      const auto fs = OpenThreadFileSystem(
          directory.path(), {.resolution = RootedDirectory::Resolution::kComponents});
      REQUIRE(fs.has_value());
      conformance.run(**fs);
    }
  }
}

}  // namespace ficus
