// I3: a WriteRequest from bytes to a view of its fields, beside the generated class on an arena and
// on the heap.
#include <functional>

#include <google/protobuf/arena.h>

#include "banyandb/measure/v1/write.pb.h"
#include "bench/harness/comparison.h"
#include "bench/harness/stopwatch.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/schema/schema_registry.h"
#include "server/ingest/measure_write_session.h"
#include "server/ingest/wire_walker.h"

namespace ficus::bench {
namespace {

using banyandb::measure::v1::WriteRequest;

constexpr UnixNanos kNow = 1'700'000'000 * kNanosPerSecond;
constexpr size_t kRowsPerTake = 4096;
constexpr uint64_t kArenaBytes = 1 << 20;

// A measure and messages for it.
struct Shape {
  const char* name;
  int tags;    // beside the entity tag
  int fields;  // alternately int and float
};

SchemaObject MeasureOf(const Shape& shape) {
  MeasureSchema measure;
  measure.entity = {"entity_id"};
  TagFamily& family = measure.families.emplace_back();
  family.name = "default";
  family.tags.push_back({"entity_id", TagType::kString, kNoColumn});
  for (int i = 0; i < shape.tags; ++i) {
    family.tags.push_back(
        {"tag" + std::to_string(i), i % 2 == 0 ? TagType::kString : TagType::kInt, kNoColumn});
  }
  for (int i = 0; i < shape.fields; ++i) {
    measure.fields.push_back({"field" + std::to_string(i),
                              i % 2 == 0 ? FieldType::kInt : FieldType::kFloat, 1, 1, kNoColumn});
  }
  SchemaObject object;
  object.key = {SchemaKind::kMeasure, "g", shape.name};
  object.view = std::move(measure);
  return object;
}

SchemaObject Group() {
  GroupSchema group;
  group.catalog = Catalog::kMeasure;
  group.resources =
      ResourceOptions{1, IntervalRule{IntervalUnit::kDay, 1}, IntervalRule{IntervalUnit::kDay, 7}};
  SchemaObject object;
  object.key = {SchemaKind::kGroup, "", "g"};
  object.view = group;
  return object;
}

WriteRequest RequestOf(const Shape& shape, size_t number, SeededRandom& random) {
  WriteRequest request;
  if (number == 0) {
    request.mutable_metadata()->set_group("g");
    request.mutable_metadata()->set_name(shape.name);
  }
  request.set_message_id(1'000'000'000 + number);
  auto& point = *request.mutable_data_point();
  point.mutable_timestamp()->set_seconds(kNow / kNanosPerSecond);
  auto& family = *point.add_tag_families();
  family.add_tags()->mutable_str()->set_value("c2VydmljZS0x.1_aW5zdGFuY2UtMQ==" +
                                              std::to_string(random.Below(1000)));
  for (int i = 0; i < shape.tags; ++i) {
    auto& tag = *family.add_tags();
    if (i % 2 == 0) {
      tag.mutable_str()->set_value("value-" + std::to_string(random.Below(100)));
    } else {
      tag.mutable_int_()->set_value(static_cast<int64_t>(random.Below(100'000)));
    }
  }
  for (int i = 0; i < shape.fields; ++i) {
    auto& field = *point.add_fields();
    if (i % 2 == 0) {
      field.mutable_int_()->set_value(static_cast<int64_t>(random.Below(1'000'000)));
    } else {
      field.mutable_float_()->set_value(0.25 * static_cast<double>(random.Below(1000)));
    }
  }
  return request;
}

using Messages = std::vector<std::string>;

Messages MessagesOf(const Shape& shape, size_t count) {
  SeededRandom random(1);
  Messages messages;
  for (size_t n = 0; n < count; ++n) {
    messages.push_back(RequestOf(shape, n, random).SerializeAsString());
  }
  return messages;
}

// The walker and the generated class find the same.
void CheckEqual(const Messages& messages) {
  WriteRequestView view;
  for (const std::string& message : messages) {
    WriteRequest request;
    CHECK(request.ParseFromString(message) && ParseWriteRequest(message, view).has_value());
    CHECK(view.message_id == request.message_id());
  }
}

double Nanos(const Messages& messages, const std::function<void()>& run) {
  const double begun = ThreadCpuSeconds();
  run();
  return (ThreadCpuSeconds() - begun) * 1e9 / static_cast<double>(messages.size());
}

double OnArena(const Messages& messages) {
  return Nanos(messages, [&] {
    google::protobuf::Arena arena;
    for (const std::string& message : messages) {
      auto* request = google::protobuf::Arena::CreateMessage<WriteRequest>(&arena);
      CHECK(request->ParseFromString(message));
      if (arena.SpaceUsed() > kArenaBytes) arena.Reset();
    }
  });
}

double OnHeap(const Messages& messages) {
  return Nanos(messages, [&] {
    for (const std::string& message : messages) {
      WriteRequest request;
      CHECK(request.ParseFromString(message));
    }
  });
}

double Walked(const Messages& messages) {
  WriteRequestView view;
  return Nanos(messages, [&] {
    for (const std::string& message : messages) CHECK(ParseWriteRequest(message, view));
  });
}

// All the way to rows: walk, checks, keys, columns.
double Written(const Shape& shape, const Messages& messages) {
  SchemaRegistry registry;
  SeededRandom random(1);
  for (SchemaObject& object : std::vector{Group(), MeasureOf(shape)}) {
    registry.Apply(registry.PrepareCreate(std::move(object), kNow, random).value());
  }
  const auto schema = registry.Current();
  return Nanos(messages, [&] {
    MeasureWriteSession session({});
    RowSink sink;
    for (const std::string& message : messages) {
      const auto outcome = session.Write(message, schema, kNow, sink);
      CHECK(outcome && outcome->status == WriteStatus::kSucceed);
      if (sink.rows() == kRowsPerTake) sink.Take();
    }
  });
}

void RunShape(const BenchOptions& options, Report& report, const Shape& shape) {
  const Messages messages = MessagesOf(shape, options.Pick<size_t>(2000, 100'000, 400'000));
  CheckEqual(messages);
  const std::string name = shape.name;
  const std::string unit = "CPU ns a message";
  Compare(
      options, report, "I3",
      {{name + ", decoded", unit, "class on arena", {.ratio_max = 1.0 / 8}},
       {name + ", decoded, checked, keyed", unit, "class on heap", {}}},
      [&]() -> std::vector<double> {
        return {Walked(messages), Written(shape, messages)};
      },
      [&]() -> std::vector<double> {
        return {OnArena(messages), OnHeap(messages)};
      });
}

}  // namespace

void WireDecode(const BenchOptions& options, Report& report) {
  RunShape(options, report, {"metric_1tag_2fields", 1, 2});
  RunShape(options, report, {"wide_10tags_10fields", 10, 10});
}

}  // namespace ficus::bench
