// A stream of writes against a small schema, for the tests of this room.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <banyandb/measure/v1/write.pb.h>

#include "engine/base/random.h"
#include "engine/model/tag_value.h"
#include "engine/schema/schema_registry.h"
#include "server/ingest/measure_write_session.h"
#include "test/engine/schema/objects.h"

namespace ficus {

namespace measure_v1 = banyandb::measure::v1;
namespace model_v1 = banyandb::model::v1;

constexpr UnixNanos kStreamNow = 1'700'000'000 * kNanosPerSecond;

inline void SetTag(model_v1::TagValue& message, const TagValue& value) {
  if (std::holds_alternative<Null>(value)) {
    message.set_null(google::protobuf::NULL_VALUE);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    message.mutable_str()->set_value(*text);
  } else if (const auto* number = std::get_if<int64_t>(&value)) {
    message.mutable_int_()->set_value(*number);
  } else if (const auto* binary = std::get_if<Binary>(&value)) {
    message.set_binary_data(binary->bytes);
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    message.mutable_str_array();
    for (const auto& element : *texts) message.mutable_str_array()->add_value(element);
  } else if (const auto* numbers = std::get_if<std::vector<int64_t>>(&value)) {
    message.mutable_int_array();
    for (const auto element : *numbers) message.mutable_int_array()->add_value(element);
  } else if (const auto* time = std::get_if<Timestamp>(&value)) {
    const int64_t nanos = (time->nanos % kNanosPerSecond + kNanosPerSecond) % kNanosPerSecond;
    const int64_t seconds = time->nanos / kNanosPerSecond - (time->nanos % kNanosPerSecond < 0);
    message.mutable_timestamp()->set_seconds(seconds);
    message.mutable_timestamp()->set_nanos(static_cast<int32_t>(nanos));
  }
}

inline void SetField(model_v1::FieldValue& message, const TagValue& value) {
  if (std::holds_alternative<Null>(value)) {
    message.set_null(google::protobuf::NULL_VALUE);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    message.mutable_str()->set_value(*text);
  } else if (const auto* number = std::get_if<int64_t>(&value)) {
    message.mutable_int_()->set_value(*number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    message.mutable_float_()->set_value(*real);
  } else if (const auto* binary = std::get_if<Binary>(&value)) {
    message.set_binary_data(binary->bytes);
  }
}

// Group g holds measure m: family "default" with id (the entity), layer (string), count (int);
// fields value (int) and rate (float). Its TTL is seven days.
class Stream {
 public:
  explicit Stream(MeasureWriteSession::Limits limits = {}) : session(limits) {
    Create(ProposeGroup("g"));
    Create(ProposeMeasure("g", "m"));
  }

  void Create(const SchemaObject& proposal) { CreateAll(registry, kStreamNow, random, {proposal}); }
  void Update(SchemaObject proposal) {
    registry.Apply(registry.PrepareUpdate(std::move(proposal), kStreamNow).value());
  }
  const SchemaObject& Measure(const std::string& name = "m") {
    held.push_back(registry.Current());
    return *held.back()->Find(SchemaKind::kMeasure, "g", name);
  }

  // A right message: svc-1, the time now, layer "mesh", count 3, value 5, rate 0.5.
  static measure_v1::WriteRequest Right() {
    measure_v1::WriteRequest request;
    request.mutable_metadata()->set_group("g");
    request.mutable_metadata()->set_name("m");
    request.set_message_id(9);
    auto& point = *request.mutable_data_point();
    SetTime(request, kStreamNow);
    auto& family = *point.add_tag_families();
    SetTag(*family.add_tags(), std::string("svc-1"));
    SetTag(*family.add_tags(), std::string("mesh"));
    SetTag(*family.add_tags(), int64_t{3});
    SetField(*point.add_fields(), int64_t{5});
    SetField(*point.add_fields(), 0.5);
    return request;
  }
  static void SetTime(measure_v1::WriteRequest& request, UnixNanos time) {
    auto& timestamp = *request.mutable_data_point()->mutable_timestamp();
    timestamp.set_seconds(time / kNanosPerSecond);
    timestamp.set_nanos(static_cast<int32_t>(time % kNanosPerSecond));
  }

  Result<WriteOutcome> Write(const std::string& bytes) {
    return session.Write(bytes, registry.Current(), kStreamNow, sink);
  }
  Result<WriteOutcome> Write(const measure_v1::WriteRequest& request) {
    return Write(request.SerializeAsString());
  }

  // The value of a tag or field in a row of the only batch.
  TagValue ValueOf(const std::string& name, size_t row = 0) {
    for (const SubjectColumn& column : Measure().columns()) {
      if (column.dropped || column.name != name) continue;
      return ValueAt(*sink.batches().at(0).rows.FindColumn(column.id), row);
    }
    return Null{};
  }

  SchemaRegistry registry;
  SeededRandom random{1};
  MeasureWriteSession session;
  RowSink sink;
  std::vector<std::shared_ptr<const SchemaSnapshot>> held;
};

}  // namespace ficus
