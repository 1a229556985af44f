#include "server/scheduler/cron.h"

#include <array>
#include <cctype>
#include <optional>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "engine/base/suggestion.h"

namespace ficus {
namespace {

struct FieldRule {
  std::string_view noun;
  int least;
  int most;
  std::vector<std::string> names;  // the first stands for `least`
};

const std::array<FieldRule, 5>& Rules() {
  static const std::array<FieldRule, 5> rules = {{
      {"minute", 0, 59, {}},
      {"hour", 0, 23, {}},
      {"day of the month", 1, 31, {}},
      {"month",
       1,
       12,
       {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
      {"day of the week", 0, 7, {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}},
  }};
  return rules;
}

// A piece of the text and where it stands.
struct Piece {
  std::string_view text;
  size_t column;  // from 1

  Piece Sub(size_t from, size_t count = std::string_view::npos) const {
    return {text.substr(from, count), column + from};
  }
};

Error At(const Piece& piece, std::string message) {
  return {ErrorCode::kInvalidArgument, fmt::format("column {}: {}", piece.column, message)};
}

// A piece in a message: printable and short.
std::string Shown(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, 20)) shown += c > 0x20 && c < 0x7f ? c : '?';
  return text.size() > 20 ? shown + "..." : shown;
}

std::vector<Piece> Split(const Piece& whole, std::string_view separators) {
  std::vector<Piece> pieces;
  for (size_t start = 0;;) {
    const size_t end = whole.text.find_first_of(separators, start);
    pieces.push_back(whole.Sub(start, end == std::string_view::npos ? end : end - start));
    if (end == std::string_view::npos) return pieces;
    start = end + 1;
  }
}

std::optional<int> Number(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

std::string_view Article(const FieldRule& rule) { return rule.noun == "hour" ? "an" : "a"; }

Result<int> ParseValue(const FieldRule& rule, const Piece& piece) {
  if (piece.text.empty()) {
    return At(piece, fmt::format("{} {} is missing", Article(rule), rule.noun));
  }
  if (const std::optional<int> number = Number(piece.text)) {
    if (*number < rule.least) {
      return At(piece, fmt::format("{} is below {}, the first {}", *number, rule.least, rule.noun));
    }
    if (*number > rule.most) {
      return At(piece, fmt::format("{} is above {}, the last {}", *number, rule.most, rule.noun));
    }
    return *number;
  }
  const std::string word = Upper(piece.text);
  for (size_t i = 0; i < rule.names.size(); ++i) {
    if (rule.names[i] == word) return rule.least + static_cast<int>(i);
  }
  const std::string nearest = NearestWord(word, rule.names);
  return At(piece, fmt::format("{} is not {} {}{}", Shown(piece.text), Article(rule), rule.noun,
                               nearest.empty() ? "" : "; did you mean " + nearest + "?"));
}

struct Range {
  int first;
  int last;
};

Result<Range> ParseRange(const FieldRule& rule, const Piece& piece) {
  if (piece.text == "*") return Range{rule.least, rule.names.size() == 7 ? 6 : rule.most};
  const size_t dash = piece.text.find('-');
  ASSIGN_OR_RETURN(const int first, ParseValue(rule, piece.Sub(0, dash)));
  if (dash == std::string_view::npos) return Range{first, first};
  const Piece end = piece.Sub(dash + 1);
  ASSIGN_OR_RETURN(int last, ParseValue(rule, end));
  // Sunday ends a range of weekdays: SAT-SUN.
  if (last == 0 && first > 0 && Upper(end.text) == "SUN") last = 7;
  if (first > last) {
    return At(piece, fmt::format("{} runs backwards; write two ranges with a comma between them",
                                 Shown(piece.text)));
  }
  return Range{first, last};
}

// One element of a list: *, a, a-b, */n, a-b/n.
Result<uint64_t> ParseElement(const FieldRule& rule, const Piece& piece) {
  const size_t slash = piece.text.find('/');
  const Piece span = piece.Sub(0, slash);
  ASSIGN_OR_RETURN(const Range range, ParseRange(rule, span));
  int step = 1;
  if (slash != std::string_view::npos) {
    const Piece text = piece.Sub(slash + 1);
    const std::optional<int> number = Number(text.text);
    if (!number || *number < 1 || *number > rule.most) {
      return At(text, fmt::format("{} is not a step: write a number from 1 to {}",
                                  text.text.empty() ? "nothing" : Shown(text.text), rule.most));
    }
    if (range.first == range.last && span.text != "*") {
      return At(piece, fmt::format("a step needs * or a range; write {}-{}/{}", range.first,
                                   rule.most == 7 ? 6 : rule.most, *number));
    }
    step = *number;
  }
  uint64_t bits = 0;
  for (int value = range.first; value <= range.last; value += step) bits |= uint64_t{1} << value;
  return bits;
}

Result<uint64_t> ParseField(const FieldRule& rule, const Piece& field) {
  uint64_t bits = 0;
  for (const Piece& element : Split(field, ",")) {
    ASSIGN_OR_RETURN(const uint64_t more, ParseElement(rule, element));
    bits |= more;
  }
  return bits;
}

// The fields of a line; empty ones, from blanks in a row, are left out.
std::vector<Piece> Fields(std::string_view text) {
  std::vector<Piece> fields;
  for (const Piece& piece : Split({text, 1}, " \t")) {
    if (!piece.text.empty()) fields.push_back(piece);
  }
  return fields;
}

int DaysOf(int month) {
  if (month == 2) return 29;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

bool Has(uint64_t bits, int value) { return (bits >> value & 1) != 0; }

bool SomeDateExists(uint64_t months, uint64_t days) {
  for (int month = 1; month <= 12; ++month) {
    for (int day = 1; Has(months, month) && day <= DaysOf(month); ++day) {
      if (Has(days, day)) return true;
    }
  }
  return false;
}

}  // namespace

Result<CronFields> CronFields::Parse(std::string_view text) {
  const std::vector<Piece> fields = Fields(text);
  if (fields.size() > 5) {
    return At(fields[5], "there is a sixth field; a schedule has five, and none for seconds");
  }
  if (fields.size() < 5) {
    return At({"", text.size() + 1},
              fmt::format("there are {} of five fields: minute, hour, day of the month, month, "
                          "day of the week",
                          fields.size()));
  }
  CronFields cron;
  const std::array<uint64_t*, 5> sets = {&cron.minutes_, &cron.hours_, &cron.days_, &cron.months_,
                                         &cron.weekdays_};
  for (size_t i = 0; i < sets.size(); ++i) {
    ASSIGN_OR_RETURN(*sets[i], ParseField(Rules()[i], fields[i]));
  }
  if (Has(cron.weekdays_, 7)) cron.weekdays_ = (cron.weekdays_ | 1) & 0x7f;
  cron.follows_clock_ = fields[1].text.find_first_of("*/") != std::string_view::npos;
  cron.any_day_ = fields[2].text.front() == '*';
  cron.any_weekday_ = fields[4].text.front() == '*';
  // A restricted weekday is enough by itself.
  const bool by_date = !cron.any_day_ && cron.any_weekday_;
  if (by_date && !SomeDateExists(cron.months_, cron.days_)) {
    return At(fields[2], fmt::format("no month of \"{}\" has such a day", Shown(fields[3].text)));
  }
  return cron;
}

bool CronFields::MatchesDay(const ClockReading& day) const {
  if (!Has(months_, day.month)) return false;
  const bool by_day = Has(days_, day.day);
  const bool by_weekday = Has(weekdays_, day.weekday);
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

int CronFields::NextMinute(int minute) const {
  for (int hour = minute / 60; hour < 24; ++hour) {
    if (!Has(hours_, hour)) continue;
    for (int within = hour == minute / 60 ? minute % 60 : 0; within < 60; ++within) {
      if (Has(minutes_, within)) return hour * 60 + within;
    }
  }
  return -1;
}

}  // namespace ficus
