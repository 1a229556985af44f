#include "engine/query/measure_execution.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "engine/query/answer_writer.h"
#include "engine/query/damage_log.h"
#include "engine/query/group_table.h"
#include "engine/query/measure_plan_detail.h"
#include "engine/query/ordered_rows.h"
#include "engine/query/query_context.h"
#include "engine/query/slice_scan.h"
#include "engine/query/time_slices.h"

namespace ficus {
namespace {

class Runner {
 public:
  Runner(const QueryContext& context, MeasureRowSink& sink, QuerySpan* root)
      : context_(context),
        plan_(context.plan),
        writer_(sink, context.ledger(), plan_.offset, plan_.limit),
        damage_(context.limits.damaged_parts),
        scan_(context, candidates_, damage_, plan_.aggregates() && NeedsKeysForGroups()),
        root_(root) {}

  Result<> Run() {
    RETURN_IF_ERROR(context_.CheckGoesOn());
    RETURN_IF_ERROR(FindSlices());
    if (plan_.top.has_value() && plan_.top->number <= 0) return Ok();
    if (plan_.aggregates()) {
      RETURN_IF_ERROR(RunGroups());
    } else if (plan_.top.has_value()) {
      RETURN_IF_ERROR(RunTop());
    } else {
      RETURN_IF_ERROR(RunInTimeOrder());
    }
    return Ok();
  }

  uint64_t rows() const { return writer_.rows(); }

 private:
  bool NeedsKeysForGroups() const { return plan_.groups_by_entity || plan_.needs_entity_for_tags; }

  // Pins the groups and cuts the time asked for into slices.
  Result<> FindSlices() {
    QueryStep step(root_, context_.environment.clock, "find segments");
    std::vector<GroupSegments> segments;
    size_t found = 0;
    for (const MeasureGroupPlan& plan : plan_.groups) {
      ASSIGN_OR_RETURN(SeriesCandidates candidates,
                       SeriesCandidates::Make(plan, context_.limits.series_lookup_max));
      candidates_.push_back(std::move(candidates));
      std::shared_ptr<GroupStore> store =
          context_.environment.groups.FindGroup(plan.group->group_id);
      if (store == nullptr) {
        return Error{ErrorCode::kFailedPrecondition,
                     "group " + plan.group->key.name + " is pending deletion"};
      }
      GroupSegments group;
      group.times = LiveTimes(store->layout());
      if (!group.times.empty()) {
        RETURN_IF_ERROR(damage_.Check(store->DamagedSegments(), group.times, step));
        group.segments = store->Segments(group.times);
      }
      found += group.segments.size();
      segments.push_back(std::move(group));
      stores_.push_back(std::move(store));
    }
    slices_ = SliceTime(segments, plan_.descending);
    step.Tag("segments", found);
    step.Tag("slices", slices_.size());
    return Ok();
  }

  // What was asked for, without what is beyond the group's TTL.
  TimeRange LiveTimes(const GroupLayout& layout) const {
    constexpr UnixNanos kLast = std::numeric_limits<UnixNanos>::max();
    TimeRange times{plan_.begin, plan_.end == kLast ? kLast : plan_.end + 1};
    const UnixNanos now = context_.environment.clock.Now();
    if (layout.ttl_nanos > 0 && now > std::numeric_limits<UnixNanos>::min() + layout.ttl_nanos) {
      times.begin = std::max(times.begin, now - layout.ttl_nanos);
    }
    return times;
  }

  // Opens a slice, again without what turns out to be damaged where that is allowed.
  Result<> OpenSlice(const TimeSlice& slice, QuerySpan* parent) {
    while (true) {
      Result<> opened = scan_.Open(slice, parent);
      if (opened.has_value()) return Ok();
      RETURN_IF_ERROR(scan_.Recover(opened.error()));
    }
  }

  Result<> RunInTimeOrder() {
    OrderedRows rows(context_);
    for (const TimeSlice& slice : slices_) {
      if (writer_.wanted() == 0) break;
      QueryStep step(root_, context_.environment.clock, "slice");
      RETURN_IF_ERROR(OpenSlice(slice, step.span()));
      RETURN_IF_ERROR(RunSliceInTimeOrder(slice, rows, step));
    }
    return Ok();
  }

  Result<> RunSliceInTimeOrder(const TimeSlice& slice, OrderedRows& rows, QueryStep& step) {
    std::optional<OrderKey> after;
    uint64_t passes = 0;
    while (writer_.wanted() > 0) {
      rows.BeginPass(writer_.wanted(), after);
      Result<> read = scan_.Read(TimesAfter(slice.times, after), rows, step.span());
      if (!read.has_value()) {
        RETURN_IF_ERROR(scan_.Recover(read.error()));
        RETURN_IF_ERROR(OpenSlice(slice, step.span()));
        continue;
      }
      ++passes;
      RETURN_IF_ERROR(rows.FinishPass());
      RETURN_IF_ERROR(WriteRows(rows));
      if (!rows.incomplete()) break;
      after = rows.last_key();
    }
    step.Tag("begin", std::to_string(slice.times.begin));
    step.Tag("end", std::to_string(slice.times.end));
    step.Tag("passes", passes);
    return Ok();
  }

