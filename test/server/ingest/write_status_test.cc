#include "server/ingest/write_status.h"

#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include <banyandb/model/v1/write.pb.h>
#include <catch2/catch.hpp>

#include "engine/model/entity.h"
#include "server/ingest/wire_walker.h"
#include "test/server/ingest/stream.h"

namespace ficus {
namespace {

using Request = measure_v1::WriteRequest;

struct Line {
  std::string message;
  std::string answer;
};

std::string Trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

// The lines of the document's first table.
std::vector<Line> Lines() {
  std::ifstream document("docs/write-status.md");
  REQUIRE(document.good());
  std::vector<Line> lines;
  std::string text;
  while (std::getline(document, text) && text != "## The storage") {
    if (text.rfind("| ", 0) != 0) continue;
    std::istringstream cells(text.substr(1));
    Line line;
    std::getline(cells, line.message, '|');
    std::getline(cells, line.answer, '|');
    lines.push_back({Trimmed(line.message), Trimmed(line.answer)});
  }
  REQUIRE(lines.front().message == "The message");
  lines.erase(lines.begin());
  return lines;
}

// One message in the state that a line describes, and what else must be true once it was accepted.
struct Case {
  std::function<void(Stream&, Request&)> spoil;
  std::function<void(Stream&)> check = [](Stream&) {};
  std::string bytes = {};  // instead of a message
};

model_v1::TagValue& Tag(Request& request, int tag) {
  return *request.mutable_data_point()->mutable_tag_families(0)->mutable_tags(tag);
}

// A spec that names what the right message has, in its order.
measure_v1::TagFamilySpec& AddSpec(Request& request) {
  auto& spec = *request.mutable_data_point_spec();
  auto& family = *spec.add_tag_family_spec();
  family.set_name("default");
  for (const char* name : {"id", "layer", "count"}) family.add_tag_names(name);
  for (const char* name : {"value", "rate"}) spec.add_field_names(name);
  return family;
}

// Measure "s" is m with "layer" as its sharding key.
void UseSharded(Stream& stream, Request& request) {
  SchemaObject sharded = ProposeMeasure("g", "s");
  std::get<MeasureSchema>(sharded.view).sharding_key = {"layer"};
  stream.Create(sharded);
  request.mutable_metadata()->set_name("s");
}

// Measure "t" is m with a timestamp tag.
void UseTimed(Stream& stream, Request& request) {
  SchemaObject timed = ProposeMeasure("g", "t");
  std::get<MeasureSchema>(timed.view).families[0].tags[1].type = TagType::kTimestamp;
  stream.Create(timed);
  request.mutable_metadata()->set_name("t");
}

std::string TooManyFields() {
  Request request = Stream::Right();
  for (size_t i = 0; i < kWireItemsMax; ++i) request.mutable_data_point()->add_fields();
  return request.SerializeAsString();
}

std::function<void(Stream&)> IsNull(const std::string& name) {
  return [name](Stream& stream) { REQUIRE(stream.ValueOf(name) == TagValue(Null{})); };
}

std::function<void(Stream&)> EntityIs(const TagValue& value) {
  return [value](Stream& stream) {
    const KeyedRows& batch = stream.sink.batches().at(0);
    const auto key = DecodeSeriesKey(batch.series_key(0));
    REQUIRE(key);
    REQUIRE(key->subject == "m");
    REQUIRE(key->entity == std::vector<TagValue>{value});
  };
}

std::map<std::string, Case> Cases() {
  using S = Stream&;
  using R = Request&;
  const auto time = [](int64_t seconds, int32_t nanos) {
    return [=](S, R request) {
      request.mutable_data_point()->mutable_timestamp()->set_seconds(seconds);
      request.mutable_data_point()->mutable_timestamp()->set_nanos(nanos);
    };
  };
  const auto at = [](UnixNanos nanos) {
    return [=](S, R request) { Stream::SetTime(request, nanos); };
  };
  const UnixNanos ttl = 7 * kNanosPerDay;
  return {
      {"everything is right",
       {[](S, R) {},
        [](S stream) {
          REQUIRE(stream.ValueOf("layer") == TagValue(std::string("mesh")));
          REQUIRE(stream.ValueOf("count") == TagValue(int64_t{3}));
          REQUIRE(stream.ValueOf("value") == TagValue(int64_t{5}));
          REQUIRE(stream.ValueOf("rate") == TagValue(0.5));
        }}},
      {"bytes that are no WriteRequest", {nullptr, [](S) {}, "\x0a\x05gone"}},
      {"more than 65536 values and names", {nullptr, [](S) {}, TooManyFields()}},
      {"message_id is 0", {[](S, R request) { request.set_message_id(0); }}},
      {"no data_point", {[](S, R request) { request.clear_data_point(); }}},
      {"no timestamp", {[](S, R request) { request.mutable_data_point()->clear_timestamp(); }}},
      {"no tag family", {[](S, R request) { request.mutable_data_point()->clear_tag_families(); }}},
      {"no metadata in this or any earlier message",
       {[](S, R request) { request.clear_metadata(); }}},
      {"time before 1677-09-21T00:12:43.145224192Z", {time(-9223372037, 145224191)}},
      {"time after 2262-04-11T23:47:16.854775807Z", {time(9223372036, 854775808)}},
      {"time with a part below the millisecond", {at(kStreamNow + 1)}},
      {"mod_revision given, group unknown", {[](S, R request) {
         request.mutable_metadata()->set_group("none");
         request.mutable_metadata()->set_mod_revision(1);
       }}},
      {"mod_revision given, measure unknown", {[](S, R request) {
         request.mutable_metadata()->set_name("none");
         request.mutable_metadata()->set_mod_revision(1);
       }}},
      {"mod_revision 0, group unknown",
       {[](S, R request) { request.mutable_metadata()->set_group("none"); }}},
      {"mod_revision 0, measure unknown",
       {[](S, R request) { request.mutable_metadata()->set_name("none"); }}},
      {"mod_revision older than the schema's", {[](S stream, R request) {
         request.mutable_metadata()->set_mod_revision(stream.Measure().mod_revision - 1);
       }}},
      {"mod_revision newer than the schema's", {[](S stream, R request) {
         request.mutable_metadata()->set_mod_revision(stream.Measure().mod_revision + 1);
       }}},
      {"more tag families than the schema",
       {[](S, R request) { request.mutable_data_point()->add_tag_families(); }}},
      {"more tag families than the spec", {[](S, R request) {
         AddSpec(request);
         request.mutable_data_point()->add_tag_families();
       }}},
      {"family of an entity tag missing", {[](S stream, R request) {
         SchemaObject other = ProposeMeasure("g", "e");
         auto& families = std::get<MeasureSchema>(other.view).families;
         families.insert(families.begin(), {"first", {{"x", TagType::kInt, kNoColumn}}});
         stream.Create(other);
         request.mutable_metadata()->set_name("e");
       }}},
      {"entity tag missing in its family",
       {[](S, R request) { request.mutable_data_point()->mutable_tag_families(0)->clear_tags(); }}},
      {"entity tag named by the spec but missing", {[](S, R request) {
         auto& family = AddSpec(request);
         family.clear_tag_names();
         for (const char* name : {"layer", "count", "more", "id"}) family.add_tag_names(name);
       }}},
      {"entity tag without any value set", {[](S, R request) { Tag(request, 0).clear_value(); }}},
      {"entity tag that is an array",
       {[](S, R request) { SetTag(Tag(request, 0), std::vector<std::string>{"svc-1"}); }}},
      {"entity tag that is a timestamp",
       {[](S, R request) { SetTag(Tag(request, 0), Timestamp{kStreamNow}); }}},
      {"tag of the sharding key missing", {[](S stream, R request) {
         UseSharded(stream, request);
         auto& family = *request.mutable_data_point()->mutable_tag_families(0);
         while (family.tags_size() > 1) family.mutable_tags()->RemoveLast();
       }}},
      {"tag of the sharding key without any value set", {[](S stream, R request) {
         UseSharded(stream, request);
         Tag(request, 1).clear_value();
       }}},
      {"time older than the TTL of the group", {at(kStreamNow - ttl - kNanosPerMilli)}},
      {"time further ahead than write.max_future",
       {at(kStreamNow + kNanosPerDay + kNanosPerMilli)}},
      {"entity tag that is null",
       {[](S, R request) { SetTag(Tag(request, 0), Null{}); }, EntityIs(Null{})}},
      {"entity tag of another kind than the schema's",
       {[](S, R request) { SetTag(Tag(request, 0), int64_t{7}); }, EntityIs(int64_t{7})}},
      {"entity tag that the spec does not name",
       {[](S, R request) { AddSpec(request).set_tag_names(0, "other"); }, EntityIs(Null{})}},
      {"other tag missing",
       {[](S, R request) {
          request.mutable_data_point()->mutable_tag_families(0)->mutable_tags()->RemoveLast();
        },
        IsNull("count")}},
      {"field missing",
       {[](S, R request) { request.mutable_data_point()->mutable_fields()->RemoveLast(); },
        IsNull("rate")}},
      {"tag of another kind than the schema's",
       {[](S, R request) { SetTag(Tag(request, 2), std::string("3")); }, IsNull("count")}},
      {"field of another kind than the schema's",
       {[](S, R request) {
          SetField(*request.mutable_data_point()->mutable_fields(1), int64_t{1});
        },
        IsNull("rate")}},
      {"timestamp tag outside of 1677 to 2262",
       {[](S stream, R request) {
          UseTimed(stream, request);
          Tag(request, 1).mutable_timestamp()->set_seconds(9223372037);
        },
        [](S stream) { REQUIRE(stream.sink.batches().at(0).rows.columns.at(0).IsNull(0)); }}},
      {"more tags in a family than the schema", {[](S, R request) {
         SetTag(*request.mutable_data_point()->mutable_tag_families(0)->add_tags(), int64_t{1});
       }}},
      {"more fields than the schema",
       {[](S, R request) { SetField(*request.mutable_data_point()->add_fields(), int64_t{1}); }}},
      {"tag or field that the spec does not name",
       {[](S, R request) {
          AddSpec(request).set_tag_names(1, "other");
          request.mutable_data_point_spec()->set_field_names(0, "other");
        },
        [](S stream) {
          REQUIRE(stream.ValueOf("layer") == TagValue(Null{}));
          REQUIRE(stream.ValueOf("value") == TagValue(Null{}));
          REQUIRE(stream.ValueOf("rate") == TagValue(0.5));
        }}},
      {"name in the spec that the schema does not have",
       {[](S, R request) {
          AddSpec(request).add_tag_names("unknown");
          SetTag(*request.mutable_data_point()->mutable_tag_families(0)->add_tags(), int64_t{1});
        },
        [](S stream) { REQUIRE(stream.ValueOf("count") == TagValue(int64_t{3})); }}},
      {"version 0",
       {[](S, R request) { request.mutable_data_point()->set_version(0); },
        [](S stream) { REQUIRE(stream.sink.batches().at(0).rows.versions.at(0) == 9); }}},
  };
}

std::string_view CodeText(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "error INVALID_ARGUMENT";
    case ErrorCode::kResourceExhausted:
      return "error RESOURCE_EXHAUSTED";
    case ErrorCode::kUnknown:
      return "error UNKNOWN";
    default:
      return "another error";
  }
}

}  // namespace

