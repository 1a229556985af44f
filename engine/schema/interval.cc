#include "engine/schema/interval.h"

#include <array>
#include <limits>
#include <string>

#include "engine/base/clock.h"

namespace ficus {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
__extension__ using WideInt = __int128;  // holds any product of two int64

std::string Quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

Error Bad(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool TakeSign(std::string_view& text) {
  if (text.empty() || (text.front() != '-' && text.front() != '+')) return false;
  const bool negative = text.front() == '-';
  text.remove_prefix(1);
  return negative;
}

struct Unit {
  std::string_view name;
  int64_t nanos;
};
constexpr std::array kUnits = {
    Unit{"ns", 1},
    Unit{"us", 1000},
    Unit{"\xc2\xb5s", 1000},  // micro sign
    Unit{"\xce\xbcs", 1000},  // Greek letter mu
    Unit{"ms", kNanosPerMilli},
    Unit{"s", kNanosPerSecond},
    Unit{"m", 60 * kNanosPerSecond},
    Unit{"h", kNanosPerHour},
};

// A decimal number: `whole` + `fraction` / `scale`.
struct Number {
  int64_t whole = 0;
  int64_t fraction = 0;
  int64_t scale = 1;
  bool has_digits = false;
  bool overflow = false;
};

Number TakeNumber(std::string_view& text) {
  Number number;
  for (; !text.empty() && IsDigit(text.front()); text.remove_prefix(1)) {
    const int64_t digit = text.front() - '0';
    number.has_digits = true;
    number.overflow = number.overflow || number.whole > (kMax - digit) / 10;
    if (!number.overflow) number.whole = number.whole * 10 + digit;
  }
  if (text.empty() || text.front() != '.') return number;
  text.remove_prefix(1);
  for (; !text.empty() && IsDigit(text.front()); text.remove_prefix(1)) {
    number.has_digits = true;
    // Further digits are below a nanosecond of any unit.
    if (number.scale > kMax / 100) continue;
    number.fraction = number.fraction * 10 + (text.front() - '0');
    number.scale *= 10;
  }
  return number;
}

std::string_view TakeUnit(std::string_view& text) {
  size_t size = 0;
  while (size < text.size() && text[size] != '.' && !IsDigit(text[size])) ++size;
  const std::string_view unit = text.substr(0, size);
  text.remove_prefix(size);
  return unit;
}

const Unit* FindUnit(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

Result<int64_t> ParseDuration(std::string_view original) {
  std::string_view text = original;
  const bool negative = TakeSign(text);
  if (text == "0") return 0;
  const Error invalid = Bad("time: invalid duration " + Quoted(original));
  if (text.empty()) return invalid;

  int64_t total = 0;
  while (!text.empty()) {
    const Number number = TakeNumber(text);
    if (!number.has_digits || number.overflow) return invalid;
    const std::string_view name = TakeUnit(text);
    if (name.empty()) return Bad("time: missing unit in duration " + Quoted(original));
    const Unit* unit = FindUnit(name);
    if (unit == nullptr) {
      return Bad("time: unknown unit " + Quoted(name) + " in duration " + Quoted(original));
    }
    const WideInt sum = static_cast<WideInt>(number.whole) * unit->nanos +
                        static_cast<WideInt>(number.fraction) * unit->nanos / number.scale + total;
    if (sum > kMax) return invalid;
    total = static_cast<int64_t>(sum);
  }
  return negative ? -total : total;
}

}  // namespace

Result<int64_t> ParseInterval(std::string_view text) {
  const size_t days_end = text.find('d');
  if (days_end == std::string_view::npos || days_end == 0) return ParseDuration(text);
  std::string_view digits = text.substr(0, days_end);
  const bool negative = TakeSign(digits);
  const std::string_view original = digits;
  int64_t days = 0;
  if (digits.empty()) return Bad("strconv.Atoi: parsing \"\": invalid syntax");
  for (; !digits.empty(); digits.remove_prefix(1)) {
    if (!IsDigit(digits.front())) {
      return Bad("strconv.Atoi: parsing " + Quoted(original) + ": invalid syntax");
    }
    days = days * 10 + (digits.front() - '0');
    if (days > kMax / kNanosPerDay) {
      return Bad("strconv.Atoi: parsing " + Quoted(original) + ": value out of range");
    }
  }
  return (negative ? -days : days) * kNanosPerDay;
}

}  // namespace ficus
