// A store around another one that passes everything on; what a decorator does not change.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "server/remote/object_store.h"

namespace ficus {

class StoreDecorator : public ObjectStore {
 public:
  const std::string& url() const override { return inner_->url(); }
  StoreAbilities abilities() const override { return inner_->abilities(); }

 protected:
  explicit StoreDecorator(std::shared_ptr<ObjectStore> inner) : inner_(std::move(inner)) {}

  ObjectStore& inner() { return *inner_; }

 private:
  const std::shared_ptr<ObjectStore> inner_;
};

}  // namespace ficus
