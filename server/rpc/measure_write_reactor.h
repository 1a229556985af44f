// One client's stream of measure writes.
//
//     read --> walk, validate --> collect --> database (on the write executor) --> replies
//
// While one batch of rows is on its way to the log the next collects, so the batches grow with the
// load. Reading stops while too much is collected or the memory ledger refuses: HTTP/2 flow control
// then holds the client back. A row that is wrong by itself is answered in its place; an accepted
// one once it is durable and visible. Every message has exactly one reply, unless the stream was
// cancelled.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "engine/base/memory_ledger.h"
#include "engine/base/mutex.h"
#include "server/ingest/measure_write_session.h"
#include "server/ingest/row_sink.h"
#include "server/rpc/reply_queue.h"
#include "server/rpc/rpc_context.h"

namespace ficus {

// Counts of all write streams.
struct WriteMetrics {
  explicit WriteMetrics(MetricRegistry& registry);

  Counter& messages;
  Counter& points;
  Counter& refused;
  Counter& streams;
  Histogram& ack_seconds;
};

// Deletes itself once the stream is done and no batch of it is under way.
class MeasureWriteReactor final
    : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  static MeasureWriteReactor* Start(RpcContext& context, WriteMetrics& metrics);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // A message of a batch, in the order of arrival; `ordinal` is that of its row, if it has one.
  struct Pending {
    Reply reply;
    bool accepted = false;
  };
  struct Batch {
    std::vector<Pending> pending;
    MemoryReservation reservation;
    int64_t started = 0;
    int64_t waits = 0;  // how often it waited for room
  };
  // What to do once the lock is released: calls into gRPC and the database.
  struct Actions {
    bool read = false;
    bool finish = false;
    grpc::Status status;
    std::unique_ptr<grpc::ByteBuffer> write;
    bool more_writes = false;
    std::shared_ptr<Batch> batch;
    std::vector<KeyedRows> rows;
  };

  MeasureWriteReactor(RpcContext& context, WriteMetrics& metrics);
  ~MeasureWriteReactor() override = default;

  void TakeMessage() REQUIRES(mutex_);
  void EndWith(grpc::Status status) REQUIRES(mutex_);
  Actions NextActions() REQUIRES(mutex_);
  void MaybeSendBatch(Actions& actions) REQUIRES(mutex_);
  void MaybeWrite(Actions& actions) REQUIRES(mutex_);
  void MaybeFinish(Actions& actions) REQUIRES(mutex_);
  void Act(Actions actions);
  void Store(const std::shared_ptr<Batch>& batch,
             const std::shared_ptr<std::vector<KeyedRows>>& rows);
  void BatchStored(const std::shared_ptr<Batch>& batch, const Result<>& result,
                   const std::vector<RefusedRow>& refused);
  void Leave();

  // Constant after construction.
  RpcContext& context_;
  WriteMetrics& metrics_;

  // Touched by the one read that is under way.
  grpc::ByteBuffer message_;

  // Kept alive until gRPC has sent it.
  std::unique_ptr<grpc::ByteBuffer> writing_;

  Mutex mutex_;
  MeasureWriteSession session_ GUARDED_BY(mutex_);
  RowSink sink_ GUARDED_BY(mutex_);
  std::vector<Pending> pending_ GUARDED_BY(mutex_);
  MemoryReservation reservation_ GUARDED_BY(mutex_);
  ReplyQueue replies_ GUARDED_BY(mutex_);
  grpc::Status end_ GUARDED_BY(mutex_);
  bool reading_ GUARDED_BY(mutex_) = true;
  bool read_ended_ GUARDED_BY(mutex_) = false;
  bool cancelled_ GUARDED_BY(mutex_) = false;
  bool write_under_way_ GUARDED_BY(mutex_) = false;
  bool batch_under_way_ GUARDED_BY(mutex_) = false;
  bool finished_ GUARDED_BY(mutex_) = false;
  // Threads of the database between choosing actions and having acted: the call must not end under
  // them, which nothing of gRPC holds open for them.
  int acting_ GUARDED_BY(mutex_) = 0;
  int users_ GUARDED_BY(mutex_) = 1;  // gRPC until OnDone, and each batch under way
};

}  // namespace ficus
