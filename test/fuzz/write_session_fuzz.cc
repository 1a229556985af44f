// A stream of write messages, each behind its length in two bytes: it ends in rows that are whole,
// in statuses, or in an error.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/base/random.h"
#include "engine/schema/schema_registry.h"
#include "server/ingest/measure_write_session.h"
#include "test/engine/schema/objects.h"

namespace {

constexpr ficus::UnixNanos kNow = 1'700'000'000 * ficus::kNanosPerSecond;

std::shared_ptr<const ficus::SchemaSnapshot> MakeSchema() {
  ficus::SchemaRegistry registry;
  ficus::SeededRandom random(1);
  ficus::CreateAll(
      registry, kNow, random,
      {ficus::ProposeGroup("g"), ficus::ProposeMeasure("g", "m"), ficus::ProposeMeasure("g", "n")});
  return registry.Current();
}

void LookAt(const ficus::RowSink& sink) {
  size_t rows = 0;
  for (const ficus::KeyedRows& batch : sink.batches()) {
    rows += batch.rows.rows();
    CHECK(batch.rows.series.size() == batch.rows.rows());
    CHECK(batch.series_checks.size() == batch.rows.rows());
    CHECK(batch.shard_hashes.size() == batch.rows.rows());
    for (const ficus::ColumnValues& column : batch.rows.columns) {
      CHECK(column.rows() == batch.rows.rows());
    }
  }
  CHECK(rows == sink.rows());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::shared_ptr<const ficus::SchemaSnapshot> schema = MakeSchema();
  ficus::MeasureWriteSession session({});
  ficus::RowSink sink;
  std::string_view left(reinterpret_cast<const char*>(data), size);
  while (left.size() >= 2) {
    const size_t length = ficus::LoadLittle<uint16_t>(left.data());
    const std::string_view message = left.substr(2, length);
    left.remove_prefix(2 + message.size());
    const size_t before = sink.rows();
    const auto outcome = session.Write(message, schema, kNow, sink);
    const bool taken = outcome && outcome->status == ficus::WriteStatus::kSucceed;
    CHECK(sink.rows() == before + (taken ? 1 : 0));
    if (!outcome) break;
    CHECK(taken == outcome->reason.empty());
  }
  LookAt(sink);
  return 0;
}
