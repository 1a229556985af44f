#include "server/remote/store_error.h"

#include <string>

namespace ficus {
namespace {

std::string Subject(StoreOp op, std::string_view key) {
  return std::string(StoreOpName(op)) + (key.empty() ? "" : " " + std::string(key)) + ": ";
}

}  // namespace

Error NoSuchObject(StoreOp op, std::string_view key) {
  return {ErrorCode::kNotFound, Subject(op, key) + "no such object"};
}

Error KeyIsTaken(std::string_view key) {
  return {ErrorCode::kAlreadyExists, Subject(StoreOp::kPut, key) + "the key is taken"};
}

Error EtagDiffers(std::string_view key, std::string_view etag_now) {
  return {ErrorCode::kFailedPrecondition,
          Subject(StoreOp::kPut, key) +
              (etag_now.empty() ? "the object is gone"
                                : "the object changed, its etag is " + std::string(etag_now))};
}

Error KeyHasNoPlace(std::string_view key, std::string_view why) {
  return {ErrorCode::kInvalidArgument, "key " + std::string(key) + ": " + std::string(why)};
}

Error StoppedError(StoreOp op, std::string_view key) {
  return {ErrorCode::kCancelled, Subject(op, key) + "stopped"};
}

Result<> CheckStop(const std::stop_token& stop, StoreOp op, std::string_view key) {
  if (stop.stop_requested()) return StoppedError(op, key);
  return Ok();
}

Result<> CheckRange(std::string_view key, const ByteRange& range, uint64_t size_bytes) {
  if (range.offset <= size_bytes && range.length <= size_bytes - range.offset) return Ok();
  return Error{ErrorCode::kInvalidArgument,
               Subject(StoreOp::kGet, key) + "bytes " + std::to_string(range.offset) + "+" +
                   std::to_string(range.length) + " of " + std::to_string(size_bytes)};
}

}  // namespace ficus
