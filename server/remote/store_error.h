// The errors that every store answers with, in the same words.
#pragma once

#include <stop_token>
#include <string_view>

#include "engine/base/result.h"
#include "server/remote/object_store.h"
#include "server/remote/store_op.h"

namespace ficus {

Error NoSuchObject(StoreOp op, std::string_view key);
Error KeyIsTaken(std::string_view key);
// `etag_now` is empty when the object is gone.
Error EtagDiffers(std::string_view key, std::string_view etag_now);
// A key below another one, above others, or where something else lies.
Error KeyHasNoPlace(std::string_view key, std::string_view why);
Error StoppedError(StoreOp op, std::string_view key);

// kCancelled when `stop` was requested.
Result<> CheckStop(const std::stop_token& stop, StoreOp op, std::string_view key);
// kInvalidArgument when an object of `size_bytes` does not reach as far as `range`.
Result<> CheckRange(std::string_view key, const ByteRange& range, uint64_t size_bytes);

}  // namespace ficus
