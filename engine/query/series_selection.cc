#include "engine/query/series_selection.h"

#include <algorithm>
#include <utility>

#include "engine/model/entity.h"

namespace ficus {
namespace {

constexpr size_t kSeriesPerCheck = 4096;

// Calls `visit` with one encoded value per position, for each combination.
template <typename Visit>
Result<> ForEachCombination(const EntityBounds& bounds, std::vector<std::string_view>& chosen,
                            const Visit& visit) {
  if (chosen.size() == bounds.size()) return visit(chosen);
  for (const std::string_view value : *bounds[chosen.size()]) {
    chosen.push_back(value);
    RETURN_IF_ERROR(ForEachCombination(bounds, chosen, visit));
    chosen.pop_back();
  }
  return Ok();
}

// How many series the bounds name; more than `max` is as good as unknown.
std::optional<size_t> CountCombinations(const EntityBounds& bounds, size_t max) {
  size_t count = 1;
  for (const auto& values : bounds) {
    if (!values.has_value()) return std::nullopt;
    if (values->empty()) return 0;
    if (values->size() > max / count) return std::nullopt;
    count *= values->size();
  }
  return count;
}

bool Contradict(const EntityBounds& bounds) {
  return std::any_of(bounds.begin(), bounds.end(),
                     [](const auto& values) { return values.has_value() && values->empty(); });
}

}  // namespace

Result<SeriesCandidates> SeriesCandidates::Make(const MeasureGroupPlan& plan, size_t series_max) {
  SeriesCandidates result;
  if (!plan.criteria.has_value() || plan.criteria->bounds().empty()) return result;
  const EntityBounds& bounds = plan.criteria->bounds();
  if (Contradict(bounds)) {  // contradictions: no series at all, whatever is open
    result.known_ = true;
    return result;
  }
  if (!CountCombinations(bounds, series_max).has_value()) return result;
  result.known_ = true;
  EntityView entity;
  std::vector<std::string_view> chosen;
  const auto add = [&](const std::vector<std::string_view>& values) -> Result<> {
    ASSIGN_OR_RETURN(std::string key, SeriesKeyOf(plan.measure->key.name, values));
    RETURN_IF_ERROR(entity.Assign(key));
    ASSIGN_OR_RETURN(const SeriesVerdict verdict, plan.criteria->Judge(entity));
    if (verdict == SeriesVerdict::kNone) return Ok();
    const SeriesId series = SeriesIdOf(key);
    result.candidates_.push_back({series, std::move(key), verdict});
    return Ok();
  };
  RETURN_IF_ERROR(ForEachCombination(bounds, chosen, add));
  std::sort(result.candidates_.begin(), result.candidates_.end(),
            [](const Candidate& a, const Candidate& b) { return a.series < b.series; });
  return result;
}

Result<> SeriesSelection::Add(SeriesId series, std::string_view key, SeriesVerdict verdict,
                              bool keep_key) {
  RETURN_IF_ERROR(
      charge_.Grow(2 * (sizeof(Entry) + sizeof(SeriesId) + (keep_key ? key.size() : 0))));
  Entry entry{series, keys_.size(), 0, verdict};
  if (keep_key) {
    entry.key_bytes = static_cast<uint32_t>(key.size());
    keys_.append(key);
  }
  entries_.push_back(entry);
  return Ok();
}

void SeriesSelection::Order() {
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.series < b.series; });
  ids_.reserve(entries_.size());
  for (const Entry& entry : entries_) ids_.push_back(entry.series);
}

Result<SeriesSelection> SeriesSelection::Select(const QueryContext& context,
                                                const MeasureGroupPlan& plan,
                                                const SeriesCandidates& candidates,
                                                const Snapshot& snapshot, bool wants_keys) {
  SeriesSelection selection(context.ledger());
  const bool by_entity = plan.criteria.has_value() && plan.criteria->NeedsEntity();
  if (!by_entity && !wants_keys) return selection;

  const SubjectId subject = plan.measure->subject_id;
  const bool keep_keys = wants_keys || by_entity;
  Result<> outcome;
  if (candidates.known()) {
    selection.method_ = Method::kLookup;
    selection.every_series_ = false;
    std::vector<SeriesId> wanted;
    wanted.reserve(candidates.all().size());
    for (const auto& candidate : candidates.all()) wanted.push_back(candidate.series);
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    RETURN_IF_ERROR(snapshot.LookupSeries(
        subject, wanted,
        [&](SeriesId series, std::string_view key) {
          auto candidate = std::lower_bound(
              candidates.all().begin(), candidates.all().end(), series,
              [](const SeriesCandidates::Candidate& a, SeriesId id) { return a.series < id; });
          // The stored entity decides: another one with the same hash is not asked for.
          for (; candidate != candidates.all().end() && candidate->series == series; ++candidate) {
            if (candidate->key != key) continue;
            outcome = selection.Add(series, key, candidate->verdict, keep_keys);
            break;
          }
          return outcome.has_value();
        },
        &context.ledger()));
    RETURN_IF_ERROR(outcome);
    selection.Order();
    return selection;
  }

  selection.method_ = Method::kScan;
  EntityView entity;
  size_t seen = 0;
  const auto judge = [&](SeriesId series, std::string_view key) -> Result<> {
    if (++seen % kSeriesPerCheck == 0) RETURN_IF_ERROR(context.CheckGoesOn());
    SeriesVerdict verdict = plan.criteria.has_value() ? SeriesVerdict::kSome : SeriesVerdict::kAll;
    if (by_entity) {
      RETURN_IF_ERROR(entity.Assign(key));
      ASSIGN_OR_RETURN(verdict, plan.criteria->Judge(entity));
    }
    if (verdict == SeriesVerdict::kNone) return Ok();
    return selection.Add(series, key, verdict, keep_keys);
  };
  RETURN_IF_ERROR(snapshot.ScanSeries(
      subject,
      [&](SeriesId series, std::string_view key) {
        outcome = judge(series, key);
        return outcome.has_value();
      },
      &context.ledger()));
  RETURN_IF_ERROR(outcome);
  selection.every_series_ = selection.entries_.size() == seen;
  selection.Order();
  return selection;
}

SeriesSelection::Found SeriesSelection::Find(SeriesId series, size_t& hint) const {
  Found found;
  if (hint >= entries_.size() || entries_[hint].series != series) {
    const auto less = [](const Entry& entry, SeriesId id) { return entry.series < id; };
    auto begin = entries_.begin();
    if (hint < entries_.size() && entries_[hint].series < series) {
      begin += static_cast<ptrdiff_t>(hint) + 1;
      if (begin != entries_.end() && begin->series == series) {
        hint = static_cast<size_t>(begin - entries_.begin());
      } else {
        hint = static_cast<size_t>(std::lower_bound(begin, entries_.end(), series, less) -
                                   entries_.begin());
      }
    } else {
      hint = static_cast<size_t>(std::lower_bound(begin, entries_.end(), series, less) -
                                 entries_.begin());
    }
    if (hint >= entries_.size() || entries_[hint].series != series) return found;
  }
  const Entry& entry = entries_[hint];
  found.found = true;
  found.verdict = entry.verdict;
  found.key = std::string_view(keys_).substr(entry.key_offset, entry.key_bytes);
  return found;
}

}  // namespace ficus
