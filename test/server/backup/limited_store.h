// A store that dies after a number of requests, or tells a test what is about to change.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "server/remote/object_store.h"

namespace ficus {

// One thread at a time.
class LimitedStore final : public ObjectStore {
 public:
  explicit LimitedStore(ObjectStore& store) : store_(store) {}

  // So many requests are answered; the next one fails, and all after it.
  int limit = std::numeric_limits<int>::max();
  // The first request that fails is carried out all the same: its answer is lost.
  bool last_is_done = false;
  bool refuse_changes = false;
  int refused = 0;  // changes
  std::function<void()> before_change;
  std::function<void(std::string_view key)> after_put;

  const std::string& url() const override { return store_.url(); }
  StoreAbilities abilities() const override { return store_.abilities(); }

  Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                         const PutCondition& condition, std::stop_token stop) override {
    return Change<ObjectInfo>([&] {
      auto put = store_.Put(key, source, condition, stop);
      if (after_put) after_put(key);
      return put;
    });
  }
  Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                         std::stop_token stop) override {
    return Request<ObjectInfo>([&] { return store_.Get(key, range, sink, stop); });
  }
  Result<ObjectInfo> Head(std::string_view key, std::stop_token stop) override {
    return Request<ObjectInfo>([&] { return store_.Head(key, stop); });
  }
  Result<ObjectInfo> Copy(std::string_view from, std::string_view to,
                          std::stop_token stop) override {
    return Change<ObjectInfo>([&] { return store_.Copy(from, to, stop); });
  }
  Result<> Delete(std::span<const std::string> keys, std::stop_token stop) override {
    return Change<void>([&] { return store_.Delete(keys, stop); });
  }
  Result<ListPage> List(const ListRequest& request, std::stop_token stop) override {
    return Request<ListPage>([&] { return store_.List(request, stop); });
  }

 private:
  template <typename T>
  Result<T> Request(const std::function<Result<T>()>& carry_out) {
    const Error away{ErrorCode::kUnavailable, "the process has died"};
    if (limit < 0) return away;
    if (limit-- > 0) return carry_out();
    if (last_is_done) static_cast<void>(carry_out());
    return away;
  }

  template <typename T>
  Result<T> Change(const std::function<Result<T>()>& carry_out) {
    if (refuse_changes) {
      ++refused;
      return Error{ErrorCode::kUnavailable, "nothing may change"};
    }
    if (before_change) before_change();
    return Request<T>(carry_out);
  }

  ObjectStore& store_;
};

}  // namespace ficus
