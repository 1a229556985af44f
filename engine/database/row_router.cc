#include "engine/database/row_router.h"

#include <algorithm>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "engine/base/log.h"
#include "engine/base/planted_bug.h"

namespace ficus {
namespace {

template <typename T>
std::vector<T> Gathered(const std::vector<T>& from, const std::vector<uint32_t>& rows) {
  std::vector<T> gathered;
  gathered.reserve(rows.size());
  for (const uint32_t row : rows) gathered.push_back(from[row]);
  return gathered;
}

// The rows of a batch that go to one table.
struct Bucket {
  std::shared_ptr<Segment> segment;
  ShardId shard;
  std::shared_ptr<TsTable> table;
  const SeriesSet* known = nullptr;  // null: every entry is sent
  std::shared_ptr<SeriesSet::Claims> claims;
  Error error;  // why the table takes no rows; message empty: it does
  std::vector<uint32_t> order;
  std::vector<SeriesEntry> entries;

  bool takes_rows() const { return table != nullptr && error.message.empty(); }
};

class Router {
 public:
  Router(GroupStore& store, KeyedRows rows, std::vector<RefusedRow>& refused)
      : store_(store), rows_(std::move(rows)), refused_(refused) {}

  void Run(std::vector<Routed>& routed);

 private:
  Result<> FindSegment(UnixNanos time);
  Bucket& BucketOf(ShardId shard);
  Result<> OpenTable(Bucket& bucket);
  void PlaceRow(uint32_t row);
  // Refuses the rows whose series id belongs to another entity, and collects the entries of new
  // series.
  void LookUp(Bucket& bucket);
  // Of the rows of a bucket that no series is known of.
  void LookUpNew(Bucket& bucket, const std::vector<SeriesId>& series,
                 std::vector<SeriesSet::Known>& known);
  // Lets the bucket's table keep its claims, together with those of rows that were routed before.
  void KeepClaims(Bucket& bucket, const std::vector<Routed>& routed);
  void Refuse(uint32_t row, const Error& error);
  Routed Finish(Bucket& bucket);

