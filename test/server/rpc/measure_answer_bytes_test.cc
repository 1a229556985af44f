#include "server/rpc/measure_answer_bytes.h"

#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>
#include <grpcpp/impl/codegen/proto_utils.h>

#include "engine/base/random.h"
#include "engine/model/tag_value.h"
#include "server/rpc/timestamp_convert.h"
#include "test/server/ingest/stream.h"

namespace ficus {
namespace {

namespace measure = banyandb::measure::v1;
namespace model = banyandb::model::v1;

// --- The plain version: the same answer in the generated classes -------------------------------

// Of strings and bytes null cannot be told from empty.
TagValue Answered(ColumnType type, TagValue value) {
  if (!std::holds_alternative<Null>(value)) return value;
  if (type == ColumnType::kString) return std::string();
  if (type == ColumnType::kBinary) return Binary{};
  return value;
}

void AddRows(const MeasureRowShape& shape, const MeasureRowBatch& rows,
             measure::QueryResponse& response) {
  for (size_t row = 0; row < rows.rows; ++row) {
    measure::DataPoint& point = *response.add_data_points();
    if (shape.has_header) {
      ficus::ToMessage(rows.timestamps[row], *point.mutable_timestamp());
      point.set_sid(rows.series[row].value());
      point.set_version(rows.versions[row]);
    }
    size_t column = 0;
    for (const FamilyTags& family : shape.tags) {
      model::TagFamily& made = *point.add_tag_families();
      made.set_name(family.family);
      for (const std::string& name : family.tags) {
        model::Tag& tag = *made.add_tags();
        tag.set_key(name);
        const AnswerColumn& from = rows.tags[column++];
        SetTag(*tag.mutable_value(), ValueAt(from.values, from.PlaceOf(row)));
      }
    }
    for (size_t i = 0; i < shape.fields.size(); ++i) {
      measure::DataPoint::Field& field = *point.add_fields();
      field.set_name(shape.fields[i]);
      const AnswerColumn& from = rows.fields[i];
      SetField(*field.mutable_value(),
               Answered(from.values.type(), ValueAt(from.values, from.PlaceOf(row))));
    }
  }
}

// --- Answers of all kinds -----------------------------------------------------------------------

class AnswerMaker {
 public:
  explicit AnswerMaker(uint64_t seed) : random_(seed) {}

  MeasureRowShape Shape() {
    MeasureRowShape shape;
    shape.has_header = Below(2) == 0;
    for (uint64_t family = Below(3); family > 0; --family) {
      shape.tags.push_back({Name(), {}});
      for (uint64_t tag = Below(5); tag > 0; --tag) shape.tags.back().tags.push_back(Name());
    }
    for (uint64_t field = Below(5); field > 0; --field) shape.fields.push_back(Name());
    return shape;
  }

  MeasureRowBatch Rows(const MeasureRowShape& shape) {
    MeasureRowBatch batch;
    batch.rows = 1 + Below(kMeasureRowBatchMax);
    for (size_t row = 0; shape.has_header && row < batch.rows; ++row) {
      batch.timestamps.push_back(Number());
      batch.series.emplace_back(static_cast<uint64_t>(Number()));
      batch.versions.push_back(Number());
    }
    for (const FamilyTags& family : shape.tags) {
      for (size_t i = 0; i < family.tags.size(); ++i) {
        batch.tags.push_back(Column(kTagTypes[Below(std::size(kTagTypes))], batch.rows));
      }
    }
    for (size_t i = 0; i < shape.fields.size(); ++i) {
      batch.fields.push_back(Column(kFieldTypes[Below(std::size(kFieldTypes))], batch.rows));
    }
    return batch;
  }

 private:
  static constexpr ColumnType kTagTypes[] = {ColumnType::kInt64,       ColumnType::kString,
                                             ColumnType::kBinary,      ColumnType::kTimestamp,
                                             ColumnType::kStringArray, ColumnType::kInt64Array};
  static constexpr ColumnType kFieldTypes[] = {ColumnType::kInt64, ColumnType::kFloat64,
                                               ColumnType::kString, ColumnType::kBinary};

  uint64_t Below(uint64_t bound) { return random_.Next() % bound; }
  // Of any size, the ends and zero often.
  int64_t Number() {
    switch (Below(6)) {
      case 0:
        return 0;
      case 1:
        return std::numeric_limits<int64_t>::min();
      case 2:
        return std::numeric_limits<int64_t>::max();
      default:
        return static_cast<int64_t>(random_.Next()) >> Below(64);
    }
  }
  double Float() {
    switch (Below(4)) {
      case 0:
        return -0.0;
      case 1:
        return std::numeric_limits<double>::quiet_NaN();
      default:
        return static_cast<double>(Number()) / 3;
    }
  }
  std::string Text() { return std::string(Below(8) == 0 ? Below(300) : Below(12), 'x'); }
  std::string Name() { return Below(10) == 0 ? "" : std::string(1 + Below(200), 'n'); }