  // The part of `times` where rows after `after` may be.
  TimeRange TimesAfter(TimeRange times, const std::optional<OrderKey>& after) const {
    if (!after.has_value()) return times;
    const UnixNanos time = TimeOfOrder(after->time, plan_.descending);
    if (plan_.descending) {
      times.end = std::min(times.end, time + 1);
    } else {
      times.begin = std::max(times.begin, time);
    }
    return times;
  }

  Result<> WriteRows(const OrderedRows& rows) {
    return rows.Write(writer_.Take(rows.size()), writer_);
  }

  // Reads every slice once. On damage that may be skipped, true: start over.
  Result<bool> ReadAll(SeriesRowsConsumer& consumer, QuerySpan* parent) {
    for (const TimeSlice& slice : slices_) {
      RETURN_IF_ERROR(OpenSlice(slice, parent));
      Result<> read = scan_.Read(slice.times, consumer, parent);
      if (read.has_value()) continue;
      RETURN_IF_ERROR(scan_.Recover(read.error()));
      return true;
    }
    return false;
  }

  Result<> RunTop() {
    OrderedRows rows(context_);
    // A row that changes between two passes would come twice, or not at all.
    scan_.KeepSnapshots();
    uint64_t left = static_cast<uint64_t>(plan_.top->number);
    std::optional<OrderKey> after;
    while (left > 0 && writer_.wanted() > 0) {
      QueryStep step(root_, context_.environment.clock, "top");
      rows.BeginPass(std::min(left, writer_.wanted()), after);
      ASSIGN_OR_RETURN(const bool again, ReadAll(rows, step.span()));
      if (again) continue;
      RETURN_IF_ERROR(rows.FinishPass());
      step.Tag("rows_seen", rows.rows_seen());
      step.Tag("rows_kept", rows.size());
      RETURN_IF_ERROR(WriteRows(rows));
      if (!rows.incomplete()) break;
      left -= rows.size();
      after = rows.last_key();
    }
    return Ok();
  }

  Result<> RunGroups() {
    GroupTable groups(context_);
    QueryStep step(root_, context_.environment.clock, "group and aggregate");
    while (true) {
      ASSIGN_OR_RETURN(const bool again, ReadAll(groups, step.span()));
      if (!again) break;
      groups.Clear();
    }
    groups.Finish();
    step.Tag("rows_seen", groups.rows_seen());
    step.Tag("groups", groups.size());
    return groups.Write(writer_);
  }

  const QueryContext& context_;
  const MeasurePlanDetail& plan_;
  AnswerWriter writer_;
  DamageLog damage_;
  std::vector<SeriesCandidates> candidates_;  // by group
  std::vector<std::shared_ptr<GroupStore>> stores_;
  std::vector<TimeSlice> slices_;
  SliceScan scan_;
  QuerySpan* const root_;
};

}  // namespace

Result<> CheckGoesOn(const QueryLimits& limits, Clock& clock) {
  if (limits.cancelled && limits.cancelled()) {
    return Error{ErrorCode::kCancelled, "the query was cancelled"};
  }
  if (clock.Monotonic() >= limits.deadline) {
    return Error{ErrorCode::kDeadlineExceeded, "the query took longer than its deadline allows"};
  }
  return Ok();
}

Result<> RunMeasureQuery(const PlannedMeasureQuery& plan, const QueryEnvironment& environment,
                         const QueryLimits& limits, MeasureRowSink& sink, QueryTrace* trace) {
  const QueryContext context{plan.detail(), environment, limits};
  QuerySpan* root = nullptr;
  int64_t started = 0;
  if (trace != nullptr) {
    root = &trace->root;
    root->name = "measure query";
    root->begin = environment.clock.Now();
    started = environment.clock.Monotonic();
    root->tags.emplace_back("plan", plan.ToText());
  }
  Runner runner(context, sink, root);
  Result<> outcome = runner.Run();
  if (root != nullptr) {
    root->end = environment.clock.Now();
    root->duration_nanos = environment.clock.Monotonic() - started;
    root->tags.emplace_back("rows", std::to_string(runner.rows()));
    if (!outcome.has_value()) {
      root->error = true;
      root->tags.emplace_back("error_msg", outcome.error().message);
    }
  }
  return outcome;
}

}  // namespace ficus
