#include "test/server/backup/turns.h"

#include <utility>

namespace ficus {

class Actor::TurnStore final : public ObjectStore {
 public:
  TurnStore(ObjectStore& store, Actor& actor) : store_(store), actor_(actor) {}

  const std::string& url() const override { return store_.url(); }
  StoreAbilities abilities() const override { return store_.abilities(); }
  Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                         const PutCondition& condition, std::stop_token stop) override {
    return Take<ObjectInfo>([&] { return store_.Put(key, source, condition, stop); });
  }
  Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                         std::stop_token stop) override {
    return Take<ObjectInfo>([&] { return store_.Get(key, range, sink, stop); });
  }
  Result<ObjectInfo> Head(std::string_view key, std::stop_token stop) override {
    return Take<ObjectInfo>([&] { return store_.Head(key, stop); });
  }
  Result<ObjectInfo> Copy(std::string_view from, std::string_view to,
                          std::stop_token stop) override {
    return Take<ObjectInfo>([&] { return store_.Copy(from, to, stop); });
  }
  Result<> Delete(std::span<const std::string> keys, std::stop_token stop) override {
    const Grant grant = actor_.Wait();
    if (grant == Grant::kGo) return store_.Delete(keys, stop);
    std::vector<std::string> some;
    for (const std::string& key : keys) {
      if (grant == Grant::kDieHalfDone && actor_.random_.Below(2) == 0) some.push_back(key);
    }
    static_cast<void>(store_.Delete(some, stop));
    return Dead();
  }
  Result<ListPage> List(const ListRequest& request, std::stop_token stop) override {
    return Take<ListPage>([&] { return store_.List(request, stop); });
  }

 private:
  static Error Dead() { return {ErrorCode::kUnavailable, "the process has died"}; }

  template <typename T>
  Result<T> Take(const std::function<Result<T>()>& carry_out) {
    const Grant grant = actor_.Wait();
    if (grant == Grant::kGo) return carry_out();
    if (grant == Grant::kDieHalfDone) static_cast<void>(carry_out());
    return Dead();
  }

  ObjectStore& store_;
  Actor& actor_;
};

Actor::Actor(ObjectStore& store, uint64_t seed, std::function<void(Actor& self)> play)
    : random_(seed), store_(std::make_unique<TurnStore>(store, *this)) {
  thread_ = std::thread([this, play = std::move(play)] {
    if (Wait() == Grant::kGo) play(*this);
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return is_waiting_ || has_ended_; });
}

Actor::~Actor() {
  Step(Grant::kDie);
  thread_.join();
}

Grant Actor::Wait() {
  std::unique_lock lock(mutex_);
  if (is_dead_) return Grant::kDie;
  is_waiting_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return is_granted_; });
  is_granted_ = false;
  is_waiting_ = false;
  is_dead_ = grant_ != Grant::kGo;
  return grant_;
}

void Actor::Step(Grant grant) {
  std::unique_lock lock(mutex_);
  if (has_ended_) return;
  grant_ = grant;
  is_granted_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return has_ended_ || (is_waiting_ && !is_granted_); });
}

bool Actor::has_ended() {
  const std::lock_guard lock(mutex_);
  return has_ended_;
}

}  // namespace ficus
