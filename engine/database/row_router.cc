#include "engine/database/row_router.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/planted_bug.h"

namespace ficus {
namespace {

// The rows of a batch that go to one table.
struct Bucket {
  std::shared_ptr<Segment> segment;
  ShardId shard;
  std::shared_ptr<TsTable> table;
  const SeriesSet* known = nullptr;  // null: every entry is sent
  Error error;                       // why the table takes no rows; message empty: it does
  std::vector<uint32_t> order;
  std::vector<SeriesEntry> entries;
};

class Router {
 public:
  Router(GroupStore& store, KeyedRows rows, std::vector<RefusedRow>& refused)
      : store_(store), rows_(std::move(rows)), refused_(refused) {}

  void Run(std::vector<Routed>& routed);

 private:
  Result<std::shared_ptr<Segment>> SegmentOf(UnixNanos time);
  Bucket& BucketOf(const std::shared_ptr<Segment>& segment, ShardId shard);
  Result<> OpenTable(Bucket& bucket);
  void PlaceRow(uint32_t row);
  void Refuse(uint32_t row, const Error& error);
  Routed Finish(Bucket& bucket);

  GroupStore& store_;
  KeyedRows rows_;
  std::vector<RefusedRow>& refused_;
  std::shared_ptr<Segment> segment_;  // of the row before: neighbours mostly share one
  std::vector<Bucket> buckets_;
};

void Router::Run(std::vector<Routed>& routed) {
  const auto rows = static_cast<uint32_t>(rows_.rows.rows());
  for (uint32_t row = 0; row < rows; ++row) PlaceRow(row);
  for (Bucket& bucket : buckets_) {
    if (!bucket.order.empty()) routed.push_back(Finish(bucket));
  }
}

Result<std::shared_ptr<Segment>> Router::SegmentOf(UnixNanos time) {
  if (segment_ == nullptr || !segment_->times().Contains(time)) {
    ASSIGN_OR_RETURN(segment_, store_.SegmentFor(time));
  }
  return segment_;
}

Bucket& Router::BucketOf(const std::shared_ptr<Segment>& segment, ShardId shard) {
  for (Bucket& bucket : buckets_) {
    if (bucket.segment == segment && bucket.shard == shard) return bucket;
  }
  buckets_.push_back({segment, shard, nullptr, nullptr, {}, {}, {}});
  Bucket& bucket = buckets_.back();
  const Result<> opened = OpenTable(bucket);
  if (!opened.has_value()) bucket.error = opened.error();
  return bucket;
}

Result<> Router::OpenTable(Bucket& bucket) {
  RETURN_IF_ERROR(bucket.segment->EnsureShard(bucket.shard));
  ASSIGN_OR_RETURN(bucket.table, bucket.segment->Shard(bucket.shard));
  if (std::string reason = bucket.table->ReadOnlyReason(); !reason.empty()) {
    return Error{ErrorCode::kReadOnly, std::move(reason)};
  }
  // A damaged run only means that entries are sent again.
  Result<const SeriesSet*> known = bucket.table->KnownSeries();
  if (known.has_value()) bucket.known = *known;
  if (IsPlanted(PlantedBug::kSeriesKnownToOtherTable)) bucket.known = buckets_.front().known;
  return Ok();
}

void Router::PlaceRow(uint32_t row) {
  Result<std::shared_ptr<Segment>> segment = SegmentOf(rows_.rows.timestamps[row]);
  if (!segment.has_value()) {
    Refuse(row, segment.error());
    return;
  }
  const ShardId shard(static_cast<uint32_t>(rows_.shard_hashes[row] % (*segment)->shard_count()));
  Bucket& bucket = BucketOf(*segment, shard);
  if (bucket.table == nullptr || !bucket.error.message.empty()) {
    Refuse(row, bucket.error);
    return;
  }
  const SubjectId subject = rows_.rows.subject;
  const SeriesId series = rows_.rows.series[row];
  const SeriesSet::Known known =
      bucket.known == nullptr ? SeriesSet::Known::kNo
                              : bucket.known->Find(subject, series, rows_.series_checks[row]);
  if (known == SeriesSet::Known::kCollision) {
    LogError("write.collision", "series id {} of group {} has another entity", Hex16(series),
             store_.name());
    Refuse(row, Error{ErrorCode::kCorruption, "series id collision"});
    return;
  }
  if (known == SeriesSet::Known::kNo) {
    bucket.entries.push_back({subject, series, std::string(rows_.series_key(row))});
  }
  bucket.order.push_back(row);
}

void Router::Refuse(uint32_t row, const Error& error) {
  refused_.push_back({rows_.ordinals[row], error.code});
}

Routed Router::Finish(Bucket& bucket) {
  Routed routed;
  routed.table = std::move(bucket.table);
  routed.rows.catalog = store_.catalog();
  routed.rows.group = store_.id();
  routed.rows.segment = bucket.segment->times();
  routed.rows.shard = bucket.shard;
  const bool whole = bucket.order.size() == rows_.rows.rows();
  routed.rows.rows = whole ? std::move(rows_.rows) : Reordered(rows_.rows, bucket.order, false);
  std::vector<SeriesEntry>& entries = bucket.entries;
  std::sort(entries.begin(), entries.end(),
            [](const SeriesEntry& a, const SeriesEntry& b) { return a.series < b.series; });
  entries.erase(
      std::unique(entries.begin(), entries.end(),
                  [](const SeriesEntry& a, const SeriesEntry& b) { return a.series == b.series; }),
      entries.end());
  routed.rows.entries = std::move(entries);
  return routed;
}

}  // namespace

void RouteRows(GroupStore& store, KeyedRows rows, std::vector<Routed>& routed,
               std::vector<RefusedRow>& refused) {
  Router(store, std::move(rows), refused).Run(routed);
}

}  // namespace ficus
