// What every ObjectStore promises, as cases that run over each implementation and decorator.
//
//   TEST_CASE("the memory store keeps the contract", "[remote]") {
//     for (const StoreCase& conformance : StoreCases()) {
//       DYNAMIC_SECTION(conformance.name) {
//         MemoryStore store;
//         conformance.run(store);
//       }
//     }
//   }
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "server/remote/object_store.h"

namespace ficus {

struct StoreCase {
  const char* name;
  // `store` is empty, and one that refuses keys below other keys.
  std::function<void(ObjectStore& store)> run;
};

// Where answers get lost, a replacing put may end with kUnavailable: nobody knows whether it was
// made. Nowhere else it may.
enum class Answers { kArrive, kMayGetLost };

std::vector<StoreCase> StoreCases(Answers answers = Answers::kArrive);

// Keys that no store may take.
std::vector<std::string> HostileKeys();

}  // namespace ficus