TEST_CASE("every line of docs/write-status.md is what happens", "[ingest][status]") {
  const auto cases = Cases();
  std::set<std::string> seen;
  for (const Line& line : Lines()) {
    CAPTURE(line.message);
    const auto found = cases.find(line.message);
    REQUIRE(found != cases.end());
    REQUIRE(seen.insert(line.message).second);

    Stream stream;
    Request request = Stream::Right();
    if (found->second.spoil) found->second.spoil(stream, request);
    const auto outcome =
        found->second.bytes.empty() ? stream.Write(request) : stream.Write(found->second.bytes);
    const std::string answer(outcome ? WriteStatusName(outcome->status)
                                     : CodeText(outcome.error().code));
    REQUIRE(answer == line.answer.substr(0, line.answer.find(',')));
    const bool accepted = answer == "STATUS_SUCCEED";
    REQUIRE(stream.sink.rows() == (accepted ? 1u : 0u));
    if (outcome) {
      REQUIRE(outcome->message_id == 9);
      REQUIRE(outcome->reason.empty() == accepted);
    }
    if (accepted) found->second.check(stream);
  }
  REQUIRE(seen.size() == cases.size());
}

TEST_CASE("the times at the edges of a line are accepted", "[ingest][status]") {
  for (const UnixNanos time :
       {kStreamNow - 7 * kNanosPerDay, kStreamNow + kNanosPerDay, kStreamNow}) {
    CAPTURE(time);
    Stream stream;
    Request request = Stream::Right();
    Stream::SetTime(request, time);
    REQUIRE(stream.Write(request)->status == WriteStatus::kSucceed);
    REQUIRE(stream.sink.batches().at(0).rows.timestamps.at(0) == time);
  }
}

