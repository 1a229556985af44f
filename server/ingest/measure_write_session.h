// One client's stream of measure writes: message bytes in, rows and statuses out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/schema/schema_snapshot.h"
#include "server/ingest/row_layout.h"
#include "server/ingest/row_sink.h"
#include "server/ingest/write_request_view.h"
#include "server/ingest/write_status.h"

namespace ficus {

// The metadata in force, echoed with each reply.
struct WriteMetadata {
  std::string group;
  std::string name;
  uint32_t id = 0;
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
  friend bool operator==(const WriteMetadata&, const WriteMetadata&) = default;
};

struct WriteOutcome {
  uint64_t message_id = 0;
  // kSucceed: the row is in the sink, and is true once the database has stored it. Anything else is
  // the answer.
  WriteStatus status = WriteStatus::kUnspecified;
  // Why, for the log: a text that lives as long as the program; empty for kSucceed.
  std::string_view reason;
};

// One thread at a time.
//
// A message without metadata or spec uses the last ones of the stream; a spec stays in force when
// the metadata changes. A repeated measure costs no lookup by name, and a message no allocation,
// once the buffers have grown. A row is checked whole before anything of it reaches the sink.
class MeasureWriteSession {
 public:
  struct Limits {
    int64_t future_nanos_max = kNanosPerDay;  // rows further ahead of the clock are refused
    // A sink with more than this must be taken first.
    size_t sink_bytes_max = size_t{256} << 20;
  };

  explicit MeasureWriteSession(Limits limits);
  ~MeasureWriteSession();
  MeasureWriteSession(const MeasureWriteSession&) = delete;
  MeasureWriteSession& operator=(const MeasureWriteSession&) = delete;

  // Reads one message. `now` is the wall clock; `schema` may change between messages.
  // An error ends the stream and left nothing in the sink: kInvalidArgument (no WriteRequest, or a
  // rule of the protocol is broken), kUnknown (no metadata yet; the text is the contract),
  // kResourceExhausted (too many items, or the sink is full).
  Result<WriteOutcome> Write(std::string_view message,
                             const std::shared_ptr<const SchemaSnapshot>& schema, UnixNanos now,
                             RowSink& sink);

  // Null before the first message. A pending reply may keep it.
  const std::shared_ptr<const WriteMetadata>& metadata() const { return metadata_; }

 private:
  struct Bound;    // a measure of the stream, resolved
  struct Refusal;  // a status and its reason

  Result<> CheckMessage() const;
  void TakeMetadata();
  void TakeSpec();
  Bound* Resolve();
  void Rebind(Bound& bound);
  std::optional<Refusal> CheckRevision(const Bound& bound) const;
  std::optional<Refusal> CheckRow(const Bound& bound, UnixNanos timestamp, UnixNanos now) const;
  void Append(Bound& bound, UnixNanos timestamp, RowSink& sink);
  size_t AppendValue(const ValueView* value, ColumnValues& column);

  const Limits limits_;
  std::shared_ptr<const SchemaSnapshot> schema_;
  uint64_t schema_serial_ = 0;  // one more with each other snapshot
  WriteRequestView view_;
  std::shared_ptr<const WriteMetadata> metadata_;
  std::optional<SpecNames> spec_;  // without: positions are those of the schema
  uint64_t spec_serial_ = 0;       // one more with each other spec
  std::unordered_map<std::string, std::unique_ptr<Bound>> bounds_;  // by group and name
  Bound* bound_ = nullptr;  // of metadata_; null: not resolved yet
  std::string name_scratch_;
  std::string shard_scratch_;
  std::string cell_scratch_;
};

}  // namespace ficus