  TagValue Value(ColumnType type) {
    if (Below(5) == 0) return Null{};
    switch (type) {
      case ColumnType::kInt64:
        return Number();
      case ColumnType::kFloat64:
        return Float();
      case ColumnType::kString:
        return Text();
      case ColumnType::kBinary:
        return Binary{std::string(Below(40), '\xff')};
      case ColumnType::kTimestamp:
        return Timestamp{Number()};
      case ColumnType::kStringArray: {
        std::vector<std::string> texts(Below(5));
        for (std::string& text : texts) text = Text();
        return texts;
      }
      case ColumnType::kInt64Array: {
        std::vector<int64_t> numbers(Below(5));
        for (int64_t& number : numbers) number = Number();
        return numbers;
      }
    }
    return Null{};
  }

  AnswerColumn Column(ColumnType type, size_t rows) {
    AnswerColumn column{ColumnValues(ColumnId(1), type), {}};
    const bool is_shared = Below(3) == 0;
    const size_t values = is_shared ? 1 + Below(3) : rows;
    for (size_t i = 0; i < values; ++i) AppendValue(column.values, Value(type));
    for (size_t row = 0; is_shared && row < rows; ++row) {
      column.places.push_back(static_cast<uint32_t>(Below(values)));
    }
    return column;
  }

  SeededRandom random_;
};

// A call that is over when it goes out of scope.
struct Call final : CallMemory {
  grpc::ByteBuffer response;
};

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  REQUIRE(buffer.DumpToSingleSlice(&slice).ok());
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

TEST_CASE("an answer is byte for byte what the generated classes would write", "[rpc][measure]") {
  MemoryLedger ledger(size_t{1} << 30);
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    AnswerMaker maker(seed);
    const MeasureRowShape shape = maker.Shape();
    MeasureAnswerBytes answer(ledger);
    measure::QueryResponse expected;
    for (uint64_t batches = seed % 4; batches > 0; --batches) {
      const MeasureRowBatch batch = maker.Rows(shape);
      REQUIRE(answer.AddRows(shape, batch).has_value());
      AddRows(shape, batch, expected);
    }
    measure::QueryResponse rest;
    (*rest.mutable_group_statuses())["g"] = model::STATUS_NOT_FOUND;
    rest.mutable_trace()->set_trace_id("t");
    REQUIRE(answer.Add(rest).has_value());
    expected.MergeFrom(rest);
    Call call;
    answer.Give(call.response, call);
    const std::string bytes = BytesOf(call.response);
    REQUIRE((bytes == expected.SerializeAsString()));
    REQUIRE(ledger.used_bytes(MemoryConsumer::kQueries) >= bytes.size());
    // What writers are answered from is not for clients that ask and do not read.
    REQUIRE(ledger.used_bytes(MemoryConsumer::kReplies) == 0);
  }
  REQUIRE(ledger.used_bytes() == 0);
}

TEST_CASE("an answer without anything is an empty message", "[rpc][measure]") {
  MemoryLedger ledger(1 << 20);
  MeasureAnswerBytes answer(ledger);
  REQUIRE(answer.Add({}).has_value());
  Call call;
  answer.Give(call.response, call);
  REQUIRE(BytesOf(call.response).empty());
}

MeasureRowBatch OneCellForAll(size_t rows, size_t cell_bytes) {
  MeasureRowBatch batch;
  batch.rows = rows;
  AnswerColumn column{ColumnValues(ColumnId(1), ColumnType::kString), {}};
  column.values.AppendCell(std::string(cell_bytes, 'x'));
  column.places.assign(rows, 0);
  batch.fields.push_back(std::move(column));
  return batch;
}

TEST_CASE("an answer that finds no room is refused before it is made", "[rpc][measure][limits]") {
  MemoryLedger ledger(1'000'000);
  MeasureAnswerBytes answer(ledger);
  const MeasureRowShape shape{{}, {"text"}, false};
  REQUIRE(answer.AddRows(shape, OneCellForAll(5, 100'000)).has_value());
  const size_t held = ledger.used_bytes(MemoryConsumer::kQueries);
  REQUIRE(held >= 500'000);
  const Result<> refused = answer.AddRows(shape, OneCellForAll(5, 100'000));
  REQUIRE_FALSE(refused.has_value());
  REQUIRE(refused.error().code == ErrorCode::kResourceExhausted);
  REQUIRE(ledger.used_bytes(MemoryConsumer::kQueries) == held);
}

TEST_CASE("an answer beyond what a message can be is refused", "[rpc][measure][limits]") {
  MemoryLedger ledger(size_t{100} << 30);
  MeasureAnswerBytes answer(ledger);
  const MeasureRowShape shape{{}, {"text"}, false};
  const Result<> refused = answer.AddRows(shape, OneCellForAll(512, size_t{5} << 20));
  REQUIRE_FALSE(refused.has_value());
  REQUIRE(refused.error().code == ErrorCode::kResourceExhausted);
  REQUIRE(refused.error().message.find("fewer rows") != std::string::npos);
  REQUIRE(ledger.used_bytes() == 0);
}

}  // namespace
}  // namespace ficus
