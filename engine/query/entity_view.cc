#include "engine/query/entity_view.h"

#include <utility>

#include "engine/model/entity.h"

namespace ficus {
namespace {

// Bytes up to and including the next delimiter; 0 when there is none.
size_t EncodedLength(std::string_view rest) {
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '|') return i + 1;
    if (rest[i] == '\\') ++i;
  }
  return 0;
}

// Type byte and delimiter: nothing in between.
constexpr size_t kEmptyValueBytes = 2;
constexpr char kStringByte = 1;
constexpr char kIntByte = 2;

}  // namespace

Result<> EntityView::Assign(std::string_view key) {
  values_.clear();
  const Error damaged{ErrorCode::kCorruption, "series key: value without end"};
  size_t length = EncodedLength(key);
  if (length == 0) return damaged;
  key.remove_prefix(length);
  while (!key.empty()) {
    length = EncodedLength(key.substr(1));
    if (length == 0) return damaged;
    values_.push_back(key.substr(0, length + 1));
    key.remove_prefix(length + 1);
  }
  return Ok();
}

bool EntityView::IsNull(size_t position) const {
  return values_[position].size() == kEmptyValueBytes && values_[position].front() != kIntByte;
}

Result<TagValue> EntityView::Decode(size_t position) const {
  // A key with an empty subject and this one value.
  std::string key = "|";
  key += values_[position];
  ASSIGN_OR_RETURN(DecodedSeriesKey decoded, DecodeSeriesKey(key));
  return std::move(decoded.entity.front());
}

Result<> EntityView::AppendTo(ColumnValues& column, size_t position) const {
  if (position >= values_.size()) {
    return Error{ErrorCode::kCorruption, "a series key has too few values"};
  }
  const std::string_view encoded = values_[position];
  const bool is_plain_text = encoded.front() == kStringByte &&
                             column.type() == ColumnType::kString &&
                             encoded.find('\\') == std::string_view::npos;
  if (is_plain_text && encoded.size() > kEmptyValueBytes) {
    column.AppendCell(encoded.substr(1, encoded.size() - kEmptyValueBytes));
    return Ok();
  }
  ASSIGN_OR_RETURN(const TagValue value, Decode(position));
  AppendValue(column, value);
  return Ok();
}

Result<std::string> EncodeEntityValue(const TagValue& value) {
  ASSIGN_OR_RETURN(std::string key, EncodeSeriesKey({}, {value}));
  return key.substr(1);
}

Result<std::string> SeriesKeyOf(std::string_view subject,
                                const std::vector<std::string_view>& encoded_values) {
  ASSIGN_OR_RETURN(std::string key, EncodeSeriesKey(subject, {}));
  for (const std::string_view value : encoded_values) key += value;
  return key;
}

}  // namespace ficus
