#include "engine/database/live_groups.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/base/log.h"

namespace ficus {

void LiveGroups::Add(std::shared_ptr<GroupStore> store) {
  const GroupId id = store->id();
  MutexLock lock(mutex_);
  stores_.emplace(id, std::move(store));
}

std::shared_ptr<GroupStore> LiveGroups::Find(GroupId id) const {
  MutexLock lock(mutex_);
  const auto found = stores_.find(id);
  return found == stores_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<GroupStore>> LiveGroups::All() const {
  std::vector<std::shared_ptr<GroupStore>> stores;
  MutexLock lock(mutex_);
  for (const auto& [id, store] : stores_) stores.push_back(store);
  return stores;
}

void LiveGroups::Remove(GroupId id) {
  MutexLock lock(mutex_);
  stores_.erase(id);
}

void LiveGroups::Retire(GroupId id, const PositionPins::Pin& pin) {
  std::shared_ptr<GroupStore> store = Find(id);
  if (store == nullptr) return;
  SetTask(store->name(), DeletionState::kUnderWay, {});
  store->Shut();
  MutexLock lock(mutex_);
  stores_.erase(id);
  retired_.push_back({std::move(store), pin});
}

void LiveGroups::DeleteDrained() {
  std::vector<Retired> ready;
  {
    MutexLock lock(mutex_);
    const auto is_ready = [](const Retired& retired) {
      // No reader holds it, and its jobs have come to their end.
      return retired.store.use_count() == 1 && retired.store->IsDrained();
    };
    const auto split = std::stable_partition(
        retired_.begin(), retired_.end(), [&](const auto& retired) { return !is_ready(retired); });
    std::move(split, retired_.end(), std::back_inserter(ready));
    retired_.erase(split, retired_.end());
  }
  for (Retired& retired : ready) {
    retired.store->Close();
    const std::string name = retired.store->name();
    const Result<> moved = retired.store->MoveToTrash();
    if (moved.has_value()) {
      LogInfo("database.group_deleted", "group {} with id {} is deleted", name,
              Hex16(retired.store->id()));
      SetTask(name, DeletionState::kDone, {});
      continue;
    }
    SetTask(name, DeletionState::kUnderWay, moved.error().ToString());
    MutexLock lock(mutex_);
    retired_.push_back(std::move(retired));
  }
}

void LiveGroups::HoldRemoval(GroupId id, PositionPins::Pin pin) {
  MutexLock lock(mutex_);
  removal_pins_[id].push_back(std::move(pin));
}

void LiveGroups::EmptyTrash(GroupStore& store) {
  std::vector<PositionPins::Pin> pins;
  {
    MutexLock lock(mutex_);
    if (const auto held = removal_pins_.extract(store.id())) pins = std::move(held.mapped());
  }
  if (store.EmptyTrash() == 0) return;
  MutexLock lock(mutex_);
  std::vector<PositionPins::Pin>& held = removal_pins_[store.id()];
  held.insert(held.end(), pins.begin(), pins.end());
}

std::optional<DeletionTask> LiveGroups::Task(std::string_view group) const {
  MutexLock lock(mutex_);
  const auto found = tasks_.find(group);
  if (found == tasks_.end()) return std::nullopt;
  return found->second;
}

bool LiveGroups::IsPendingDeletion(std::string_view group) const {
  const std::optional<DeletionTask> task = Task(group);
  return task.has_value() && task->state == DeletionState::kUnderWay;
}

std::vector<std::shared_ptr<GroupStore>> LiveGroups::EveryStore() const {
  std::vector<std::shared_ptr<GroupStore>> stores = All();
  MutexLock lock(mutex_);
  for (const Retired& retired : retired_) stores.push_back(retired.store);
  return stores;
}

void LiveGroups::SetTask(const std::string& group, DeletionState state,
                         const std::string& message) {
  MutexLock lock(mutex_);
  DeletionTask& task = tasks_[group];
  task.updated_at = clock_.Now();
  if (task.created_at == 0 || (state == DeletionState::kUnderWay && task.state != state)) {
    task.created_at = task.updated_at;
  }
  task.state = state;
  task.message = message;
}

}  // namespace ficus
