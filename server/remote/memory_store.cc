#include "server/remote/memory_store.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "server/remote/list_pager.h"
#include "server/remote/store_error.h"

namespace ficus {
namespace {

// Small, so that sinks are called more than once.
constexpr size_t kPieceBytes = size_t{64} << 10;

Result<std::string> ReadAll(std::string_view key, const ObjectSource& source,
                            const std::stop_token& stop) {
  std::string bytes;
  const uint64_t size = source.size_bytes();
  while (bytes.size() < size) {
    RETURN_IF_ERROR(CheckStop(stop, StoreOp::kPut, key));
    const size_t offset = bytes.size();
    const auto length = std::min<uint64_t>(kPieceBytes, size - offset);
    bytes.resize(offset + static_cast<size_t>(length));
    RETURN_IF_ERROR(source.ReadAt(offset, {bytes.data() + offset, static_cast<size_t>(length)}));
  }
  return bytes;
}

}  // namespace

ObjectInfo MemoryStore::InfoOf(const std::string& key, const Object& object) {
  return {key, object.bytes->size(), fmt::format("m{:x}", object.number)};
}

void MemoryStore::Count(StoreOp op) {
  MutexLock lock(mutex_);
  ++requests_[static_cast<size_t>(op)];
}

Result<> MemoryStore::CheckCondition(std::string_view key, const PutCondition& condition) const {
  const auto found = objects_.find(key);
  const bool exists = found != objects_.end();
  if (condition.kind == PutCondition::Kind::kIfAbsent && exists) return KeyIsTaken(key);
  if (condition.kind != PutCondition::Kind::kIfMatch) return Ok();
  const std::string etag = exists ? InfoOf(found->first, found->second).etag : "";
  if (!exists || etag != condition.etag) return EtagDiffers(key, etag);
  return Ok();
}

Result<> MemoryStore::CheckPlace(std::string_view key) const {
  for (size_t slash = key.find('/'); slash != std::string_view::npos;
       slash = key.find('/', slash + 1)) {
    if (objects_.count(key.substr(0, slash)) != 0) {
      return KeyHasNoPlace(key, std::string(key.substr(0, slash)) + " is an object");
    }
  }
  const std::string folder = std::string(key) + "/";
  const auto below = objects_.lower_bound(folder);
  if (below == objects_.end() || !below->first.starts_with(folder)) return Ok();
  return KeyHasNoPlace(key, "objects lie below it");
}

ObjectInfo MemoryStore::Place(std::string_view key, std::shared_ptr<const std::string> bytes) {
  const auto [entry, is_new] =
      objects_.insert_or_assign(std::string(key), Object{std::move(bytes), next_number_++});
  return InfoOf(entry->first, entry->second);
}

Result<MemoryStore::Objects::iterator> MemoryStore::Find(std::string_view key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return NoSuchObject(StoreOp::kHead, key);
  return found;
}

Result<ObjectInfo> MemoryStore::Put(std::string_view key, const ObjectSource& source,
                                    const PutCondition& condition, std::stop_token stop) {
  Count(StoreOp::kPut);
  RETURN_IF_ERROR(CheckKey(key));
  RETURN_IF_ERROR(CheckStop(stop, StoreOp::kPut, key));
  ASSIGN_OR_RETURN(std::string bytes, ReadAll(key, source, stop));
  RETURN_IF_ERROR(CheckStop(stop, StoreOp::kPut, key));
  MutexLock lock(mutex_);
  put_bytes_ += bytes.size();
  RETURN_IF_ERROR(CheckCondition(key, condition));
  RETURN_IF_ERROR(CheckPlace(key));
  return Place(key, std::make_shared<const std::string>(std::move(bytes)));
}

Result<ObjectInfo> MemoryStore::Get(std::string_view key, std::optional<ByteRange> range,
                                    const Sink& sink, std::stop_token stop) {
  Count(StoreOp::kGet);
  RETURN_IF_ERROR(CheckKey(key));
  RETURN_IF_ERROR(CheckStop(stop, StoreOp::kGet, key));
  Object object;
  {
    MutexLock lock(mutex_);
    const auto found = objects_.find(key);
    if (found == objects_.end()) return NoSuchObject(StoreOp::kGet, key);
    object = found->second;
  }
  std::string_view bytes = *object.bytes;
  if (range.has_value()) {
    RETURN_IF_ERROR(CheckRange(key, *range, bytes.size()));
    bytes = bytes.substr(range->offset, range->length);
  }
  while (!bytes.empty()) {
    RETURN_IF_ERROR(CheckStop(stop, StoreOp::kGet, key));
    const std::string_view piece = bytes.substr(0, kPieceBytes);
    {
      MutexLock lock(mutex_);
      got_bytes_ += piece.size();
    }
    RETURN_IF_ERROR(sink(piece));
    bytes.remove_prefix(piece.size());
  }
  return InfoOf(std::string(key), object);
}

Result<ObjectInfo> MemoryStore::Head(std::string_view key, std::stop_token stop) {
  Count(StoreOp::kHead);
  RETURN_IF_ERROR(CheckKey(key));
  RETURN_IF_ERROR(CheckStop(stop, StoreOp::kHead, key));
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const auto found, Find(key));
  return InfoOf(found->first, found->second);
}

