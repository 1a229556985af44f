// What every FileSystem promises, as cases that run over each implementation.
//
//   TEST_CASE("the memory file system keeps the contract", "[io]") {
//     for (const ConformanceCase& conformance : ConformanceCases()) {
//       DYNAMIC_SECTION(conformance.name) {
//         auto fs = MemoryFileSystem::Create();
//         conformance.run(*fs);
//       }
//     }
//   }
#pragma once

#include <vector>

#include "engine/io/file_system.h"

namespace ficus {

struct ConformanceCase {
  const char* name;
  // `fs` is empty.
  void (*run)(FileSystem& fs);
};

const std::vector<ConformanceCase>& ConformanceCases();

}  // namespace ficus
