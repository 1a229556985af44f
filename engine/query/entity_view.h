// The values of a series key without decoding them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/tag_value.h"

namespace ficus {

// Splits series keys into their encoded values: type byte and escaped bytes up to the delimiter
// (engine/model/entity.h). Two values are equal when their encoded forms are. One thread; reused
// for many keys so that nothing is allocated per series.
class EntityView {
 public:
  // kCorruption when `key` was not made by EncodeSeriesKey. `key` must outlive the view.
  Result<> Assign(std::string_view key);

  size_t size() const { return values_.size(); }
  std::string_view encoded(size_t position) const { return values_[position]; }
  // Null for an empty string, as everywhere an entity is read back.
  Result<TagValue> Decode(size_t position) const;
  // Appends the same; null where the column is of another type.
  Result<> AppendTo(ColumnValues& column, size_t position) const;
  bool IsNull(size_t position) const;

 private:
  std::vector<std::string_view> values_;
};

// The encoded form of one value, delimiter included; kInvalidArgument for what no entity can hold.
Result<std::string> EncodeEntityValue(const TagValue& value);

// The key of a series whose encoded values are given one after another.
Result<std::string> SeriesKeyOf(std::string_view subject,
                                const std::vector<std::string_view>& encoded_values);

}  // namespace ficus
