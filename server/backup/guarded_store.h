// A store that changes nothing unless the lease of the destination is held: the one place where a
// run is stopped before its next change once somebody else has taken over.
#pragma once

#include <string>

#include "server/backup/lease.h"
#include "server/remote/object_store.h"

namespace ficus {

// Asks the lease before each put and copy and before each batch of deletes; reads pass. `inner` and
// `lease` must outlive it.
class GuardedStore final : public ObjectStore {
 public:
  static constexpr size_t kDeleteBatch = 100;

  GuardedStore(ObjectStore& inner, Lease& lease) : inner_(inner), lease_(lease) {}

  const std::string& url() const override { return inner_.url(); }
  StoreAbilities abilities() const override { return inner_.abilities(); }
  Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                         const PutCondition& condition, std::stop_token stop) override;
  Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                         std::stop_token stop) override;
  Result<ObjectInfo> Head(std::string_view key, std::stop_token stop) override;
  Result<ObjectInfo> Copy(std::string_view from, std::string_view to,
                          std::stop_token stop) override;
  Result<> Delete(std::span<const std::string> keys, std::stop_token stop) override;
  Result<ListPage> List(const ListRequest& request, std::stop_token stop) override;

 private:
  ObjectStore& inner_;
  Lease& lease_;
};

}  // namespace ficus
