// Replies of one write stream that the client has not taken yet: a few bytes each, charged to the
// ledger.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include <grpcpp/support/byte_buffer.h>

#include "engine/base/memory_ledger.h"
#include "engine/base/result.h"
#include "server/ingest/measure_write_session.h"
#include "server/ingest/write_status.h"

namespace ficus {

struct Reply {
  uint64_t message_id = 0;
  WriteStatus status = WriteStatus::kUnspecified;
  std::shared_ptr<const WriteMetadata> metadata;
};

// measure.v1.WriteResponse: message_id = 1, status = 2 (the name), metadata = 3.
grpc::ByteBuffer EncodeReply(const Reply& reply);

// One thread at a time. A client that half-closes before it reads has all its replies here.
class ReplyQueue {
 public:
  explicit ReplyQueue(MemoryLedger& ledger) : ledger_(ledger) {}

  // Charged in steps of many replies; kResourceExhausted when the ledger refuses, and the reply is
  // not in the queue.
  Result<> Push(Reply reply);
  bool empty() const { return replies_.empty(); }
  size_t size() const { return replies_.size(); }
  Reply Pop();

 private:
  MemoryLedger& ledger_;
  MemoryReservation reservation_;
  std::deque<Reply> replies_;
};

}  // namespace ficus
