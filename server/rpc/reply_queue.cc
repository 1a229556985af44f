#include "server/rpc/reply_queue.h"

#include <string_view>
#include <utility>

#include <grpcpp/support/slice.h>

#include "engine/base/bytes.h"

namespace ficus {
namespace {

constexpr size_t kStepReplies = 1024;

void PutTag(std::string& out, uint32_t number, uint32_t wire_type) {
  PutVarint(out, number << 3 | wire_type);
}

void PutString(std::string& out, uint32_t number, std::string_view text) {
  if (text.empty()) return;
  PutTag(out, number, 2);
  PutLengthPrefixed(out, text);
}

void PutNumber(std::string& out, uint32_t number, uint64_t value) {
  if (value == 0) return;
  PutTag(out, number, 0);
  PutVarint(out, value);
}

std::string EncodeMetadata(const WriteMetadata& metadata) {
  std::string out;
  PutString(out, 1, metadata.group);
  PutString(out, 2, metadata.name);
  PutNumber(out, 3, metadata.id);
  PutNumber(out, 4, static_cast<uint64_t>(metadata.create_revision));
  PutNumber(out, 5, static_cast<uint64_t>(metadata.mod_revision));
  return out;
}

}  // namespace

grpc::ByteBuffer EncodeReply(const Reply& reply) {
  std::string bytes;
  PutNumber(bytes, 1, reply.message_id);
  PutString(bytes, 2, WriteStatusName(reply.status));
  if (reply.metadata != nullptr) PutString(bytes, 3, EncodeMetadata(*reply.metadata));
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

Result<> ReplyQueue::Push(Reply reply) {
  const size_t needed = (replies_.size() + 1) * sizeof(Reply);
  if (needed > reservation_.bytes()) {
    const size_t step = needed + kStepReplies * sizeof(Reply);
    if (reservation_.bytes() == 0) {
      ASSIGN_OR_RETURN(reservation_, ledger_.Reserve(MemoryConsumer::kReplies, step));
    } else {
      RETURN_IF_ERROR(reservation_.Resize(step));
    }
  }
  replies_.push_back(std::move(reply));
  return Ok();
}

Reply ReplyQueue::Pop() {
  Reply reply = std::move(replies_.front());
  replies_.pop_front();
  if (replies_.empty()) reservation_.Release();
  return reply;
}

}  // namespace ficus
