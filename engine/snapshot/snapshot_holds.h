// Who uses which snapshot: what is held is not removed.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "engine/base/mutex.h"
#include "engine/base/result.h"

namespace ficus {

// Released when its last copy goes. May outlive what it came from.
class SnapshotHold {
 public:
  SnapshotHold() = default;
  explicit SnapshotHold(std::shared_ptr<void> held) : held_(std::move(held)) {}
  explicit operator bool() const { return held_.use_count() > 0; }
  void Release() { held_ = nullptr; }

 private:
  std::shared_ptr<void> held_;
};

// All members: any thread.
class SnapshotHolds {
 public:
  SnapshotHolds() : state_(std::make_shared<State>()) {}

  // `holder` says who, for messages: "backup nightly". kNotFound while the snapshot is being
  // removed.
  Result<SnapshotHold> Hold(const std::string& id, std::string holder);
  // From here until EndRemoval() nobody gets a hold. kFailedPrecondition names a holder;
  // kUnavailable when somebody else is removing it.
  Result<> BeginRemoval(const std::string& id);
  void EndRemoval(const std::string& id);

 private:
  struct State {
    Mutex mutex;
    std::multimap<std::string, std::string> holders GUARDED_BY(mutex);  // id -> holder
    std::set<std::string> removing GUARDED_BY(mutex);
  };
  const std::shared_ptr<State> state_;
};

}  // namespace ficus
