// Reads the wire form of a measure.v1.WriteRequest without protobuf.
//
// Accepts and refuses the same bytes as the generated C++ class, and gives every field the same
// value: unknown fields and groups are skipped, the last scalar wins, sub-messages that come twice
// are merged, members of a oneof replace each other, strings must be UTF-8, nesting is at most
// kWireDepthMax deep. Source: the protocol buffers encoding specification.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "server/ingest/write_request_view.h"

namespace ficus {

// Tags, fields, families, names, array messages and integers in arrays of one request together. A
// message of a few megabytes can hold millions of empty ones, each of which would cost many times
// its two bytes.
inline constexpr size_t kWireItemsMax = 1 << 16;

// Replaces `view`. kInvalidArgument for bytes that are no WriteRequest; kResourceExhausted for more
// than kWireItemsMax items. After an error `view` is unspecified.
Result<> ParseWriteRequest(std::string_view bytes, WriteRequestView& view);

// The elements of an array in the cell form of engine/model/column.h, appended to `cell`. `value`
// is of that kind and part of `view` (CHECKed).
void AppendStringArrayCell(const WriteRequestView& view, const ValueView& value, std::string& cell);
void AppendInt64ArrayCell(const WriteRequestView& view, const ValueView& value, std::string& cell);

// The elements as they go into a sharding key: strings joined by '\n', integers one after another.
void AppendStringArrayShard(const WriteRequestView& view, const ValueView& value,
                            std::string& shard_bytes);
void AppendInt64ArrayShard(const WriteRequestView& view, const ValueView& value,
                           std::string& shard_bytes);

}  // namespace ficus
