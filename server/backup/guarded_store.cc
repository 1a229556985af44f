#include "server/backup/guarded_store.h"

#include <algorithm>

namespace ficus {

Result<ObjectInfo> GuardedStore::Put(std::string_view key, const ObjectSource& source,
                                     const PutCondition& condition, std::stop_token stop) {
  RETURN_IF_ERROR(lease_.Check(stop));
  return inner_.Put(key, source, condition, stop);
}

Result<ObjectInfo> GuardedStore::Get(std::string_view key, std::optional<ByteRange> range,
                                     const Sink& sink, std::stop_token stop) {
  return inner_.Get(key, range, sink, stop);
}

Result<ObjectInfo> GuardedStore::Head(std::string_view key, std::stop_token stop) {
  return inner_.Head(key, stop);
}

Result<ObjectInfo> GuardedStore::Copy(std::string_view from, std::string_view to,
                                      std::stop_token stop) {
  RETURN_IF_ERROR(lease_.Check(stop));
  return inner_.Copy(from, to, stop);
}

Result<> GuardedStore::Delete(std::span<const std::string> keys, std::stop_token stop) {
  while (!keys.empty()) {
    const size_t count = std::min(keys.size(), kDeleteBatch);
    RETURN_IF_ERROR(lease_.Check(stop));
    RETURN_IF_ERROR(inner_.Delete(keys.first(count), stop));
    keys = keys.subspan(count);
  }
  return Ok();
}

Result<ListPage> GuardedStore::List(const ListRequest& request, std::stop_token stop) {
  return inner_.List(request, stop);
}

}  // namespace ficus
