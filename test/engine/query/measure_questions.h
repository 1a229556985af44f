// The measure that most tests ask about, and verbs to ask.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "test/engine/query/query_harness.h"
#include "test/engine/schema/objects.h"

namespace ficus {

inline constexpr UnixNanos kMidnight = 20'000 * kNanosPerDay;  // where the harness' clock starts
inline constexpr UnixNanos kMinute = 60 * kNanosPerSecond;

// Group `group` with measure m (objects.h), with index rules on layer and count. Now is noon.
inline void PrepareMeasure(QueryHarness& harness, const std::string& group = "g") {
  if (harness.clock.Now() == kMidnight) harness.clock.Advance(12 * kNanosPerHour);
  harness.Create(ProposeGroup(group));
  harness.Create(ProposeMeasure(group, "m"));
  harness.Create(ProposeIndexRule(group, "layers", {"layer", "count"}));
  harness.Create(ProposeBinding(group, "binding", "m", {"layers"}));
}

inline TestPoint Point(int64_t minute, std::string id, int64_t value, int64_t version = 1) {
  return {kMidnight + minute * kMinute,
          version,
          {{"id", std::move(id)}, {"layer", "layer-" + std::to_string(value % 3)}},
          {{"value", value}}};
}

// Everything within ten days: tag id, field value.
inline MeasureQuery Question(std::vector<std::string> groups = {"g"}) {
  MeasureQuery query;
  query.groups = std::move(groups);
  query.name = "m";
  query.begin = kMidnight - 10 * kNanosPerDay;
  query.end = kMidnight + 10 * kNanosPerDay;
  query.tags = {{"default", {"id"}}};
  query.fields = {"value"};
  return query;
}

// "id@minute=value" per row; aggregated rows have no minute.
inline std::string ToText(const std::vector<MeasureRow>& rows) {
  std::string text;
  for (const MeasureRow& row : rows) {
    if (!text.empty()) text += ' ';
    for (const TagValue& tag : row.tags) text += (&tag == &row.tags[0] ? "" : ",") + ToText(tag);
    if (row.timestamp != 0) text += '@' + std::to_string((row.timestamp - kMidnight) / kMinute);
    for (const TagValue& field : row.fields) text += '=' + ToText(field);
  }
  std::erase(text, '"');
  return text;
}

}  // namespace ficus
