#include "server/rpc/bounded_calls.h"

#include <algorithm>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>

#include "server/rpc/status_map.h"

namespace ficus {
namespace {

// The bytes of a buffer in one piece; most come so.
class OnePiece {
 public:
  explicit OnePiece(grpc_byte_buffer* bytes) : slice_(grpc_empty_slice()) {
    grpc_byte_buffer_reader reader;
    if (grpc_byte_buffer_reader_init(&reader, bytes) == 0) return;
    if (bytes->type == GRPC_BB_RAW && bytes->data.raw.slice_buffer.count == 1) {
      slice_ = grpc_slice_ref(bytes->data.raw.slice_buffer.slices[0]);
    } else {
      slice_ = grpc_byte_buffer_reader_readall(&reader);
    }
    grpc_byte_buffer_reader_destroy(&reader);
  }
  ~OnePiece() { grpc_slice_unref(slice_); }
  OnePiece(const OnePiece&) = delete;
  OnePiece& operator=(const OnePiece&) = delete;

  std::string_view view() const {
    return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice_)), GRPC_SLICE_LENGTH(slice_)};
  }

 private:
  grpc_slice slice_;
};

}  // namespace

Result<MemoryReservation> RequestScale::Weigh(grpc_byte_buffer* bytes) const {
  const size_t wire_bytes = bytes == nullptr ? 0 : grpc_byte_buffer_length(bytes);
  ASSIGN_OR_RETURN(MemoryReservation reservation,
                   ledger_.Reserve(MemoryConsumer::kRequests, wire_bytes));
  const OnePiece piece(bytes);
  ASSIGN_OR_RETURN(const size_t parsed, size_.Of(piece.view(), kParsedRequestBytesMax));
  RETURN_IF_ERROR(reservation.Resize(std::max(parsed, wire_bytes)));
  return reservation;
}

const google::protobuf::ServiceDescriptor& ServiceNamed(const char* name) {
  const auto* const service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
  CHECK(service != nullptr) << "no service " << name;
  return *service;
}

HandlerNote& NoteOfThisThread() {
  thread_local HandlerNote note;
  return note;
}

grpc_byte_buffer* ReplaceByNothing(grpc_byte_buffer* bytes) {
  if (bytes != nullptr) grpc_byte_buffer_destroy(bytes);
  grpc_slice nothing = grpc_empty_slice();
  return grpc_raw_byte_buffer_create(&nothing, 1);
}

grpc::Status StatusOfRefusal(const Error& error) { return ToGrpcStatus(error); }

}  // namespace ficus
