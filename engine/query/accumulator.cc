#include "engine/query/accumulator.h"

#include <cmath>
#include <type_traits>

#include "engine/base/check.h"

namespace ficus {
namespace {

template <typename T>
T FromWord(uint64_t word) {
  return std::bit_cast<T>(word);
}
template <typename T>
uint64_t ToWord(T value) {
  return std::bit_cast<uint64_t>(value);
}

// Calls `add` with the value of each row that counts. The plain loop is the one that matters.
template <typename T, typename Add>
void ForEachValue(const ColumnValues& column, size_t begin, size_t end, const uint8_t* matches,
                  const Add& add) {
  const uint64_t* words = column.words().data();
  const bool all_valid = column.validity().all_valid();
  if (all_valid && matches == nullptr) {
    for (size_t row = begin; row < end; ++row) add(FromWord<T>(words[row]));
    return;
  }
  for (size_t row = begin; row < end; ++row) {
    if (matches != nullptr && matches[row - begin] == 0) continue;
    if (!all_valid && column.IsNull(row)) continue;
    add(FromWord<T>(words[row]));
  }
}

uint64_t CountValues(const ColumnValues& column, size_t begin, size_t end, const uint8_t* matches) {
  if (column.validity().all_valid() && matches == nullptr) return end - begin;
  uint64_t count = 0;
  for (size_t row = begin; row < end; ++row) {
    const bool counts = !column.IsNull(row) && (matches == nullptr || matches[row - begin] != 0);
    count += counts ? 1 : 0;
  }
  return count;
}

void AddInts(Accumulator& accumulator, const ColumnValues& column, size_t begin, size_t end,
             const uint8_t* matches) {
  uint64_t sum = accumulator.word;
  // Null rows hold zero words: without a filter they need no test.
  if (matches == nullptr) {
    const uint64_t* words = column.words().data();
    for (size_t row = begin; row < end; ++row) sum += words[row];
  } else {
    ForEachValue<uint64_t>(column, begin, end, matches, [&](uint64_t value) { sum += value; });
  }
  accumulator.word = sum;
}

void AddDoubles(Accumulator& accumulator, const ColumnValues& column, size_t begin, size_t end,
                const uint8_t* matches) {
  double sum = FromWord<double>(accumulator.word);
  ForEachValue<double>(column, begin, end, matches, [&](double value) { sum += value; });
  accumulator.word = ToWord(sum);
}

// `before` says whether its first argument replaces the second.
template <typename T, typename Before>
void KeepExtreme(Accumulator& accumulator, const ColumnValues& column, size_t begin, size_t end,
                 const uint8_t* matches, const Before& before) {
  T extreme = FromWord<T>(accumulator.word);
  bool any = accumulator.count > 0;
  ForEachValue<T>(column, begin, end, matches, [&](T value) {
    if (!any || before(value, extreme)) extreme = value;
    any = true;
  });
  accumulator.word = ToWord(extreme);
}

template <typename T>
void KeepExtreme(Accumulator& accumulator, AggregationFunction function, const ColumnValues& column,
                 size_t begin, size_t end, const uint8_t* matches) {
  const auto replaces_nan = [](T value, T extreme) {
    if constexpr (std::is_floating_point_v<T>) return std::isnan(extreme) && !std::isnan(value);
    return false;
  };
  if (function == AggregationFunction::kMax) {
    KeepExtreme<T>(accumulator, column, begin, end, matches, [&](T value, T extreme) {
      return value > extreme || replaces_nan(value, extreme);
    });
  } else {
    KeepExtreme<T>(accumulator, column, begin, end, matches, [&](T value, T extreme) {
      return value < extreme || replaces_nan(value, extreme);
    });
  }
}

template <typename T>
void KeepBound(Accumulator& accumulator, AggregationFunction function, const BlockColumn& column) {
  const bool is_max = function == AggregationFunction::kMax;
  const T bound = FromWord<T>(is_max ? column.max_word : column.min_word);
  const T extreme = FromWord<T>(accumulator.word);
  // A bound is never NaN; what was kept so far may be.
  const bool replaces =
      accumulator.count == 0 || extreme != extreme || (is_max ? bound > extreme : bound < extreme);
  if (replaces) accumulator.word = ToWord(bound);
}

template <typename T>
TagValue FinishAs(const Accumulator& accumulator, AggregationFunction function) {
  const T value = FromWord<T>(accumulator.word);
  switch (function) {
    case AggregationFunction::kCount:
      return static_cast<T>(accumulator.count);
    case AggregationFunction::kSum:
      return value;
    case AggregationFunction::kMin:
    case AggregationFunction::kMax:
      if (accumulator.count == 0) return Null{};
      return value;
    case AggregationFunction::kMean: {
      if (accumulator.count == 0) return T{0};
      const T mean = value / static_cast<T>(accumulator.count);
      return mean < T{1} ? T{1} : mean;
    }
    case AggregationFunction::kUnspecified:
      break;
  }
  CHECK(false) << "aggregation function " << static_cast<int>(function);
  return Null{};
}

}  // namespace

void Accumulate(Accumulator& accumulator, AggregationFunction function, const ColumnValues& column,
                size_t begin, size_t end, const uint8_t* matches) {
  const bool is_int = column.type() == ColumnType::kInt64;
  switch (function) {
    case AggregationFunction::kSum:
    case AggregationFunction::kMean:
      if (is_int) {
        AddInts(accumulator, column, begin, end, matches);
      } else {
        AddDoubles(accumulator, column, begin, end, matches);
      }
      break;
    case AggregationFunction::kMin:
    case AggregationFunction::kMax:
      if (is_int) {
        KeepExtreme<int64_t>(accumulator, function, column, begin, end, matches);
      } else {
        KeepExtreme<double>(accumulator, function, column, begin, end, matches);
      }
      break;
    case AggregationFunction::kCount:
    case AggregationFunction::kUnspecified:
      break;
  }
  accumulator.count += CountValues(column, begin, end, matches);
}

bool AccumulateBounds(Accumulator& accumulator, AggregationFunction function,
                      const BlockColumn& column) {
  if (!column.has_bounds) return false;
  const bool is_int = column.type == ColumnType::kInt64;
  switch (function) {
    case AggregationFunction::kSum:
    case AggregationFunction::kMean:
      if (!is_int) return false;
      accumulator.word += column.sum_word;
      break;
    case AggregationFunction::kMin:
    case AggregationFunction::kMax:
      if (is_int) {
        KeepBound<int64_t>(accumulator, function, column);
      } else {
        KeepBound<double>(accumulator, function, column);
      }
      break;
    case AggregationFunction::kCount:
    case AggregationFunction::kUnspecified:
      break;
  }
  accumulator.count += column.values;
  return true;
}

TagValue Finish(const Accumulator& accumulator, AggregationFunction function, ColumnType type) {
  return type == ColumnType::kInt64 ? FinishAs<int64_t>(accumulator, function)
                                    : FinishAs<double>(accumulator, function);
}

}  // namespace ficus
