// The answer to a measure query as the bytes that its client gets.
#pragma once

#include <cstddef>
#include <vector>

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include "banyandb/measure/v1/query.pb.h"
#include "engine/base/memory_ledger.h"
#include "engine/query/measure_answer.h"
#include "server/rpc/bounded_calls.h"

namespace ficus {

// What clients of gRPC can parse at all, as a message of protocol buffers.
inline constexpr size_t kAnswerBytesMax = (size_t{2} << 30) - 1;

// The bytes of one measure.v1.QueryResponse. Rows become bytes as they come, without the objects of
// the generated classes, which take many times their memory and time. Each piece is charged to the
// ledger (MemoryConsumer::kQueries) before it is made. One thread at a time.
class MeasureAnswerBytes {
 public:
  // `ledger` outlives it.
  explicit MeasureAnswerBytes(MemoryLedger& ledger) : ledger_(ledger) {}

  // Appends rows; names come from `shape`. kResourceExhausted: no memory, or more than
  // kAnswerBytesMax.
  Result<> AddRows(const MeasureRowShape& shape, const MeasureRowBatch& rows);
  // Appends what a response holds beside rows. Errors as AddRows.
  Result<> Add(const banyandb::measure::v1::QueryResponse& rest);

  // Moves the bytes into `response` and their charge to `memory`. Once.
  void Give(grpc::ByteBuffer& response, CallMemory& memory);

 private:
  // Charges for `bytes` more.
  Result<> Charge(size_t bytes);

  MemoryLedger& ledger_;
  std::vector<grpc::Slice> pieces_;
  MemoryReservation charged_;
};

}  // namespace ficus
