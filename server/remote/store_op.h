// The operations of an ObjectStore by name: for counts, faults and metric labels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ficus {

enum class StoreOp : uint8_t { kPut, kGet, kHead, kCopy, kDelete, kList };
inline constexpr size_t kStoreOpCount = static_cast<size_t>(StoreOp::kList) + 1;

constexpr std::string_view StoreOpName(StoreOp op) {
  switch (op) {
    case StoreOp::kPut:
      return "put";
    case StoreOp::kGet:
      return "get";
    case StoreOp::kHead:
      return "head";
    case StoreOp::kCopy:
      return "copy";
    case StoreOp::kDelete:
      return "delete";
    case StoreOp::kList:
      return "list";
  }
  return "unknown";
}

}  // namespace ficus