TEST_CASE("nanoseconds outside of a second carry over", "[ingest][status]") {
  struct Time {
    int64_t seconds;
    int32_t nanos;
    UnixNanos expected;
  };
  const int64_t now = kStreamNow / kNanosPerSecond;
  for (const Time& time : {Time{now, 1'500'000'000, kStreamNow + 1'500'000'000},
                           Time{now, -1'000'000, kStreamNow - 1'000'000},
                           Time{now, -2'000'000'000, kStreamNow - 2'000'000'000}}) {
    CAPTURE(time.nanos);
    Stream stream;
    Request request = Stream::Right();
    request.mutable_data_point()->mutable_timestamp()->set_seconds(time.seconds);
    request.mutable_data_point()->mutable_timestamp()->set_nanos(time.nanos);
    REQUIRE(stream.Write(request)->status == WriteStatus::kSucceed);
    REQUIRE(stream.sink.batches().at(0).rows.timestamps.at(0) == time.expected);
  }
}

TEST_CASE("the names of the answers are those of the API", "[ingest][status]") {
  for (int value = 0; value <= 10; ++value) {
    REQUIRE(model_v1::Status_Name(value) == WriteStatusName(static_cast<WriteStatus>(value)));
  }
  REQUIRE(model_v1::Status_MAX == 10);
}

TEST_CASE("what the database refuses has the answer of the document", "[ingest][status]") {
  REQUIRE(StatusOfRefusal(ErrorCode::kNoSpace) == WriteStatus::kDiskFull);
  REQUIRE(StatusOfRefusal(ErrorCode::kReadOnly) == WriteStatus::kDiskFull);
  REQUIRE(StatusOfRefusal(ErrorCode::kNotFound) == WriteStatus::kInternalError);
  REQUIRE(StatusOfRefusal(ErrorCode::kIo) == WriteStatus::kInternalError);
  REQUIRE(StatusOfRefusal(ErrorCode::kResourceExhausted) == WriteStatus::kInternalError);
}

}  // namespace ficus
