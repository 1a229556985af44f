#include "server/rpc/reply_queue.h"

#include <string>
#include <utility>

#include <grpcpp/support/slice.h>

#include "server/rpc/wire_writer.h"

namespace ficus {
namespace {

constexpr size_t kStepReplies = 1024;

// Heads and numbers of a reply; its texts come on top.
constexpr size_t kWithoutTextsMax = 128;

size_t BytesMax(const Reply& reply) {
  size_t bytes = kWithoutTextsMax + WriteStatusName(reply.status).size();
  if (reply.metadata != nullptr)
    bytes += reply.metadata->group.size() + reply.metadata->name.size();
  return bytes;
}

void PutMetadata(WireWriter& out, const WriteMetadata& metadata) {
  const size_t before = out.size();
  out.PutNumberUnlessZero(5, static_cast<uint64_t>(metadata.mod_revision));
  out.PutNumberUnlessZero(4, static_cast<uint64_t>(metadata.create_revision));
  out.PutNumberUnlessZero(3, metadata.id);
  out.PutBytesUnlessEmpty(2, metadata.name);
  out.PutBytesUnlessEmpty(1, metadata.group);
  if (out.size() != before) out.PutMessage(3, before);
}

}  // namespace

grpc::ByteBuffer EncodeReply(const Reply& reply) {
  std::string bytes(BytesMax(reply), '\0');
  WireWriter out(bytes.data(), bytes.size());
  if (reply.metadata != nullptr) PutMetadata(out, *reply.metadata);
  out.PutBytesUnlessEmpty(2, WriteStatusName(reply.status));
  out.PutNumberUnlessZero(1, reply.message_id);
  const grpc::Slice slice(out.written().data(), out.size());
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
