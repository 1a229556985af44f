// What a measure write costs between the socket and the database: the generated class on an arena
// and on the heap, the wire walker, and the whole session (walk, checks, keys, columns).
//
//     ingest_bench [messages]
//
// Prints the best of several rounds in nanoseconds per message, on one thread.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/arena.h>

#include "banyandb/measure/v1/write.pb.h"
#include "engine/base/check.h"
#include "engine/base/random.h"
#include "engine/schema/schema_registry.h"
#include "server/ingest/measure_write_session.h"
#include "server/ingest/wire_walker.h"

namespace {

using namespace ficus;
using banyandb::measure::v1::WriteRequest;

constexpr UnixNanos kNow = 1'700'000'000 * kNanosPerSecond;
constexpr int kRounds = 9;
constexpr size_t kRowsPerTake = 4096;

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
  object.view = std::move(group);
  return object;
}

std::vector<std::string> MessagesOf(const Shape& shape, size_t count) {
  SeededRandom random(1);
  std::vector<std::string> messages;
  for (size_t n = 0; n < count; ++n) {
    WriteRequest request;
    if (n == 0) {
      request.mutable_metadata()->set_group("g");
      request.mutable_metadata()->set_name(shape.name);
    }
    request.set_message_id(1'000'000'000 + n);
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
    messages.push_back(request.SerializeAsString());
  }
  return messages;
}

// Nanoseconds per message of the fastest round.
double Best(const std::vector<std::string>& messages, const std::function<void()>& run) {
  double best = std::numeric_limits<double>::max();
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / static_cast<double>(messages.size()));
  }
  return best;
}

double Generated(const std::vector<std::string>& messages, bool on_arena) {
  return Best(messages, [&] {
    google::protobuf::Arena arena;
    for (const std::string& message : messages) {
      if (on_arena) {
        auto* request = google::protobuf::Arena::CreateMessage<WriteRequest>(&arena);
        CHECK(request->ParseFromString(message));
        if (arena.SpaceUsed() > 1 << 20) arena.Reset();
      } else {
        WriteRequest request;
        CHECK(request.ParseFromString(message));
      }
    }
  });
}

double Walked(const std::vector<std::string>& messages) {
  WriteRequestView view;
  return Best(messages, [&] {
    for (const std::string& message : messages) CHECK(ParseWriteRequest(message, view));
  });
}

double Written(const Shape& shape, const std::vector<std::string>& messages) {
  SchemaRegistry registry;
  SeededRandom random(1);
  for (SchemaObject& object : std::vector{Group(), MeasureOf(shape)}) {
    registry.Apply(registry.PrepareCreate(std::move(object), kNow, random).value());
  }
  const auto schema = registry.Current();
  return Best(messages, [&] {
    MeasureWriteSession session({});
    RowSink sink;
    for (const std::string& message : messages) {
      const auto outcome = session.Write(message, schema, kNow, sink);
      CHECK(outcome && outcome->status == WriteStatus::kSucceed);
      if (sink.rows() == kRowsPerTake) sink.Take();
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  const size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  std::printf("%-22s %8s %10s %10s %10s %10s %8s\n", "shape", "bytes", "heap ns", "arena ns",
              "walk ns", "session ns", "arena/walk");
  for (const Shape& shape :
       {Shape{"metric_1tag_2fields", 1, 2}, Shape{"wide_10tags_10fields", 10, 10}}) {
    const auto messages = MessagesOf(shape, count);
    const double heap = Generated(messages, false);
    const double arena = Generated(messages, true);
    const double walk = Walked(messages);
    const double session = Written(shape, messages);
    std::printf("%-22s %8zu %10.0f %10.0f %10.0f %10.0f %8.1f\n", shape.name,
                messages.back().size(), heap, arena, walk, session, arena / walk);
  }
  return 0;
}
