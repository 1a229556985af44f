#include "server/ingest/measure_write_session.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/check.h"
#include "engine/model/entity.h"
#include "server/ingest/wire_walker.h"

namespace ficus {
namespace {

// Measures that a session remembers. A stream rarely has more; one that names others all the time
// must not grow without bound.
constexpr size_t kBoundsMax = 1024;
// What a row takes beside its key and columns.
constexpr size_t kRowBytes = 48;

constexpr UnixNanos kMin = std::numeric_limits<UnixNanos>::min();
constexpr UnixNanos kMax = std::numeric_limits<UnixNanos>::max();

UnixNanos Minus(UnixNanos time, int64_t nanos) {
  UnixNanos result = 0;
  return __builtin_sub_overflow(time, nanos, &result) ? kMin : result;
}

UnixNanos Plus(UnixNanos time, int64_t nanos) {
  UnixNanos result = 0;
  return __builtin_add_overflow(time, nanos, &result) ? kMax : result;
}

// False when the time does not fit. Nanoseconds outside of a second carry over.
bool ToNanos(int64_t seconds, int32_t nanos, int64_t& total) {
  // One second of slack keeps times whose nanoseconds pull them back into range.
  int64_t whole = 0;
  const int64_t carry = nanos / kNanosPerSecond - (nanos % kNanosPerSecond < 0 ? 1 : 0);
  if (__builtin_add_overflow(seconds, carry, &seconds)) return false;
  const int64_t rest = nanos - carry * kNanosPerSecond;
  if (seconds < 0) {
    // The smallest second is not whole in nanoseconds, so it is approached from above.
    return !__builtin_mul_overflow(seconds + 1, kNanosPerSecond, &whole) &&
           !__builtin_add_overflow(whole, rest - kNanosPerSecond, &total);
  }
  return !__builtin_mul_overflow(seconds, kNanosPerSecond, &whole) &&
         !__builtin_add_overflow(whole, rest, &total);
}

bool FitsEntity(ValueKind kind) {
  return kind == ValueKind::kString || kind == ValueKind::kInt || kind == ValueKind::kBinary ||
         kind == ValueKind::kNull;
}

bool FitsShardingKey(ValueKind kind) { return kind != ValueKind::kUnset; }

// Every position holds a value that a key can take; a tag that no spec names is null.
template <typename Fits>
bool HasKeyValues(const WriteRequestView& view, const std::vector<TagPosition>& positions,
                  Fits fits) {
  return std::all_of(positions.begin(), positions.end(), [&](TagPosition position) {
    if (position.family == kNowhere) return true;
    const ValueView* value = ValueOf(view, position);
    return value != nullptr && fits(value->kind);
  });
}

int64_t TimestampNanos(const ValueView& value, bool& fits) {
  int64_t nanos = 0;
  fits = ToNanos(static_cast<int64_t>(value.word), value.nanos, nanos);
  return nanos;
}

void AppendKeyValue(const ValueView* value, std::string& key) {
  if (value == nullptr) return AppendKeyNull(key);
  switch (value->kind) {
    case ValueKind::kString:
      return AppendKeyString(key, value->bytes);
    case ValueKind::kInt:
      return AppendKeyInt(key, static_cast<int64_t>(value->word));
    case ValueKind::kBinary:
      return AppendKeyBinary(key, value->bytes);
    default:
      return AppendKeyNull(key);
  }
}

void AppendShardValue(const WriteRequestView& view, const ValueView* value, std::string& bytes) {
  if (value == nullptr) return;
  bool fits = true;
  switch (value->kind) {
    case ValueKind::kString:
    case ValueKind::kBinary:
      bytes.append(value->bytes);
      return;
    case ValueKind::kInt:
      return AppendShardInt(bytes, static_cast<int64_t>(value->word));
    case ValueKind::kStringArray:
      return AppendStringArrayShard(view, *value, bytes);
    case ValueKind::kIntArray:
      return AppendInt64ArrayShard(view, *value, bytes);
    case ValueKind::kTimestamp:
      return AppendShardInt(bytes, TimestampNanos(*value, fits));
    default:
      return;
  }
}

}  // namespace

struct MeasureWriteSession::Refusal {
  WriteStatus status;
  std::string_view reason;
};

struct MeasureWriteSession::Bound {
  // As of the snapshot `schema_serial`. Null when the group or the measure does not exist.
  uint64_t schema_serial = 0;
  SchemaSnapshot::ObjectPtr measure;
  GroupId group;
  int64_t ttl_nanos = 0;  // 0: none

