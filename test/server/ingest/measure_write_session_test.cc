#include "server/ingest/measure_write_session.h"

#include <bit>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/model/entity.h"
#include "test/server/ingest/stream.h"

namespace ficus {
namespace {

using Request = measure_v1::WriteRequest;
using Strings = std::vector<std::string>;

// A message that relies on what earlier ones said.
Request Bare(uint64_t message_id) {
  Request request = Stream::Right();
  request.clear_metadata();
  request.set_message_id(message_id);
  return request;
}

void Accept(Stream& stream, const Request& request) {
  const auto outcome = stream.Write(request);
  REQUIRE(outcome);
  CAPTURE(outcome->reason);
  REQUIRE(outcome->status == WriteStatus::kSucceed);
}

const KeyedRows& Batch(const Stream& stream, size_t i = 0) { return stream.sink.batches().at(i); }

void SetSpec(Request& request, const std::string& family, const Strings& tags,
             const Strings& fields) {
  auto& spec = *request.mutable_data_point_spec();
  auto& family_spec = *spec.add_tag_family_spec();
  family_spec.set_name(family);
  for (const auto& tag : tags) family_spec.add_tag_names(tag);
  for (const auto& field : fields) spec.add_field_names(field);
}

void SetValues(Request& request, const std::vector<TagValue>& tags,
               const std::vector<TagValue>& fields) {
  auto& point = *request.mutable_data_point();
  point.clear_tag_families();
  point.clear_fields();
  auto& family = *point.add_tag_families();
  for (const auto& tag : tags) SetTag(*family.add_tags(), tag);
  for (const auto& field : fields) SetField(*point.add_fields(), field);
}

}  // namespace

TEST_CASE("a row carries its key, hashes, time and version", "[ingest][session]") {
  Stream stream;
  Request request = Stream::Right();
  request.mutable_data_point()->set_version(77);
  Accept(stream, request);
  const KeyedRows& batch = Batch(stream);
  const std::vector<TagValue> entity = {std::string("svc-1")};
  REQUIRE(batch.group == stream.registry.Current()->FindGroup("g")->group_id);
  REQUIRE(batch.schema_revision == stream.Measure().mod_revision);
  REQUIRE(batch.rows.subject == stream.Measure().subject_id);
  REQUIRE(batch.rows.timestamps == std::vector{kStreamNow});
  REQUIRE(batch.rows.versions == std::vector<int64_t>{77});
  REQUIRE(batch.series_key(0) == *EncodeSeriesKey("m", entity));
  REQUIRE(batch.rows.series[0] == SeriesIdOf(batch.series_key(0)));
  REQUIRE(batch.series_checks[0] == SeriesCheckOf(batch.series_key(0)));
  for (const uint32_t shards : {1u, 2u, 7u}) {
    REQUIRE(ShardId(static_cast<uint32_t>(batch.shard_hashes[0] % shards)) ==
            ShardOf("m", entity, shards));
  }
  REQUIRE(stream.sink.bytes() > 0);
}

TEST_CASE("columns of a batch are the live ones of the schema, ascending", "[ingest][session]") {
  Stream stream;
  SchemaObject changed = ProposeMeasure("g", "m");
  std::get<MeasureSchema>(changed.view).families[0].tags[1].type = TagType::kInt;
  std::get<MeasureSchema>(changed.view)
      .fields.erase(std::get<MeasureSchema>(changed.view).fields.begin());
  stream.Update(changed);
  Accept(stream, Stream::Right());
  std::vector<ColumnId> columns;
  for (const auto& column : Batch(stream).rows.columns) columns.push_back(column.id());
  REQUIRE(columns == std::vector{ColumnId(2), ColumnId(4), ColumnId(5)});
}

TEST_CASE("every kind of value arrives as it was sent", "[ingest][session]") {
  Stream stream;
  SchemaObject all = ProposeMeasure("g", "all");
  auto& measure = std::get<MeasureSchema>(all.view);
  measure.families = {{"default",
                       {{"id", TagType::kString, kNoColumn},
                        {"text", TagType::kString, kNoColumn},
                        {"number", TagType::kInt, kNoColumn},
                        {"texts", TagType::kStringArray, kNoColumn},
                        {"numbers", TagType::kIntArray, kNoColumn},
                        {"bytes", TagType::kBinary, kNoColumn},
                        {"time", TagType::kTimestamp, kNoColumn}}}};
  measure.fields = {{"f_text", FieldType::kString, 1, 1, kNoColumn},
                    {"f_number", FieldType::kInt, 1, 1, kNoColumn},
                    {"f_bytes", FieldType::kBinary, 1, 1, kNoColumn},
                    {"f_real", FieldType::kFloat, 1, 1, kNoColumn}};
  stream.Create(all);
  Request request = Stream::Right();
  request.mutable_metadata()->set_name("all");
  const std::vector<TagValue> tags = {
      std::string("e"),         std::string("a|b\\"),           std::numeric_limits<int64_t>::min(),
      Strings{"x", "", "z"},    std::vector<int64_t>{-1, 0, 1}, Binary{std::string("\0\xff", 2)},
      Timestamp{kStreamNow + 1}};
  const std::vector<TagValue> fields = {std::string(""), int64_t{-1}, Binary{"b"}, -0.0};
  SetValues(request, tags, fields);
  Accept(stream, request);
  const auto& columns = Batch(stream).rows.columns;
  REQUIRE(columns.size() == 10);
  for (size_t i = 1; i < tags.size(); ++i) REQUIRE(ValueAt(columns[i - 1], 0) == tags[i]);
  for (size_t i = 0; i < fields.size(); ++i) REQUIRE(ValueAt(columns[i + 6], 0) == fields[i]);
  REQUIRE(columns[9].word(0) == std::bit_cast<uint64_t>(-0.0));
}

TEST_CASE("a float keeps every bit, a NaN's too", "[ingest][session]") {
  Stream stream;
  Request request = Stream::Right();
  const uint64_t bits = 0x7ff8dead'beef0001;
  SetField(*request.mutable_data_point()->mutable_fields(1), std::bit_cast<double>(bits));
  Accept(stream, request);
  REQUIRE(Batch(stream).rows.columns.back().word(0) == bits);
}

TEST_CASE("a message id beyond int64 is a version all the same", "[ingest][session]") {
  Stream stream;
  Request request = Stream::Right();
  request.set_message_id(std::numeric_limits<uint64_t>::max());
  Accept(stream, request);
  REQUIRE(Batch(stream).rows.versions[0] == -1);
}

TEST_CASE("metadata stays in force until other metadata comes", "[ingest][session][sticky]") {
  Stream stream;
  stream.Create(ProposeMeasure("g", "n"));
  Accept(stream, Stream::Right());
  Accept(stream, Bare(10));
  const auto first = stream.session.metadata();
  Request other = Stream::Right();
  other.mutable_metadata()->set_name("n");
  Accept(stream, other);
  Accept(stream, Bare(11));
  Accept(stream, Stream::Right());
  REQUIRE(stream.sink.batches().size() == 2);
  REQUIRE(Batch(stream, 0).rows.versions == std::vector<int64_t>{9, 10, 9});
  REQUIRE(Batch(stream, 0).ordinals == std::vector<uint32_t>{0, 1, 4});
  REQUIRE(Batch(stream, 1).rows.versions == std::vector<int64_t>{9, 11});
  REQUIRE(Batch(stream, 1).ordinals == std::vector<uint32_t>{2, 3});
  REQUIRE(first->name == "m");
}

TEST_CASE("metadata that says the same again is the same object", "[ingest][session][sticky]") {
  Stream stream;
  Request request = Stream::Right();
  request.mutable_metadata()->set_id(3);
  request.mutable_metadata()->set_create_revision(4);
  request.mutable_metadata()->set_mod_revision(stream.Measure().mod_revision);
  Accept(stream, request);
  const auto first = stream.session.metadata();
  REQUIRE(*first == WriteMetadata{"g", "m", 3, 4, stream.Measure().mod_revision});
  Accept(stream, request);
  REQUIRE(stream.session.metadata() == first);
  request.mutable_metadata()->set_mod_revision(0);
  Accept(stream, request);
  REQUIRE(stream.session.metadata()->mod_revision == 0);
}

TEST_CASE("metadata counts even when its own row is refused", "[ingest][session][sticky]") {
  Stream stream;
  Request request = Stream::Right();
  Stream::SetTime(request, kStreamNow + 1);
  REQUIRE(stream.Write(request)->status == WriteStatus::kInvalidTimestamp);
  Accept(stream, Bare(10));
}

TEST_CASE("a spec gives tags and fields any order", "[ingest][session][spec]") {
  Stream stream;
  Request request = Stream::Right();
  SetSpec(request, "default", {"count", "id"}, {"rate", "value"});
  SetValues(request, {int64_t{8}, std::string("svc-2")}, {1.5, int64_t{6}});
  Accept(stream, request);
  REQUIRE(Batch(stream).series_key(0) == *EncodeSeriesKey("m", {std::string("svc-2")}));
  REQUIRE(stream.ValueOf("count") == TagValue(int64_t{8}));
  REQUIRE(stream.ValueOf("layer") == TagValue(Null{}));
  REQUIRE(stream.ValueOf("value") == TagValue(int64_t{6}));
  REQUIRE(stream.ValueOf("rate") == TagValue(1.5));
}

TEST_CASE("a spec gives families any order, and the last of equal names counts",
          "[ingest][session][spec]") {
  Stream stream;
  SchemaObject two = ProposeMeasure("g", "two");
  std::get<MeasureSchema>(two.view).families.push_back(
      {"more", {{"extra", TagType::kInt, kNoColumn}}});
  stream.Create(two);
  Request request = Stream::Right();
  request.mutable_metadata()->set_name("two");
  SetSpec(request, "more", {"extra", "extra"}, {"value", "value"});
  SetSpec(request, "default", {"id"}, {});
  auto& point = *request.mutable_data_point();
  point.clear_tag_families();
  auto& more = *point.add_tag_families();
  SetTag(*more.add_tags(), int64_t{1});
  SetTag(*more.add_tags(), int64_t{2});
  SetTag(*point.add_tag_families()->add_tags(), std::string("e"));
  point.clear_fields();
  SetField(*point.add_fields(), int64_t{3});
  SetField(*point.add_fields(), int64_t{4});
  Accept(stream, request);
  const auto& rows = Batch(stream).rows;
  const SchemaObject& measure = stream.Measure("two");
  const ColumnId extra = measure.measure().families[1].tags[0].column;
  REQUIRE(rows.FindColumn(extra)->int64(0) == 2);
  REQUIRE(rows.FindColumn(measure.measure().fields[0].column)->int64(0) == 4);
  REQUIRE(Batch(stream).series_key(0) == *EncodeSeriesKey("two", {std::string("e")}));
}

TEST_CASE("a spec stays in force, also when the metadata changes", "[ingest][session][spec]") {
  Stream stream;
  stream.Create(ProposeMeasure("g", "n"));
  Request first = Stream::Right();
  SetSpec(first, "default", {"layer", "id"}, {"rate"});
  SetValues(first, {std::string("a"), std::string("svc")}, {2.5});
  Accept(stream, first);
  Request second = first;
  second.clear_data_point_spec();
  second.clear_metadata();
  Accept(stream, second);
  Request third = second;
  *third.mutable_metadata() = Stream::Right().metadata();
  third.mutable_metadata()->set_name("n");
  Accept(stream, third);
  REQUIRE(Batch(stream, 0).rows.rows() == 2);
  REQUIRE(stream.ValueOf("layer", 1) == TagValue(std::string("a")));
  REQUIRE(stream.ValueOf("rate", 1) == TagValue(2.5));
  REQUIRE(Batch(stream, 1).series_key(0) == *EncodeSeriesKey("n", {std::string("svc")}));
}

TEST_CASE("another spec for the same measure counts from its message on",
          "[ingest][session][spec]") {
  Stream stream;
  Accept(stream, Stream::Right());
  for (const bool turned : {false, true, false}) {
    Request request = Bare(10);
    const TagValue layer = std::string("l");
    const TagValue id = std::string("svc");
    SetSpec(request, "default", turned ? Strings{"layer", "id"} : Strings{"id", "layer"}, {});
    SetValues(request, {turned ? layer : id, turned ? id : layer}, {});
    Accept(stream, request);
  }
  for (size_t row = 1; row < 4; ++row) {
    REQUIRE(Batch(stream).series_key(row) == *EncodeSeriesKey("m", {std::string("svc")}));
    REQUIRE(stream.ValueOf("layer", row) == TagValue(std::string("l")));
  }
}

TEST_CASE("measures that take turns, each with its own spec, do not mix their positions",
          "[ingest][session][spec]") {
  Stream stream;
  stream.Create(ProposeMeasure("g", "n"));
  for (int round = 0; round < 3; ++round) {
    Request request = Stream::Right();
    SetSpec(request, "default", {"id", "layer"}, {"value"});
    SetValues(request, {std::string("svc-m"), std::string("l")}, {int64_t{round}});
    Accept(stream, request);
    request = Stream::Right();
    request.mutable_metadata()->set_name("n");
    SetSpec(request, "default", {"layer", "id"}, {"rate"});
    SetValues(request, {std::string("l"), std::string("svc-n")}, {0.5 * round});
    Accept(stream, request);
  }
  for (size_t row = 0; row < 3; ++row) {
    REQUIRE(Batch(stream, 0).series_key(row) == *EncodeSeriesKey("m", {std::string("svc-m")}));
    REQUIRE(Batch(stream, 1).series_key(row) == *EncodeSeriesKey("n", {std::string("svc-n")}));
    REQUIRE(stream.ValueOf("value", row) == TagValue(static_cast<int64_t>(row)));
  }
}

TEST_CASE("the sharding key decides the shard and nothing else", "[ingest][session]") {
  Stream stream;
  const std::vector<std::pair<TagValue, TagType>> values = {
      {std::string("mesh"), TagType::kString},
      {int64_t{-5}, TagType::kInt},
      {Binary{"b"}, TagType::kBinary},
      {Strings{"x", "y"}, TagType::kStringArray},
      {std::vector<int64_t>{1, -1}, TagType::kIntArray},
      {Timestamp{kStreamNow}, TagType::kTimestamp},
      {Null{}, TagType::kString}};
  for (size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    const std::string name = "s" + std::to_string(i);
    SchemaObject sharded = ProposeMeasure("g", name);
    auto& measure = std::get<MeasureSchema>(sharded.view);
    measure.families[0].tags[1].type = values[i].second;
    measure.sharding_key = {"layer"};
    stream.Create(sharded);
    Request request = Stream::Right();
    request.mutable_metadata()->set_name(name);
    SetTag(*request.mutable_data_point()->mutable_tag_families(0)->mutable_tags(1),
           values[i].first);
    Accept(stream, request);
    const KeyedRows& batch = Batch(stream, i);
    REQUIRE(ShardId(static_cast<uint32_t>(batch.shard_hashes[0] % 1000)) ==
            ShardOf(name, {values[i].first}, 1000));
    REQUIRE(batch.series_key(0) == *EncodeSeriesKey(name, {std::string("svc-1")}));
  }
}

TEST_CASE("an entity tag that the schema does not have is left out of the key",
          "[ingest][session]") {
  Stream stream;
  SchemaObject ghost = ProposeMeasure("g", "ghost");
  std::get<MeasureSchema>(ghost.view).entity = {"missing", "id"};
  stream.Create(ghost);
  Request request = Stream::Right();
  request.mutable_metadata()->set_name("ghost");
  Accept(stream, request);
  SetSpec(request, "default", {"id"}, {});
  Accept(stream, request);
  for (size_t row = 0; row < 2; ++row) {
    REQUIRE(Batch(stream).series_key(row) == *EncodeSeriesKey("ghost", {std::string("svc-1")}));
  }
}

TEST_CASE("a schema that changes inside a stream is followed at once", "[ingest][session]") {
  Stream stream;
  Accept(stream, Stream::Right());
  SchemaObject changed = ProposeMeasure("g", "m");
  std::get<MeasureSchema>(changed.view)
      .fields.push_back({"added", FieldType::kInt, 1, 1, kNoColumn});
  stream.Update(changed);
  Request request = Bare(10);
  SetField(*request.mutable_data_point()->add_fields(), int64_t{4});
  Accept(stream, request);
  REQUIRE(stream.sink.batches().size() == 2);
  REQUIRE(Batch(stream, 0).rows.columns.size() == 4);
  REQUIRE(Batch(stream, 1).rows.columns.size() == 5);
  REQUIRE(Batch(stream, 1).rows.columns[4].int64(0) == 4);
  REQUIRE(Batch(stream, 1).schema_revision == stream.Measure().mod_revision);
}

TEST_CASE("a change elsewhere in the schema keeps a measure's batch", "[ingest][session]") {
  Stream stream;
  Accept(stream, Stream::Right());
  stream.Create(ProposeMeasure("g", "n"));
  Accept(stream, Bare(10));
  REQUIRE(stream.sink.batches().size() == 1);
}

TEST_CASE("a deleted measure refuses its rows, one created again has another subject",
          "[ingest][session]") {
  Stream stream;
  Accept(stream, Stream::Right());
  const SubjectId before = stream.Measure().subject_id;
  stream.registry.Apply(
      stream.registry.PrepareDelete(ProposeMeasure("g", "m").key, kStreamNow).value());
  REQUIRE(stream.Write(Bare(10))->status == WriteStatus::kInternalError);
  stream.Create(ProposeMeasure("g", "m"));
  Accept(stream, Bare(11));
  REQUIRE(Batch(stream, 1).rows.subject == stream.Measure().subject_id);
  REQUIRE(stream.Measure().subject_id != before);
}

TEST_CASE("a group whose data was deleted gets its rows under its new id", "[ingest][session]") {
  Stream stream;
  Accept(stream, Stream::Right());
  stream.registry.Apply(
      stream.registry.PrepareDeleteGroup("g", GroupDeletion::kDataOnly, kStreamNow, stream.random)
          .value());
  Accept(stream, Bare(10));
  REQUIRE(stream.sink.batches().size() == 2);
  REQUIRE(Batch(stream, 0).group != Batch(stream, 1).group);
  REQUIRE(Batch(stream, 1).group == stream.registry.Current()->FindGroup("g")->group_id);
}

TEST_CASE("taking the rows begins new batches", "[ingest][session][sink]") {
  Stream stream;
  Accept(stream, Stream::Right());
  auto rows = stream.sink.Take();
  REQUIRE(rows.size() == 1);
  REQUIRE(rows[0].rows.rows() == 1);
  REQUIRE(stream.sink.empty());
  REQUIRE(stream.sink.bytes() == 0);
  Accept(stream, Bare(10));
  REQUIRE(Batch(stream).rows.versions == std::vector<int64_t>{10});
  REQUIRE(Batch(stream).ordinals == std::vector<uint32_t>{0});
}

TEST_CASE("streams that share a sink share its batches", "[ingest][session][sink]") {
  Stream stream;
  MeasureWriteSession other({});
  Accept(stream, Stream::Right());
  const std::string bytes = Stream::Right().SerializeAsString();
  REQUIRE(other.Write(bytes, stream.registry.Current(), kStreamNow, stream.sink));
  REQUIRE(stream.sink.batches().size() == 1);
  REQUIRE(Batch(stream).ordinals == std::vector<uint32_t>{0, 1});

  RowSink elsewhere;
  REQUIRE(other.Write(bytes, stream.registry.Current(), kStreamNow, elsewhere));
  REQUIRE(elsewhere.rows() == 1);
  REQUIRE(stream.sink.rows() == 2);
}

TEST_CASE("a full sink must be taken first", "[ingest][session][sink]") {
  Stream stream({.future_nanos_max = kNanosPerDay, .sink_bytes_max = 50});
  Accept(stream, Stream::Right());
  const auto refused = stream.Write(Bare(10));
  REQUIRE_FALSE(refused);
  REQUIRE(refused.error().code == ErrorCode::kResourceExhausted);
  stream.sink.Take();
  Accept(stream, Bare(11));
}

TEST_CASE("the sink's bytes are about what its rows take", "[ingest][session][sink]") {
  Stream stream;
  for (int i = 0; i < 1000; ++i) Accept(stream, Stream::Right());
  const size_t memory = Batch(stream).MemoryBytes();
  REQUIRE(stream.sink.bytes() > memory / 2);
  REQUIRE(stream.sink.bytes() < memory * 2);
}

TEST_CASE("the error without metadata has BanyanDB's text", "[ingest][session]") {
  Stream stream;
  REQUIRE(stream.Write(Bare(1)).error() ==
          Error{ErrorCode::kUnknown, "metadata is required for the first request of gRPC stream"});
}

}  // namespace ficus
