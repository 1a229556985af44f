// Any bytes as a query of measures: parsing, conversion and planning end in a plan or an error, and
// a plan can be written down.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "banyandb/measure/v1/query.pb.h"
#include "engine/base/check.h"
#include "engine/base/random.h"
#include "engine/query/measure_plan.h"
#include "engine/schema/schema_registry.h"
#include "server/rpc/measure_query_convert.h"
#include "test/engine/schema/objects.h"

namespace {

constexpr ficus::UnixNanos kNow = 1'700'000'000 * ficus::kNanosPerSecond;

std::shared_ptr<const ficus::SchemaSnapshot> MakeSchema() {
  ficus::SchemaRegistry registry;
  ficus::SeededRandom random(1);
  for (const char* group : {"g", "h"}) {
    ficus::CreateAll(registry, kNow, random,
                     {ficus::ProposeGroup(group), ficus::ProposeMeasure(group, "m"),
                      ficus::ProposeIndexRule(group, "by_layer", {"layer"}),
                      ficus::ProposeBinding(group, "bound", "m", {"by_layer"})});
  }
  return registry.Current();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::shared_ptr<const ficus::SchemaSnapshot> schema = MakeSchema();
  banyandb::measure::v1::QueryRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  auto query = ficus::FromMessage(request);
  if (!query) {
    CHECK(!query.error().message.empty());
    return 0;
  }
  const auto plan = ficus::PlanMeasureQuery(*std::move(query), schema, kNow);
  CHECK(plan.has_value() ? !plan->ToText().empty() : !plan.error().message.empty());
  return 0;
}
