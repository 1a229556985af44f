// A store around another one that passes everything on; what a decorator does not change.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "server/remote/object_store.h"

namespace ficus {

class StoreDecorator : public ObjectStore {
 public:
  const std::string& url() const override { return inner_->url(); }
  StoreAbilities abilities() const override { return inner_->abilities(); }

  Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                         const PutCondition& condition, std::stop_token stop) override {
    return inner_->Put(key, source, condition, std::move(stop));
  }
  Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                         std::stop_token stop) override {
    return inner_->Get(key, range, sink, std::move(stop));
  }
  Result<ObjectInfo> Head(std::string_view key, std::stop_token stop) override {
    return inner_->Head(key, std::move(stop));
  }
  Result<ObjectInfo> Copy(std::string_view from, std::string_view to,
                          std::stop_token stop) override {
    return inner_->Copy(from, to, std::move(stop));
  }
  Result<> Delete(std::span<const std::string> keys, std::stop_token stop) override {
    return inner_->Delete(keys, std::move(stop));
  }
  Result<ListPage> List(const ListRequest& request, std::stop_token stop) override {
    return inner_->List(request, std::move(stop));
  }

 protected:
  explicit StoreDecorator(std::shared_ptr<ObjectStore> inner) : inner_(std::move(inner)) {}
  // `inner` outlives it.
  explicit StoreDecorator(ObjectStore& inner) : inner_(std::shared_ptr<void>(), &inner) {}

  ObjectStore& inner() { return *inner_; }

 private:
  const std::shared_ptr<ObjectStore> inner_;
};

}  // namespace ficus
