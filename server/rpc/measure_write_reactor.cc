#include "server/rpc/measure_write_reactor.h"

#include <string>
#include <utility>

#include <grpcpp/support/slice.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "server/rpc/status_map.h"

namespace ficus {
namespace {

// Rows collected while a batch is under way; beyond it the stream is not read.
constexpr size_t kSinkBytesMax = 4 << 20;
// How long a batch waits for memory before its stream is told to come back later.
constexpr int64_t kWaitNanos = 20 * kNanosPerMilli;
constexpr int64_t kWaitsMax = 5 * kNanosPerSecond / kWaitNanos;
// The ledger is asked for this much at a time.
constexpr size_t kReservationStep = 256 << 10;

// The bytes of a message in one piece; `storage` holds them where they came in several.
std::string_view Flatten(const grpc::ByteBuffer& buffer, grpc::Slice& slice, std::string& storage) {
  if (buffer.TrySingleSlice(&slice).ok()) {
    return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
  }
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return {};
  storage.reserve(buffer.Length());
  for (const grpc::Slice& piece : slices) {
    storage.append(reinterpret_cast<const char*>(piece.begin()), piece.size());
  }
  return storage;
}

}  // namespace

WriteMetrics::WriteMetrics(MetricRegistry& registry)
    : messages(registry.AddCounter("ficus_write_messages_total", "Write messages received.")),
      points(registry.AddCounter("ficus_write_points_total",
                                 "Points acknowledged: durable and visible.")),
      refused(registry.AddCounter("ficus_write_refused_total",
                                  "Write messages answered with anything but success.")),
      streams(registry.AddCounter("ficus_write_streams_total", "Write streams opened.")),
      ack_seconds(registry.AddHistogram(
          "ficus_write_ack_seconds",
          "From handing rows to the database until they are durable and visible.",
          LatencyBounds())) {}

MeasureWriteReactor* MeasureWriteReactor::Start(RpcContext& context, WriteMetrics& metrics) {
  auto* const reactor = new MeasureWriteReactor(context, metrics);
  metrics.streams.Add();
  reactor->StartRead(&reactor->message_);
  return reactor;
}

MeasureWriteReactor::MeasureWriteReactor(RpcContext& context, WriteMetrics& metrics)
    : context_(context),
      metrics_(metrics),
      session_({.future_nanos_max = context.future_nanos_max}),
      replies_(context.ledger) {}

void MeasureWriteReactor::OnReadDone(bool ok) {
  Actions actions;
  {
    MutexLock lock(mutex_);
    reading_ = false;
    if (ok && end_.ok()) {
      TakeMessage();
    } else {
      read_ended_ = true;
    }
    actions = NextActions();
  }
  Act(std::move(actions));
}

void MeasureWriteReactor::TakeMessage() {
  metrics_.messages.Add();
  grpc::Slice slice;
  std::string storage;
  const std::string_view bytes = Flatten(message_, slice, storage);
  const Result<WriteOutcome> outcome =
      session_.Write(bytes, context_.database.Schema(), context_.clock.Now(), sink_);
  message_.Clear();
  if (!outcome.has_value()) {
    EndWith(ToGrpcStatus(outcome.error()));
    return;
  }
  Pending pending;
  pending.reply = {outcome->message_id, outcome->status, session_.metadata()};
  pending.accepted = outcome->status == WriteStatus::kSucceed;
  pending_.push_back(std::move(pending));
  const size_t needed = sink_.bytes() + pending_.size() * sizeof(Pending);
  if (needed <= reservation_.bytes()) return;
  Result<> reserved = Ok();
  if (reservation_.bytes() == 0) {
    Result<MemoryReservation> first =
        context_.ledger.Reserve(MemoryConsumer::kRequests, needed + kReservationStep);
    if (first.has_value()) {
      reservation_ = *std::move(first);
    } else {
      reserved = first.error();
    }
  } else {
    reserved = reservation_.Resize(needed + kReservationStep);
  }
  if (!reserved.has_value()) EndWith(ToGrpcStatus(reserved.error()));
}

// What was accepted before is still stored and acknowledged.
void MeasureWriteReactor::EndWith(grpc::Status status) {
  if (!end_.ok()) return;
  end_ = std::move(status);
  read_ended_ = true;
}

MeasureWriteReactor::Actions MeasureWriteReactor::NextActions() {
  Actions actions;
  MaybeSendBatch(actions);
  MaybeWrite(actions);
  if (!reading_ && !read_ended_ && sink_.bytes() < kSinkBytesMax) {
    reading_ = true;
    actions.read = true;
  }
  MaybeFinish(actions);
  return actions;
}

void MeasureWriteReactor::MaybeFinish(Actions& actions) {
  const bool all_done = acting_ == 0 && pending_.empty() && !batch_under_way_ &&
                        !write_under_way_ && (replies_.empty() || cancelled_);
  // An error may end the stream while a read is still under way; gRPC then ends the read, too.
  if (read_ended_ && (!reading_ || !end_.ok()) && all_done && !finished_) {
    finished_ = true;
    actions.finish = true;
    actions.status = end_;
  }
}

void MeasureWriteReactor::MaybeSendBatch(Actions& actions) {
  if (batch_under_way_ || pending_.empty()) return;
  auto batch = std::make_shared<Batch>();
  batch->pending = std::exchange(pending_, {});
  batch->reservation = std::move(reservation_);
  batch->started = context_.clock.Monotonic();
  actions.rows = sink_.Take();
  actions.batch = std::move(batch);
  batch_under_way_ = true;
  ++users_;
}

void MeasureWriteReactor::MaybeWrite(Actions& actions) {
  if (write_under_way_ || replies_.empty() || cancelled_) return;
  write_under_way_ = true;
  actions.write = std::make_unique<grpc::ByteBuffer>(EncodeReply(replies_.Pop()));
  actions.more_writes = !replies_.empty();
}

void MeasureWriteReactor::Act(Actions actions) {
  if (actions.batch != nullptr) {
    context_.write_executor.Post([this, batch = std::move(actions.batch),
                                  rows = std::make_shared<std::vector<KeyedRows>>(
                                      std::move(actions.rows))] { Store(batch, rows); });
  }
  if (actions.write != nullptr) {
    writing_ = std::move(actions.write);
    grpc::WriteOptions options;
    // The last reply of a group carries the others with it.
    if (actions.more_writes) options.set_buffer_hint();
    StartWrite(writing_.get(), options);
  }
  if (actions.read) StartRead(&message_);
  if (actions.finish) Finish(actions.status);
}

void MeasureWriteReactor::Store(const std::shared_ptr<Batch>& batch,
                                const std::shared_ptr<std::vector<KeyedRows>>& rows) {
  if (rows->empty()) {
    BatchStored(batch, Ok(), {});
    return;
  }
  size_t bytes = 0;
  for (const KeyedRows& keyed : *rows) bytes += keyed.MemoryBytes();
  // A flush makes room soon. Meanwhile the stream is not read, and the client feels it.
  if (!context_.ledger.HasRoom(MemoryConsumer::kMemParts, bytes) && batch->waits < kWaitsMax) {
    ++batch->waits;
    context_.write_executor.PostAfter(kWaitNanos, [this, batch, rows] { Store(batch, rows); });
    return;
  }
  context_.database.Write(std::move(*rows), [this, batch](const Result<>& result,
                                                          const std::vector<RefusedRow>& refused) {
    BatchStored(batch, result, refused);
  });
}

void MeasureWriteReactor::BatchStored(const std::shared_ptr<Batch>& batch, const Result<>& result,
                                      const std::vector<RefusedRow>& refused) {
  // By ordinal: the n-th accepted message of the batch.
  std::vector<WriteStatus> by_row;
  for (const RefusedRow& row : refused) {
    if (row.ordinal >= by_row.size()) by_row.resize(row.ordinal + 1, WriteStatus::kSucceed);
    by_row[row.ordinal] = StatusOfRefusal(row.code);
  }
  uint64_t stored = 0;
  Actions actions;
  {
    MutexLock lock(mutex_);
    batch_under_way_ = false;
    size_t ordinal = 0;
    for (Pending& pending : batch->pending) {
      if (pending.accepted) {
        if (!result.has_value()) pending.reply.status = StatusOfRefusal(result.error().code);
        if (ordinal < by_row.size()) pending.reply.status = by_row[ordinal];
        ++ordinal;
      }
      if (pending.reply.status == WriteStatus::kSucceed) {
        ++stored;
      } else {
        metrics_.refused.Add();
      }
      if (cancelled_) continue;
      const Result<> queued = replies_.Push(std::move(pending.reply));
      if (!queued.has_value()) {
        EndWith(ToGrpcStatus(queued.error()));
        break;
      }
    }
    // Memory or the log's queue is short: the client is told to come back later.
    if (!result.has_value() && result.error().code == ErrorCode::kResourceExhausted) {
      EndWith(ToGrpcStatus(result.error()));
    }
    if (!result.has_value() && result.error().code == ErrorCode::kUnavailable) {
      EndWith(ToGrpcStatus(result.error()));
    }
    batch->reservation.Release();
    ++acting_;
    actions = NextActions();
  }
  metrics_.points.Add(stored);
  metrics_.ack_seconds.Observe(static_cast<double>(context_.clock.Monotonic() - batch->started) /
                               kNanosPerSecond);
  Act(std::move(actions));
  Actions last;
  {
    MutexLock lock(mutex_);
    --acting_;
    MaybeFinish(last);
  }
  Act(std::move(last));
  Leave();
}

void MeasureWriteReactor::OnWriteDone(bool ok) {
  Actions actions;
  {
    MutexLock lock(mutex_);
    write_under_way_ = false;
    if (!ok) cancelled_ = true;
    actions = NextActions();
  }
  Act(std::move(actions));
}

void MeasureWriteReactor::OnCancel() {
  Actions actions;
  {
    MutexLock lock(mutex_);
    cancelled_ = true;
    actions = NextActions();
  }
  Act(std::move(actions));
}

void MeasureWriteReactor::OnDone() { Leave(); }

void MeasureWriteReactor::Leave() {
  {
    MutexLock lock(mutex_);
    if (--users_ > 0) return;
  }
  delete this;
}

}  // namespace ficus