Result<ObjectInfo> MemoryStore::Copy(std::string_view from, std::string_view to,
                                     std::stop_token stop) {
  Count(StoreOp::kCopy);
  RETURN_IF_ERROR(CheckKey(from));
  RETURN_IF_ERROR(CheckKey(to));
  RETURN_IF_ERROR(CheckStop(stop, StoreOp::kCopy, from));
  MutexLock lock(mutex_);
  const auto found = objects_.find(from);
  if (found == objects_.end()) return NoSuchObject(StoreOp::kCopy, from);
  RETURN_IF_ERROR(CheckPlace(to));
  return Place(to, found->second.bytes);
}

Result<> MemoryStore::Delete(std::span<const std::string> keys, std::stop_token stop) {
  Count(StoreOp::kDelete);
  for (const std::string& key : keys) RETURN_IF_ERROR(CheckKey(key));
  for (const std::string& key : keys) {
    RETURN_IF_ERROR(CheckStop(stop, StoreOp::kDelete, key));
    MutexLock lock(mutex_);
    objects_.erase(key);
  }
  return Ok();
}

Result<ListPage> MemoryStore::List(const ListRequest& request, std::stop_token stop) {
  Count(StoreOp::kList);
  RETURN_IF_ERROR(CheckListRequest(request));
  RETURN_IF_ERROR(CheckStop(stop, StoreOp::kList, request.prefix));
  MutexLock lock(mutex_);
  ListPager pager(request);
  auto object = request.start_after > request.prefix ? objects_.upper_bound(request.start_after)
                                                     : objects_.lower_bound(request.prefix);
  for (; object != objects_.end() && object->first.starts_with(request.prefix); ++object) {
    if (!pager.Add(InfoOf(object->first, object->second))) break;
  }
  return pager.Finish();
}

uint64_t MemoryStore::requests(StoreOp op) const {
  MutexLock lock(mutex_);
  return requests_[static_cast<size_t>(op)];
}

uint64_t MemoryStore::requests() const {
  MutexLock lock(mutex_);
  uint64_t sum = 0;
  for (const uint64_t count : requests_) sum += count;
  return sum;
}

uint64_t MemoryStore::put_bytes() const {
  MutexLock lock(mutex_);
  return put_bytes_;
}

uint64_t MemoryStore::got_bytes() const {
  MutexLock lock(mutex_);
  return got_bytes_;
}

void MemoryStore::ResetCounts() {
  MutexLock lock(mutex_);
  requests_.fill(0);
  put_bytes_ = 0;
  got_bytes_ = 0;
}

std::map<std::string, std::string> MemoryStore::Contents() const {
  MutexLock lock(mutex_);
  std::map<std::string, std::string> contents;
  for (const auto& [key, object] : objects_) contents[key] = *object.bytes;
  return contents;
}

std::unique_ptr<MemoryStore> MemoryStore::Clone() const {
  auto clone = std::make_unique<MemoryStore>(url_);
  MutexLock lock(mutex_);
  MutexLock clone_lock(clone->mutex_);
  clone->objects_ = objects_;
  clone->next_number_ = next_number_;
  return clone;
}

Result<> MemoryStore::FlipBits(std::string_view key, uint64_t offset, uint8_t mask) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const auto found, Find(key));
  std::string bytes = *found->second.bytes;
  RETURN_IF_ERROR(CheckRange(key, {offset, 1}, bytes.size()));
  bytes[offset] = static_cast<char>(static_cast<uint8_t>(bytes[offset]) ^ mask);
  found->second.bytes = std::make_shared<const std::string>(std::move(bytes));
  return Ok();
}

Result<> MemoryStore::Truncate(std::string_view key, uint64_t size_bytes) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const auto found, Find(key));
  RETURN_IF_ERROR(CheckRange(key, {0, size_bytes}, found->second.bytes->size()));
  found->second.bytes =
      std::make_shared<const std::string>(found->second.bytes->substr(0, size_bytes));
  return Ok();
}

Result<> MemoryStore::Swap(std::string_view a, std::string_view b) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const auto first, Find(a));
  ASSIGN_OR_RETURN(const auto second, Find(b));
  std::swap(first->second.bytes, second->second.bytes);
  return Ok();
}

}  // namespace ficus
