#include "engine/snapshot/snapshot_holds.h"

#include <utility>

#include <fmt/core.h>

namespace ficus {

Result<SnapshotHold> SnapshotHolds::Hold(const std::string& id, std::string holder) {
  MutexLock lock(state_->mutex);
  if (state_->removing.contains(id)) {
    return Error{ErrorCode::kNotFound, fmt::format("snapshot {} is being removed", id)};
  }
  const auto entry = state_->holders.emplace(id, std::move(holder));
  return SnapshotHold(std::shared_ptr<void>(nullptr, [state = state_, entry](void*) {
    MutexLock release(state->mutex);
    state->holders.erase(entry);
  }));
}

Result<> SnapshotHolds::BeginRemoval(const std::string& id) {
  MutexLock lock(state_->mutex);
  const auto holder = state_->holders.find(id);
  if (holder != state_->holders.end()) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("snapshot {} is in use by {}", id, holder->second)};
  }
  if (!state_->removing.insert(id).second) {
    return Error{ErrorCode::kUnavailable, fmt::format("snapshot {} is being removed", id)};
  }
  return Ok();
}

void SnapshotHolds::EndRemoval(const std::string& id) {
  MutexLock lock(state_->mutex);
  state_->removing.erase(id);
}

}  // namespace ficus
