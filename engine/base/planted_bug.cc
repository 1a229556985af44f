#include "engine/base/planted_bug.h"

#ifdef FICUS_PLANTED_BUGS

#include <atomic>

namespace ficus {
namespace {

std::atomic<PlantedBug> planted = PlantedBug::kNone;

}  // namespace

bool IsPlanted(PlantedBug bug) { return planted.load(std::memory_order_relaxed) == bug; }

void Plant(PlantedBug bug) { planted.store(bug, std::memory_order_relaxed); }

}  // namespace ficus

#else

static_assert(!ficus::IsPlanted(ficus::PlantedBug::kPartNotSynced));

#endif
