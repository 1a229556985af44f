// An object store in memory: for tests, and the model that other stores are compared with.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/mutex.h"
#include "server/remote/object_store.h"
#include "server/remote/store_op.h"

namespace ficus {

// Deterministic: the same calls give the same answers, etags included. All members: any thread.
class MemoryStore final : public ObjectStore {
 public:
  explicit MemoryStore(std::string url = "memory:///store") : url_(std::move(url)) {}

  const std::string& url() const override { return url_; }
  StoreAbilities abilities() const override { return {}; }
  Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                         const PutCondition& condition, std::stop_token stop) override;
  Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                         std::stop_token stop) override;
  Result<ObjectInfo> Head(std::string_view key, std::stop_token stop) override;
  Result<ObjectInfo> Copy(std::string_view from, std::string_view to,
                          std::stop_token stop) override;
  Result<> Delete(std::span<const std::string> keys, std::stop_token stop) override;
  Result<ListPage> List(const ListRequest& request, std::stop_token stop) override;

  // Calls so far, whatever their outcome.
  uint64_t requests(StoreOp op) const;
  uint64_t requests() const;
  // Bytes of the bodies that were put, copies not counted, and of those that were handed out.
  uint64_t put_bytes() const;
  uint64_t got_bytes() const;
  void ResetCounts();

  // All objects, by key.
  std::map<std::string, std::string> Contents() const;
  // A store with the same objects and etags that shares nothing with this one; counts start at 0.
  std::unique_ptr<MemoryStore> Clone() const;

  // Damage that the store does not notice: etags stay. kNotFound; kInvalidArgument beyond the end.
  Result<> FlipBits(std::string_view key, uint64_t offset, uint8_t mask);
  Result<> Truncate(std::string_view key, uint64_t size_bytes);
  // Each key gets the other's bytes.
  Result<> Swap(std::string_view a, std::string_view b);

 private:
  struct Object {
    std::shared_ptr<const std::string> bytes;
    uint64_t number = 0;
  };
  using Objects = std::map<std::string, Object, std::less<>>;

  static ObjectInfo InfoOf(const std::string& key, const Object& object);
  void Count(StoreOp op);
  Result<> CheckCondition(std::string_view key, const PutCondition& condition) const
      REQUIRES(mutex_);
  Result<> CheckPlace(std::string_view key) const REQUIRES(mutex_);
  ObjectInfo Place(std::string_view key, std::shared_ptr<const std::string> bytes) REQUIRES(mutex_);
  Result<Objects::iterator> Find(std::string_view key) REQUIRES(mutex_);

  const std::string url_;

  mutable Mutex mutex_;
  Objects objects_ GUARDED_BY(mutex_);
  uint64_t next_number_ GUARDED_BY(mutex_) = 1;
  std::array<uint64_t, kStoreOpCount> requests_ GUARDED_BY(mutex_){};
  uint64_t put_bytes_ GUARDED_BY(mutex_) = 0;
  uint64_t got_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace ficus