  GroupStore& store_;
  KeyedRows rows_;
  std::vector<RefusedRow>& refused_;
  // Of the row before: neighbours mostly share them.
  std::shared_ptr<Segment> segment_;
  TimeRange segment_times_;
  uint32_t segment_shards_ = 1;
  size_t bucket_ = 0;
  std::vector<Bucket> buckets_;
};

void Router::Run(std::vector<Routed>& routed) {
  const auto rows = static_cast<uint32_t>(rows_.rows.rows());
  for (uint32_t row = 0; row < rows; ++row) PlaceRow(row);
  for (Bucket& bucket : buckets_) {
    if (!bucket.takes_rows()) continue;
    KeepClaims(bucket, routed);
    LookUp(bucket);
  }
  for (Bucket& bucket : buckets_) {
    if (!bucket.order.empty()) routed.push_back(Finish(bucket));
  }
}

Result<> Router::FindSegment(UnixNanos time) {
  if (segment_ != nullptr && segment_times_.Contains(time)) return Ok();
  ASSIGN_OR_RETURN(segment_, store_.SegmentFor(time));
  segment_times_ = segment_->times();
  segment_shards_ = segment_->shard_count();
  return Ok();
}

Bucket& Router::BucketOf(ShardId shard) {
  const auto is_it = [&](const Bucket& bucket) {
    return bucket.shard == shard && bucket.segment == segment_;
  };
  if (bucket_ < buckets_.size() && is_it(buckets_[bucket_])) return buckets_[bucket_];
  const auto found = std::find_if(buckets_.begin(), buckets_.end(), is_it);
  bucket_ = static_cast<size_t>(found - buckets_.begin());
  if (found != buckets_.end()) return *found;
  buckets_.push_back({segment_, shard, nullptr, nullptr, nullptr, {}, {}, {}});
  Bucket& bucket = buckets_.back();
  const Result<> opened = OpenTable(bucket);
  if (!opened.has_value()) bucket.error = opened.error();
  return bucket;
}

Result<> Router::OpenTable(Bucket& bucket) {
  RETURN_IF_ERROR(bucket.segment->EnsureShard(bucket.shard));
  ASSIGN_OR_RETURN(bucket.table, bucket.segment->Shard(bucket.shard));
  if (const auto reason = bucket.table->ReadOnly()) {
    return Error{ErrorCode::kReadOnly, reason->ToString()};
  }
  // A damaged run only means that entries are sent again.
  Result<const SeriesSet*> known = bucket.table->KnownSeries();
  if (known.has_value()) bucket.known = *known;
  if (IsPlanted(PlantedBug::kSeriesKnownToOtherTable)) bucket.known = buckets_.front().known;
  return Ok();
}

void Router::PlaceRow(uint32_t row) {
  const Result<> found = FindSegment(rows_.rows.timestamps[row]);
  if (!found.has_value()) {
    Refuse(row, found.error());
    return;
  }
  Bucket& bucket =
      BucketOf(ShardId(static_cast<uint32_t>(rows_.shard_hashes[row] % segment_shards_)));
  if (bucket.takes_rows()) {
    bucket.order.push_back(row);
  } else {
    Refuse(row, bucket.error);
  }
}

void Router::LookUp(Bucket& bucket) {
  using Known = SeriesSet::Known;
  const SubjectId subject = rows_.rows.subject;
  const std::vector<SeriesId> series = Gathered(rows_.rows.series, bucket.order);
  std::vector<Known> known(series.size(), Known::kNo);
  if (bucket.known != nullptr) {
    bucket.known->Find(subject, series, Gathered(rows_.series_checks, bucket.order), known);
  }
  if (std::find(known.begin(), known.end(), Known::kNo) != known.end()) {
    LookUpNew(bucket, series, known);
  }
  size_t kept = 0;
  for (size_t i = 0; i < known.size(); ++i) {
    const uint32_t row = bucket.order[i];
    if (known[i] == Known::kCollision) {
      LogError("write.collision", "series id {} of group {} has another entity", Hex16(series[i]),
               store_.name());
      Refuse(row, Error{ErrorCode::kCorruption, "series id collision"});
      continue;
    }
    bucket.order[kept++] = row;
  }
  bucket.order.resize(kept);
}

void Router::LookUpNew(Bucket& bucket, const std::vector<SeriesId>& series,
                       std::vector<SeriesSet::Known>& known) {
  using Known = SeriesSet::Known;
  const SubjectId subject = rows_.rows.subject;
  // What its first row says of a series, the others have to say too.
  boost::unordered_flat_map<uint64_t, size_t> place_of;
  std::vector<uint32_t> first_rows;
  std::vector<SeriesId> fresh;
  std::vector<uint64_t> checks;
  for (size_t i = 0; i < known.size(); ++i) {
    if (known[i] != Known::kNo) continue;
    const uint32_t row = bucket.order[i];
    const auto [place, is_first] = place_of.try_emplace(series[i].value(), fresh.size());
    if (is_first) {
      first_rows.push_back(row);
      fresh.push_back(series[i]);
      checks.push_back(rows_.series_checks[row]);
    } else if (checks[place->second] != rows_.series_checks[row]) {
      known[i] = Known::kCollision;
    }
  }
  std::vector<Known> claimed(fresh.size(), Known::kNo);
  if (bucket.known != nullptr) {
    bucket.known->Claim(subject, fresh, checks, claimed, *bucket.claims);
  }
  for (size_t i = 0; i < fresh.size(); ++i) {
    if (claimed[i] != Known::kNo) continue;
    bucket.entries.push_back({subject, fresh[i], std::string(rows_.series_key(first_rows[i]))});
  }
  for (size_t i = 0; i < known.size(); ++i) {
    if (known[i] == Known::kNo) known[i] = claimed[place_of.at(series[i].value())];
  }
}

void Router::KeepClaims(Bucket& bucket, const std::vector<Routed>& routed) {
  const auto before = std::find_if(routed.begin(), routed.end(), [&](const Routed& other) {
    return other.table == bucket.table && other.claims != nullptr;
  });
  if (before != routed.end()) {
    bucket.table = before->table;
    bucket.claims = before->claims;
    return;
  }
  // The claims go first.
  struct ClaimingTable {
    std::shared_ptr<TsTable> table;
    SeriesSet::Claims claims;
  };
  const auto claiming = std::make_shared<ClaimingTable>();
  claiming->table = std::move(bucket.table);
  bucket.table = std::shared_ptr<TsTable>(claiming, claiming->table.get());
  bucket.claims = std::shared_ptr<SeriesSet::Claims>(claiming, &claiming->claims);
}

void Router::Refuse(uint32_t row, const Error& error) {
  refused_.push_back({rows_.ordinals[row], error.code});
}

Routed Router::Finish(Bucket& bucket) {
  Routed routed;
  routed.table = std::move(bucket.table);
  routed.claims = std::move(bucket.claims);
  routed.rows.catalog = store_.catalog();
  routed.rows.group = store_.id();
  routed.rows.segment = bucket.segment->times();
  routed.rows.shard = bucket.shard;
  const bool whole = bucket.order.size() == rows_.rows.rows();
  routed.rows.rows = whole ? std::move(rows_.rows) : Reordered(rows_.rows, bucket.order, false);
  std::vector<SeriesEntry>& entries = bucket.entries;
  std::sort(entries.begin(), entries.end(),
            [](const SeriesEntry& a, const SeriesEntry& b) { return a.series < b.series; });
  routed.rows.entries = std::move(entries);
  return routed;
}

}  // namespace

void RouteRows(GroupStore& store, KeyedRows rows, std::vector<Routed>& routed,
               std::vector<RefusedRow>& refused) {
  Router(store, std::move(rows), refused).Run(routed);
}

}  // namespace ficus