  // For `measure` under `spec`, which is the session's spec `spec_serial`.
  uint64_t spec_serial = 0;
  std::optional<SpecNames> spec;
  RowLayout layout;
  std::string key_head;  // the subject's part of every series key

  // Where its rows go in one generation of a sink.
  const RowSink* sink = nullptr;
  uint64_t sink_generation = 0;
  size_t batch = 0;
};

MeasureWriteSession::MeasureWriteSession(Limits limits) : limits_(limits) {}
MeasureWriteSession::~MeasureWriteSession() = default;

Result<WriteOutcome> MeasureWriteSession::Write(std::string_view message,
                                                const std::shared_ptr<const SchemaSnapshot>& schema,
                                                UnixNanos now, RowSink& sink) {
  if (sink.bytes() > limits_.sink_bytes_max) {
    return Error{ErrorCode::kResourceExhausted, "too many rows wait to be stored"};
  }
  if (schema != schema_) {
    schema_ = schema;
    ++schema_serial_;
  }
  RETURN_IF_ERROR(ParseWriteRequest(message, view_));
  RETURN_IF_ERROR(CheckMessage());
  if (view_.has_metadata) {
    TakeMetadata();
  } else if (metadata_ == nullptr) {
    return Error{ErrorCode::kUnknown, "metadata is required for the first request of gRPC stream"};
  }
  if (view_.has_spec) TakeSpec();

  const auto answer = [&](const Refusal& refusal) {
    return WriteOutcome{view_.message_id, refusal.status, refusal.reason};
  };
  UnixNanos timestamp = 0;
  if (!ToNanos(view_.timestamp.seconds, view_.timestamp.nanos, timestamp)) {
    return answer({WriteStatus::kInvalidTimestamp, "the time is outside of 1677 to 2262"});
  }
  if (timestamp % kNanosPerMilli != 0) {
    return answer({WriteStatus::kInvalidTimestamp, "the time is not in whole milliseconds"});
  }
  Bound* bound = Resolve();
  if (const auto refusal = CheckRevision(*bound)) return answer(*refusal);
  Rebind(*bound);
  if (const auto refusal = CheckRow(*bound, timestamp, now)) return answer(*refusal);
  Append(*bound, timestamp, sink);
  return WriteOutcome{view_.message_id, WriteStatus::kSucceed, {}};
}

// The rules of the protocol: a message that breaks one cannot be answered.
Result<> MeasureWriteSession::CheckMessage() const {
  const auto broken = [](std::string_view what) {
    return Error{ErrorCode::kInvalidArgument, "invalid WriteRequest: " + std::string(what)};
  };
  if (view_.message_id == 0) return broken("message_id must be greater than 0");
  if (!view_.has_data_point) return broken("data_point is required");
  if (!view_.has_timestamp) return broken("data_point.timestamp is required");
  if (view_.families.empty()) return broken("data_point.tag_families must have at least 1 item");
  return Ok();
}

void MeasureWriteSession::TakeMetadata() {
  const MetadataView& view = view_.metadata;
  if (metadata_ != nullptr && metadata_->group == view.group && metadata_->name == view.name) {
    if (metadata_->id == view.id && metadata_->create_revision == view.create_revision &&
        metadata_->mod_revision == view.mod_revision) {
      return;
    }
  } else {
    bound_ = nullptr;
  }
  metadata_ = std::make_shared<const WriteMetadata>(
      WriteMetadata{std::string(view.group), std::string(view.name), view.id, view.create_revision,
                    view.mod_revision});
}

void MeasureWriteSession::TakeSpec() {
  if (spec_ && spec_->Equals(view_)) return;
  spec_.emplace(view_);
  ++spec_serial_;
}

// The measure of the metadata in force, as the schema in force has it.
MeasureWriteSession::Bound* MeasureWriteSession::Resolve() {
  if (bound_ == nullptr) {
    name_scratch_.assign(metadata_->group).append(1, '\0').append(metadata_->name);
    auto known = bounds_.find(name_scratch_);
    if (known == bounds_.end()) {
      if (bounds_.size() >= kBoundsMax) bounds_.clear();
      known = bounds_.emplace(name_scratch_, std::make_unique<Bound>()).first;
    }
    bound_ = known->second.get();
  }
  if (bound_->schema_serial == schema_serial_) return bound_;

  bound_->schema_serial = schema_serial_;
  const SchemaObject* group = schema_->FindGroup(metadata_->group);
  const SchemaObject* measure =
      schema_->Find(SchemaKind::kMeasure, metadata_->group, metadata_->name);
  if (group == nullptr || measure == nullptr) {
    bound_->measure = nullptr;
    return bound_;
  }
  const bool same = bound_->measure != nullptr && bound_->group == group->group_id &&
                    bound_->measure->subject_id == measure->subject_id &&
                    bound_->measure->mod_revision == measure->mod_revision;
  const auto& ttl = group->group().resources->ttl;
  bound_->group = group->group_id;
  bound_->ttl_nanos = ttl ? ttl->nanos() : 0;
  bound_->measure = schema_->Share(*measure);
  if (same) return bound_;
  bound_->sink = nullptr;
  bound_->layout.slots.clear();
  bound_->key_head.clear();
  return bound_;
}

// Positions for the spec in force. A layout has no key head until it was made.
void MeasureWriteSession::Rebind(Bound& bound) {
  if (!bound.key_head.empty()) {
    if (bound.spec_serial == spec_serial_) return;
    bound.spec_serial = spec_serial_;
    if (bound.spec == spec_) return;
  }
  bound.spec_serial = spec_serial_;
  bound.spec = spec_;
  bound.layout = RowLayout::Make(*bound.measure, spec_ ? &*spec_ : nullptr);
  bound.key_head.clear();
  AppendKeySubject(bound.key_head, bound.measure->key.name);
}

std::optional<MeasureWriteSession::Refusal> MeasureWriteSession::CheckRevision(
    const Bound& bound) const {
  const int64_t wanted = metadata_->mod_revision;
  if (bound.measure == nullptr) {
    return Refusal{wanted > 0 ? WriteStatus::kNotFound : WriteStatus::kInternalError,
                   "the group or the measure does not exist"};
  }
  if (wanted <= 0 || wanted == bound.measure->mod_revision) return std::nullopt;
  if (wanted < bound.measure->mod_revision) {
    return Refusal{WriteStatus::kExpiredSchema, "the schema is newer than the message's"};
  }
  return Refusal{WriteStatus::kSchemaNotApplied, "the message's schema is newer"};
}

std::optional<MeasureWriteSession::Refusal> MeasureWriteSession::CheckRow(const Bound& bound,
                                                                          UnixNanos timestamp,
                                                                          UnixNanos now) const {
  if (view_.families.size() > bound.layout.families_max) {
    return Refusal{WriteStatus::kInternalError, "more tag families than the schema or spec has"};
  }
  if (!HasKeyValues(view_, bound.layout.entity, FitsEntity)) {
    return Refusal{WriteStatus::kInternalError,
                   "an entity tag is missing, has no value, or one that no entity can hold"};
  }
  if (!HasKeyValues(view_, bound.layout.sharding, FitsShardingKey)) {
    return Refusal{WriteStatus::kInternalError, "a tag of the sharding key is missing"};
  }
  if (bound.ttl_nanos > 0 && timestamp < Minus(now, bound.ttl_nanos)) {
    return Refusal{WriteStatus::kInvalidTimestamp, "the time is older than the group's TTL"};
  }
  if (timestamp > Plus(now, limits_.future_nanos_max)) {
    return Refusal{WriteStatus::kInvalidTimestamp, "the time is too far in the future"};
  }
  return std::nullopt;
}

void MeasureWriteSession::Append(Bound& bound, UnixNanos timestamp, RowSink& sink) {
  if (bound.sink != &sink || bound.sink_generation != sink.generation_) {
    bound.batch = sink.BatchOf(bound.group, *bound.measure);
    bound.sink = &sink;
    bound.sink_generation = sink.generation_;
  }
  KeyedRows& batch = sink.batches_[bound.batch];

  const size_t key_begin = batch.keys.size();
  batch.keys.append(bound.key_head);
  for (const TagPosition position : bound.layout.entity) {
    AppendKeyValue(ValueOf(view_, position), batch.keys);
  }
  const std::string_view key = std::string_view(batch.keys).substr(key_begin);
  batch.key_ends.push_back(static_cast<uint32_t>(batch.keys.size()));
  batch.rows.series.push_back(SeriesIdOf(key));
  batch.series_checks.push_back(SeriesCheckOf(key));

  const auto& sharding =
      bound.layout.sharding.empty() ? bound.layout.entity : bound.layout.sharding;
  shard_scratch_.assign(bound.measure->key.name);
  for (const TagPosition position : sharding) {
    AppendShardValue(view_, ValueOf(view_, position), shard_scratch_);
  }
  batch.shard_hashes.push_back(ShardHashOf(shard_scratch_));

  batch.rows.timestamps.push_back(timestamp);
  batch.rows.versions.push_back(view_.version != 0 ? view_.version
                                                   : static_cast<int64_t>(view_.message_id));
  batch.ordinals.push_back(static_cast<uint32_t>(sink.rows_));
  size_t bytes = kRowBytes + key.size();
  for (size_t i = 0; i < bound.layout.slots.size(); ++i) {
    const RowLayout::Slot& slot = bound.layout.slots[i];
    const ValueView* value = ValueOf(view_, slot.tag);
    if (slot.is_field) {
      value = slot.field < view_.fields.size() ? &view_.fields[slot.field] : nullptr;
    }
    bytes += AppendValue(value, batch.rows.columns[i]);
  }
  ++sink.rows_;
  sink.bytes_ += bytes;
}

// A value of another kind than the column's becomes null, as in BanyanDB. Returns the bytes it
// takes.
size_t MeasureWriteSession::AppendValue(const ValueView* value, ColumnValues& column) {
  const ValueKind kind = value == nullptr ? ValueKind::kUnset : value->kind;
  bool fits = false;
  switch (column.type()) {
    case ColumnType::kInt64:
      if ((fits = kind == ValueKind::kInt)) column.AppendWord(value->word);
      break;
    case ColumnType::kFloat64:
      if ((fits = kind == ValueKind::kFloat)) column.AppendWord(value->word);
      break;
    case ColumnType::kTimestamp:
      if (kind == ValueKind::kTimestamp) {
        const int64_t nanos = TimestampNanos(*value, fits);
        if (fits) column.AppendWord(static_cast<uint64_t>(nanos));
      }
      break;
    case ColumnType::kString:
      if ((fits = kind == ValueKind::kString)) column.AppendCell(value->bytes);
      break;
    case ColumnType::kBinary:
      if ((fits = kind == ValueKind::kBinary)) column.AppendCell(value->bytes);
      break;
    case ColumnType::kStringArray:
      if ((fits = kind == ValueKind::kStringArray)) {
        cell_scratch_.clear();
        AppendStringArrayCell(view_, *value, cell_scratch_);
        column.AppendCell(cell_scratch_);
      }
      break;
    case ColumnType::kInt64Array:
      if ((fits = kind == ValueKind::kIntArray)) {
        cell_scratch_.clear();
        AppendInt64ArrayCell(view_, *value, cell_scratch_);
        column.AppendCell(cell_scratch_);
      }
      break;
  }
  if (!fits) column.AppendNull();
  if (IsFixed(column.type())) return sizeof(uint64_t);
  return sizeof(uint32_t) + column.cell(column.rows() - 1).size();
}

}  // namespace ficus
