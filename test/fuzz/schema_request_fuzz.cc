// Any bytes as an object of the registry, of the kind that the first one chooses. What is accepted
// is stored, read back, echoed and found again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "banyandb/common/v1/common.pb.h"
#include "banyandb/database/v1/schema.pb.h"
#include "engine/base/check.h"
#include "engine/base/random.h"
#include "engine/schema/schema_registry.h"
#include "server/rpc/schema_convert.h"
#include "test/engine/schema/objects.h"

namespace {

constexpr ficus::UnixNanos kNow = 1'700'000'000 * ficus::kNanosPerSecond;

// A created object is updated to itself without effect, or, where it was there, changed.
void Store(const ficus::SchemaObject& object) {
  ficus::SchemaRegistry registry;
  ficus::SeededRandom random(1);
  ficus::CreateAll(registry, kNow, random,
                   {ficus::ProposeGroup("g"), ficus::ProposeMeasure("g", "m"),
                    ficus::ProposeIndexRule("g", "r", {"layer"})});
  auto created = registry.PrepareCreate(object, kNow, random);
  if (!created) {
    CHECK(!created.error().message.empty());
    const auto updated = registry.PrepareUpdate(object, kNow);
    if (updated) registry.Apply(*updated);
    return;
  }
  registry.Apply(*created);
  const auto current = registry.Current();
  CHECK(current->Find(object.key.kind, object.key.group, object.key.name) != nullptr);
  const auto again = registry.PrepareUpdate(object, kNow + 1);
  CHECK(again.has_value());
  CHECK(again->no_op());
}

template <typename Message>
void Take(const void* data, size_t size) {
  Message message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return;
  const auto object = ficus::FromMessage(message);
  if (!object) {
    CHECK(!object.error().message.empty());
    return;
  }
  Message echo;
  ficus::ToMessage(*object, echo);
  const auto same = ficus::FromMessage(echo);
  CHECK(same.has_value());
  CHECK(same->key == object->key && same->payload == object->payload);
  Store(*object);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  switch (data[0] % 5) {
    case 0:
      Take<banyandb::common::v1::Group>(data + 1, size - 1);
      break;
    case 1:
      Take<banyandb::database::v1::Measure>(data + 1, size - 1);
      break;
    case 2:
      Take<banyandb::database::v1::IndexRule>(data + 1, size - 1);
      break;
    case 3:
      Take<banyandb::database::v1::IndexRuleBinding>(data + 1, size - 1);
      break;
    default:
      Take<banyandb::database::v1::TopNAggregation>(data + 1, size - 1);
  }
  return 0;
}
