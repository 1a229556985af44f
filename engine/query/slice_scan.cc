#include "engine/query/slice_scan.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "engine/part/row_range.h"

namespace ficus {
namespace {

using RowKey = std::tuple<SeriesId, UnixNanos>;

RowKey KeyOf(const ShardSource& source) {
  if (source.unread != nullptr) {
    const BlockHeader& header = source.unread->header();
    return {header.first_series, header.times.begin};
  }
  return {source.batch.series[source.row], source.batch.timestamps[source.row]};
}

// Of the block that the source stands at.
RowKey LastKeyOf(const ShardSource& source) {
  const BlockHeader& header = source.unread->header();
  return {header.last_series, header.times.end - 1};
}

// The first row from `begin` on whose key is not below `key`. Short runs are the rule where shards
// take turns series by series, so the search starts near.
size_t FirstNotBelow(const RowBatch& batch, size_t begin, const RowKey& key) {
  const auto below = [&](size_t row) {
    return RowKey(batch.series[row], batch.timestamps[row]) < key;
  };
  size_t low = begin;
  size_t high = batch.rows();
  for (size_t step = 1; low + step <= batch.rows(); step *= 2) {
    if (!below(low + step - 1)) {
      high = low + step - 1;
      break;
    }
    low += step;
  }
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (below(middle)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// One past the last row of the series of row `begin`, at most `end`.
size_t EndOfSeries(const RowBatch& batch, size_t begin, size_t end) {
  const SeriesId series = batch.series[begin];
  if (batch.series[end - 1] == series) return end;
  size_t row = begin + 1;
  while (batch.series[row] == series) ++row;
  return row;
}

std::string_view MethodName(SeriesSelection::Method method) {
  switch (method) {
    case SeriesSelection::Method::kEverySeries:
      return "every series";
    case SeriesSelection::Method::kLookup:
      return "lookup";
    case SeriesSelection::Method::kScan:
      return "index scan";
  }
  return "?";
}

}  // namespace

Result<> SliceScan::Open(const TimeSlice& slice, QuerySpan* parent) {
  sources_.clear();
  failed_ = nullptr;
  for (const TimeSlice::Member& member : slice.members) {
    const MeasureGroupPlan& plan = context_.plan.groups[member.group];
    const SeriesCandidates& candidates = candidates_[member.group];
    if (candidates.known() && candidates.all().empty()) continue;
    for (const ShardId shard : member.segment->ExistingShards()) {
      auto source = std::make_unique<ShardSource>(member.group, plan, context_.ledger());
      source->times = slice.times;
      source->name = plan.group->key.name + "/shard-" + std::to_string(shard.value());
      Result<std::shared_ptr<TsTable>> table = member.segment->Shard(shard);
      if (!table.has_value()) {
        if (table.error().code == ErrorCode::kUnavailable) break;
        if (table.error().code != ErrorCode::kCorruption || !damage_.may_skip()) {
          return std::move(table).error();
        }
        QueryStep step(parent, context_.environment.clock, "skip damaged " + source->name);
        step.Tag("reason", table.error().message);
        continue;
      }
      source->table = std::move(*table);
      sources_.push_back(std::move(source));
      failed_ = sources_.back().get();
      RETURN_IF_ERROR(OpenShard(*sources_.back(), parent));
      if (sources_.back()->selection.empty()) sources_.pop_back();
      failed_ = nullptr;
    }
  }
  return Ok();
}

Result<> SliceScan::OpenShard(ShardSource& source, QuerySpan* parent) {
  RETURN_IF_ERROR(context_.CheckGoesOn());
  QueryStep step(parent, context_.environment.clock, "select series of " + source.name);
  source.snapshot = SnapshotOf(source.table);
  ASSIGN_OR_RETURN(source.snapshot, damage_.Admit(std::move(source.snapshot), source.times, step));
  ASSIGN_OR_RETURN(source.selection,
                   SeriesSelection::Select(context_, source.plan, candidates_[source.group],
                                           *source.snapshot, wants_keys_));
  step.Tag("method", MethodName(source.selection.method()));
  if (source.selection.method() != SeriesSelection::Method::kEverySeries) {
    step.Tag("series", source.selection.ids().size());
  }
  step.Tag("parts", source.snapshot->parts.size());
  step.Tag("mem_parts", source.snapshot->mem_parts.size());
  return Ok();
}

std::shared_ptr<const Snapshot> SliceScan::SnapshotOf(const std::shared_ptr<TsTable>& table) {
  if (!keeps_snapshots_) return table->Current();
  std::shared_ptr<const Snapshot>& kept = kept_[table];
  if (kept == nullptr) kept = table->Current();
  return kept;
}

Result<> SliceScan::StartSource(ShardSource& source, const TimeRange& times,
                                ScanRequest::Unread unread) {
  failed_ = &source;
  ScanRequest request;
  request.subject = source.plan.measure->subject_id;
  request.all_series = source.selection.every_series();
  if (!request.all_series) request.series = source.selection.ids();
  request.times = source.times.Intersect(times);
  request.unread = unread;
  for (const ScanColumn& column : source.plan.columns) request.columns.push_back(column.id);
  source.read_nanos = 0;
  source.rows_matched = 0;
  source.hint = 0;
  source.row = 0;
  source.unread = nullptr;
  source.at_end = false;
  ClearRows(source.batch);
  ASSIGN_OR_RETURN(source.cursor, source.snapshot->Scan(request, context_.ledger()));
  RETURN_IF_ERROR(Refill(source));
  failed_ = nullptr;
  return Ok();
}

// Makes source.row a row, or source.unread a block, or source.at_end true.
Result<> SliceScan::Refill(ShardSource& source) {
  const Clock& clock = context_.environment.clock;
  while (!source.at_end && source.unread == nullptr && source.row >= source.batch.rows()) {
    RETURN_IF_ERROR(context_.CheckGoesOn());
    const int64_t started = clock.Monotonic();
    failed_ = &source;
    ASSIGN_OR_RETURN(const bool more, source.cursor->NextRun(source.batch, source.unread));
    source.read_nanos += clock.Monotonic() - started;
    source.at_end = !more;
    source.row = 0;
    if (more) RETURN_IF_ERROR(BindColumns(source));
    failed_ = nullptr;
  }
  return Ok();
}

// Finds the columns of the batch, or checks the types of those of the block.
Result<> SliceScan::BindColumns(ShardSource& source) {
  const auto check = [&](const ScanColumn& wanted, ColumnType type) -> Result<> {
    if (type == wanted.type) return Ok();
    return Error{ErrorCode::kCorruption,
                 source.name + ": column " + std::to_string(wanted.id.value()) + " has type " +
                     std::string(ColumnTypeName(type)) + ", the schema says " +
                     std::string(ColumnTypeName(wanted.type))};
  };
  source.columns.assign(source.plan.columns.size(), nullptr);
  for (size_t slot = 0; slot < source.columns.size(); ++slot) {
    const ScanColumn& wanted = source.plan.columns[slot];
    if (source.unread != nullptr) {
      const BlockColumn* column = source.unread->header().FindColumn(wanted.id);
      if (column != nullptr) RETURN_IF_ERROR(check(wanted, column->type));
      continue;
    }
    const ColumnValues* column = source.batch.FindColumn(wanted.id);
    if (column != nullptr) RETURN_IF_ERROR(check(wanted, column->type()));
    source.columns[slot] = column;
  }
  return Ok();
}

// Makes rows of the block that the source stands at.
Result<> SliceScan::ReadRun(ShardSource& source) {
  const Clock& clock = context_.environment.clock;
  const int64_t started = clock.Monotonic();
  failed_ = &source;
  RETURN_IF_ERROR(std::exchange(source.unread, nullptr)->ReadRows(source.batch));
  source.read_nanos += clock.Monotonic() - started;
  source.row = 0;
  RETURN_IF_ERROR(BindColumns(source));
  failed_ = nullptr;
  return Ok();
}

// Reads the blocks that begin with the key; false when there is none.
Result<bool> SliceScan::ReadTied(const RowKey& key) {
  bool any = false;
  for (const auto& source : sources_) {
    if (source->at_end || source->unread == nullptr || KeyOf(*source) != key) continue;
    RETURN_IF_ERROR(ReadRun(*source));
    any = true;
  }
  return any;
}

// The source whose next rows, up to `end`, come before those of every other; false when all ended.
Result<bool> SliceScan::NextRun(ShardSource*& best, size_t& end) {
  while (true) {
    best = nullptr;
    const ShardSource* second = nullptr;
    bool tie = false;
    for (const auto& source : sources_) {
      if (source->at_end) continue;
      if (best == nullptr) {
        best = source.get();
        continue;
      }
      const auto order = KeyOf(*source) <=> KeyOf(*best);
      if (order < 0) {
        second = best;
        best = source.get();
        tie = false;
      } else if (order == 0) {
        tie = true;
      } else if (second == nullptr || KeyOf(*source) < KeyOf(*second)) {
        second = source.get();
      }
    }
    if (best == nullptr) return false;
    if (tie) {
      ASSIGN_OR_RETURN(const bool read, ReadTied(KeyOf(*best)));
      if (!read) RETURN_IF_ERROR(ResolveTie(KeyOf(*best)));
      continue;
    }
    if (best->unread == nullptr) {
      end = second == nullptr ? best->batch.rows()
                              : FirstNotBelow(best->batch, best->row + 1, KeyOf(*second));
      return true;
    }
    if (second == nullptr || LastKeyOf(*best) < KeyOf(*second)) return true;
    RETURN_IF_ERROR(ReadRun(*best));
  }
}

// Leaves at most one of the rows with this key. Within a group (a measure that was sharded in
// another way before) the highest version counts, whatever the criteria say of it; of several
// groups the highest version of those that match. Of equals the first stays.
Result<> SliceScan::ResolveTie(const std::tuple<SeriesId, UnixNanos>& key) {
  std::vector<ShardSource*> tied;
  for (const auto& source : sources_) {
    if (!source->at_end && KeyOf(*source) == key) tied.push_back(source.get());
  }
  const auto version = [](const ShardSource& source) { return source.batch.versions[source.row]; };
  const auto drop = [](ShardSource& source) { ++source.row; };
  ShardSource* best = nullptr;
  for (size_t i = 0; i < tied.size();) {
    ShardSource* of_group = tied[i];
    size_t next = i + 1;
    for (; next < tied.size() && tied[next]->group == tied[i]->group; ++next) {
      ShardSource* loser = tied[next];
      if (version(*loser) > version(*of_group)) std::swap(loser, of_group);
      drop(*loser);
    }
    i = next;
    ASSIGN_OR_RETURN(const bool matches, MatchesNow(*of_group));
    if (matches && (best == nullptr || version(*of_group) > version(*best))) {
      if (best != nullptr) drop(*best);
      best = of_group;
    } else {
      drop(*of_group);
    }
  }
  for (ShardSource* source : tied) RETURN_IF_ERROR(Refill(*source));
  return Ok();
}

// Whether the criteria let the source's next row through.
Result<bool> SliceScan::MatchesNow(ShardSource& source) {
  SeriesRows rows = RowsOf(source, source.row, source.row + 1);
  ASSIGN_OR_RETURN(const size_t matched, Match(source, rows));
  return matched > 0;
}

Result<> SliceScan::Read(const TimeRange& times, SeriesRowsConsumer& consumer, QuerySpan* parent) {
  for (const auto& source : sources_) {
    RETURN_IF_ERROR(StartSource(*source, times, consumer.WantedUnread(source->plan)));
  }
  while (true) {
    ShardSource* source = nullptr;
    size_t end = 0;
    ASSIGN_OR_RETURN(const bool more, NextRun(source, end));
    if (!more) break;
    if (source->unread != nullptr) {
      RETURN_IF_ERROR(DeliverBlock(*source, consumer));
    } else {
      RETURN_IF_ERROR(Deliver(*source, end, consumer));
      source->row = end;
    }
    RETURN_IF_ERROR(Refill(*source));
  }
  for (const auto& source : sources_) {
    Report(*source, parent);
    failed_ = source.get();
    RETURN_IF_ERROR(consumer.EndSource(*source));
    failed_ = nullptr;
    source->unread = nullptr;
    source->cursor.reset();
    source->batch = RowBatch();
  }
  return Ok();
}

// Hands the block on as it is where all its rows match, else reads it.
Result<> SliceScan::DeliverBlock(ShardSource& source, SeriesRowsConsumer& consumer) {
  const BlockHeader& header = source.unread->header();
  SeriesVerdict verdict =
      source.plan.criteria.has_value() ? SeriesVerdict::kSome : SeriesVerdict::kAll;
  std::string_view key;
  bool is_wanted = true;
  if (source.selection.method() != SeriesSelection::Method::kEverySeries) {
    const SeriesSelection::Found found = source.selection.Find(header.first_series, source.hint);
    is_wanted = found.found;
    verdict = found.verdict;
    key = found.key;
  }
  if (is_wanted && verdict == SeriesVerdict::kSome) {
    RETURN_IF_ERROR(ReadRun(source));
    RETURN_IF_ERROR(Deliver(source, source.batch.rows(), consumer));
    source.row = source.batch.rows();
    return Ok();
  }
  if (is_wanted) {
    source.rows_matched += header.rows;
    const SeriesBlock block{source, *source.unread, key};
    Result<> accepted = consumer.AcceptBlock(block);
    if (block.read_failed) failed_ = &source;
    RETURN_IF_ERROR(std::move(accepted));
  }
  source.unread = nullptr;
  return Ok();
}

Result<> SliceScan::Deliver(ShardSource& source, size_t end, SeriesRowsConsumer& consumer) {
  for (size_t begin = source.row; begin < end;) {
    SeriesRows rows = RowsOf(source, begin, EndOfSeries(source.batch, begin, end));
    begin = rows.end;
    ASSIGN_OR_RETURN(const size_t matched, Match(source, rows));
    if (matched == 0) continue;
    source.rows_matched += matched;
    RETURN_IF_ERROR(consumer.Accept(rows));
  }
  return Ok();
}

SeriesRows SliceScan::RowsOf(const ShardSource& source, size_t begin, size_t end) {
  return {source, source.batch, source.columns, source.batch.series[begin], begin,
          end,    {},           nullptr};
}

// Fills in what is known of the series and which rows match; how many do.
Result<size_t> SliceScan::Match(ShardSource& source, SeriesRows& rows) {
  const std::optional<CompiledCriteria>& criteria = source.plan.criteria;
  const size_t count = rows.end - rows.begin;
  SeriesVerdict verdict = criteria.has_value() ? SeriesVerdict::kSome : SeriesVerdict::kAll;
  if (source.selection.method() != SeriesSelection::Method::kEverySeries) {
    const SeriesSelection::Found found = source.selection.Find(rows.series, source.hint);
    if (!found.found) return 0;  // not wanted, or its entity went with a damaged run
    verdict = found.verdict;
    rows.key = found.key;
  }
  if (verdict != SeriesVerdict::kSome) return count;
  const bool by_entity = criteria->NeedsEntity();
  if (by_entity) RETURN_IF_ERROR(entity_.Assign(rows.key));
  RETURN_IF_ERROR(criteria->MatchRows(by_entity ? &entity_ : nullptr, rows.columns, rows.begin,
                                      rows.end, matches_));
  const auto matched = static_cast<size_t>(std::count(matches_.begin(), matches_.end(), 1));
  if (matched < count) rows.matches = matches_.data();
  return matched;
}

void SliceScan::Report(const ShardSource& source, QuerySpan* parent) const {
  QueryStep step(parent, context_.environment.clock, "read " + source.name);
  if (!step.recorded()) return;
  const ScanCost& cost = source.cursor->cost();
  step.SetDuration(source.read_nanos);
  step.Tag("blocks_read", cost.blocks_read);
  step.Tag("blocks_skipped", cost.blocks_skipped);
  step.Tag("bytes_read", cost.bytes_read);
  step.Tag("rows_read", cost.rows_read);
  step.Tag("rows_matched", source.rows_matched);
}

Result<> SliceScan::Recover(const Error& error) {
  if (failed_ == nullptr || failed_->snapshot == nullptr) return error;
  // The one without what is damaged is newer.
  kept_.erase(failed_->table);
  return damage_.Met(error, *failed_->table, *failed_->snapshot,
                     [this] { return context_.CheckGoesOn(); });
}

}  // namespace ficus
