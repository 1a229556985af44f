#include "server/rpc/measure_answer_bytes.h"

#include <string>
#include <string_view>
#include <utility>

#include "engine/base/check.h"
#include "engine/model/tag_value.h"
#include "server/rpc/timestamp_convert.h"
#include "server/rpc/wire_writer.h"

namespace ficus {
namespace {

namespace measure = banyandb::measure::v1;
namespace model = banyandb::model::v1;

// Of the fields that are written here all numbers are below 16, so that their heads take one byte.
constexpr size_t kNumberFieldMax = 1 + kVarintBytesMax;
// The head of a message or a string below kAnswerBytesMax.
constexpr size_t kHeadMax = 1 + 5;
constexpr size_t kTimestampMax = kHeadMax + 2 * kNumberFieldMax;

// Bytes of a value without its cell: the heads of the value and of the message in it, and a number
// or a timestamp.
constexpr size_t kValueMax = 2 * kHeadMax + kTimestampMax;

// Bytes that the cell at `place` becomes at most; no fixed type has cells.
size_t CellMax(const ColumnValues& values, size_t place) {
  const size_t cell = values.cell(place).size();
  switch (values.type()) {
    case ColumnType::kStringArray:  // an element has its length in its cell, and here one byte more
      return 2 * cell;
    case ColumnType::kInt64Array:
      return cell / sizeof(int64_t) * kVarintBytesMax;
    default:
      return cell;
  }
}

// What every row of the batch takes, but for its cells.
size_t RowMax(const MeasureRowShape& shape) {
  size_t bytes = kHeadMax;
  if (shape.has_header) bytes += kTimestampMax + 2 * kNumberFieldMax;
  for (const FamilyTags& family : shape.tags) {
    bytes += 2 * kHeadMax + family.family.size();
    for (const std::string& name : family.tags) bytes += 2 * kHeadMax + name.size() + kValueMax;
  }
  for (const std::string& name : shape.fields) bytes += 2 * kHeadMax + name.size() + kValueMax;
  return bytes;
}

size_t CellsMax(const std::vector<AnswerColumn>& columns, size_t rows) {
  size_t bytes = 0;
  for (const AnswerColumn& column : columns) {
    if (IsFixed(column.values.type())) continue;
    for (size_t row = 0; row < rows; ++row) bytes += CellMax(column.values, column.PlaceOf(row));
  }
  return bytes;
}

void PutTimestamp(WireWriter& out, uint32_t field, UnixNanos nanos) {
  const SecondsAndNanos time = Split(nanos);
  const size_t before = out.size();
  out.PutNumberUnlessZero(google::protobuf::Timestamp::kNanosFieldNumber,
                          static_cast<uint64_t>(time.nanos));
  out.PutNumberUnlessZero(google::protobuf::Timestamp::kSecondsFieldNumber,
                          static_cast<uint64_t>(time.seconds));
  out.PutMessage(field, before);
}

// model.v1.Str
void PutString(WireWriter& out, uint32_t field, std::string_view text) {
  const size_t before = out.size();
  out.PutBytesUnlessEmpty(model::Str::kValueFieldNumber, text);
  out.PutMessage(field, before);
}

// model.v1.Int
void PutInt(WireWriter& out, uint32_t field, int64_t value) {
  const size_t before = out.size();
  out.PutNumberUnlessZero(model::Int::kValueFieldNumber, static_cast<uint64_t>(value));
  out.PutMessage(field, before);
}

// model.v1.Float, to the bit.
void PutFloat(WireWriter& out, uint32_t field, uint64_t word) {
  const size_t before = out.size();
  if (word != 0) out.PutFixed64(model::Float::kValueFieldNumber, word);
  out.PutMessage(field, before);
}

// model.v1.StrArray
void PutStrings(WireWriter& out, uint32_t field, std::string_view cell) {
  std::vector<std::string> elements;
  CHECK(DecodeStringArray(cell, elements)) << "an array of an answer";
  const size_t before = out.size();
  for (auto element = elements.rbegin(); element != elements.rend(); ++element) {
    out.PutBytes(model::StrArray::kValueFieldNumber, *element);
  }
  out.PutMessage(field, before);
}

// model.v1.IntArray
void PutInts(WireWriter& out, uint32_t field, std::string_view cell) {
  std::vector<int64_t> elements;
  CHECK(DecodeInt64Array(cell, elements)) << "an array of an answer";
  const size_t before = out.size();
  for (auto element = elements.rbegin(); element != elements.rend(); ++element) {
    out.PutVarint(static_cast<uint64_t>(*element));
  }
  if (!elements.empty()) out.PutMessage(model::IntArray::kValueFieldNumber, before);
  out.PutMessage(field, before);
}

// model.v1.TagValue, without its head.
void PutTagValue(WireWriter& out, const ColumnValues& values, size_t place) {
  using Tag = model::TagValue;
  if (values.IsNull(place)) return out.PutNumber(Tag::kNullFieldNumber, 0);
  switch (values.type()) {
    case ColumnType::kInt64:
      return PutInt(out, Tag::kIntFieldNumber, values.int64(place));
    case ColumnType::kString:
      return PutString(out, Tag::kStrFieldNumber, values.cell(place));
    case ColumnType::kBinary:
      return out.PutBytes(Tag::kBinaryDataFieldNumber, values.cell(place));
    case ColumnType::kTimestamp:
      return PutTimestamp(out, Tag::kTimestampFieldNumber, values.int64(place));
    case ColumnType::kStringArray:
      return PutStrings(out, Tag::kStrArrayFieldNumber, values.cell(place));
    case ColumnType::kInt64Array:
      return PutInts(out, Tag::kIntArrayFieldNumber, values.cell(place));
    case ColumnType::kFloat64:  // no tag is a float
      return out.PutNumber(Tag::kNullFieldNumber, 0);
  }
}

// model.v1.FieldValue, without its head.
void PutFieldValue(WireWriter& out, const ColumnValues& values, size_t place) {
  using Field = model::FieldValue;
  // As BanyanDB: of strings and bytes null cannot be told from empty, which a null cell is.
  if (values.type() == ColumnType::kString) {
    PutString(out, Field::kStrFieldNumber, values.cell(place));
  } else if (values.type() == ColumnType::kBinary) {
    out.PutBytes(Field::kBinaryDataFieldNumber, values.cell(place));
  } else if (values.type() == ColumnType::kInt64 && !values.IsNull(place)) {
    PutInt(out, Field::kIntFieldNumber, values.int64(place));
  } else if (values.type() == ColumnType::kFloat64 && !values.IsNull(place)) {
    PutFloat(out, Field::kFloatFieldNumber, values.word(place));
  } else {  // no field is of another type
    out.PutNumber(Field::kNullFieldNumber, 0);
  }
}

void PutFields(WireWriter& out, const MeasureRowShape& shape, const MeasureRowBatch& rows,
               size_t row) {
  for (size_t i = shape.fields.size(); i-- > 0;) {
    const AnswerColumn& column = rows.fields[i];
    const size_t field = out.size();
    PutFieldValue(out, column.values, column.PlaceOf(row));
    out.PutMessage(measure::DataPoint::Field::kValueFieldNumber, field);
    out.PutBytesUnlessEmpty(measure::DataPoint::Field::kNameFieldNumber, shape.fields[i]);
    out.PutMessage(measure::DataPoint::kFieldsFieldNumber, field);
  }
}

void PutTags(WireWriter& out, const MeasureRowShape& shape, const MeasureRowBatch& rows,
             size_t row) {
  auto column = rows.tags.rbegin();
  for (auto family = shape.tags.rbegin(); family != shape.tags.rend(); ++family) {
    const size_t whole = out.size();
    for (auto name = family->tags.rbegin(); name != family->tags.rend(); ++name, ++column) {
      const size_t tag = out.size();
      PutTagValue(out, column->values, column->PlaceOf(row));
      out.PutMessage(model::Tag::kValueFieldNumber, tag);
      out.PutBytesUnlessEmpty(model::Tag::kKeyFieldNumber, *name);
      out.PutMessage(model::TagFamily::kTagsFieldNumber, tag);
    }
    out.PutBytesUnlessEmpty(model::TagFamily::kNameFieldNumber, family->family);
    out.PutMessage(measure::DataPoint::kTagFamiliesFieldNumber, whole);
  }
}

void PutRow(WireWriter& out, const MeasureRowShape& shape, const MeasureRowBatch& rows,
            size_t row) {
  const size_t before = out.size();
  if (shape.has_header) {
    out.PutNumberUnlessZero(measure::DataPoint::kVersionFieldNumber,
                            static_cast<uint64_t>(rows.versions[row]));
    out.PutNumberUnlessZero(measure::DataPoint::kSidFieldNumber, rows.series[row].value());
  }
  PutFields(out, shape, rows, row);
  PutTags(out, shape, rows, row);
  if (shape.has_header) {
    PutTimestamp(out, measure::DataPoint::kTimestampFieldNumber, rows.timestamps[row]);
  }
  out.PutMessage(measure::QueryResponse::kDataPointsFieldNumber, before);
}

}  // namespace

Result<> MeasureAnswerBytes::AddRows(const MeasureRowShape& shape, const MeasureRowBatch& rows) {
  const size_t bytes_max =
      rows.rows * RowMax(shape) + CellsMax(rows.tags, rows.rows) + CellsMax(rows.fields, rows.rows);
  RETURN_IF_ERROR(Charge(bytes_max));
  grpc_slice piece = grpc_slice_malloc(bytes_max);  // a short one has its bytes within
  WireWriter out(reinterpret_cast<char*>(GRPC_SLICE_START_PTR(piece)), bytes_max);
  for (size_t row = rows.rows; row-- > 0;) PutRow(out, shape, rows, row);
  const grpc::Slice whole(piece, grpc::Slice::STEAL_REF);
  pieces_.push_back(whole.sub(bytes_max - out.size(), bytes_max));
  return Ok();
}

Result<> MeasureAnswerBytes::Add(const measure::QueryResponse& rest) {
  const size_t bytes = rest.ByteSizeLong();
  RETURN_IF_ERROR(Charge(bytes));
  pieces_.emplace_back(rest.SerializeAsString());
  return Ok();
}

void MeasureAnswerBytes::Give(grpc::ByteBuffer& response, CallMemory& memory) {
  grpc::ByteBuffer(pieces_.data(), pieces_.size()).Swap(&response);
  memory.Keep(std::move(charged_));
  pieces_.clear();
}

Result<> MeasureAnswerBytes::Charge(size_t bytes) {
  if (charged_.bytes() + bytes > kAnswerBytesMax) {
    return Error{ErrorCode::kResourceExhausted,
                 "the answer is larger than a message can be; ask for fewer rows"};
  }
  ASSIGN_OR_RETURN(MemoryReservation more, ledger_.Reserve(MemoryConsumer::kQueries, bytes));
  charged_.Join(std::move(more));
  return Ok();
}

}  // namespace ficus
