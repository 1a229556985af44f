// The groups that exist, and those that are gone while their files still lie there.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "engine/database/position_pins.h"
#include "engine/model/ids.h"
#include "engine/segment/group_store.h"

namespace ficus {

// How far the deletion of a group is; the name cannot be used again while it is under way.
enum class DeletionState : uint8_t { kUnderWay, kDone, kFailed };
struct DeletionTask {
  DeletionState state = DeletionState::kUnderWay;
  std::string message;
  UnixNanos created_at = 0;
  UnixNanos updated_at = 0;
};

// All members: any thread, but DeleteDrained() from one at a time.
class LiveGroups {
 public:
  explicit LiveGroups(const Clock& clock) : clock_(clock) {}

  void Add(std::shared_ptr<GroupStore> store);
  // Null when there is none.
  std::shared_ptr<GroupStore> Find(GroupId id) const;
  std::vector<std::shared_ptr<GroupStore>> All() const;

  // Takes a group out and leaves its files to the caller. Nothing happens when there is none.
  void Remove(GroupId id);
  // The group no longer exists for anybody who does not hold it. `pin` is of the batch that retired
  // it and is kept until its files are in the trash, so that a crash before that finds the batch
  // again. Nothing happens when there is no such group.
  void Retire(GroupId id, const PositionPins::Pin& pin);
  // Moves retired groups that nobody holds any more to the trash.
  void DeleteDrained();

  // Keeps the pin of a batch that removed segments of a group, which are hidden already.
  void HoldRemoval(GroupId id, PositionPins::Pin pin);
  // Empties the trash of a group, and drops the pins that were held before it began once nothing is
  // left there: of a segment that was removed meanwhile nothing is moved yet.
  void EmptyTrash(GroupStore& store);

  std::optional<DeletionTask> Task(std::string_view group) const;
  bool IsPendingDeletion(std::string_view group) const;

  // Every store, retired ones included; for closing.
  std::vector<std::shared_ptr<GroupStore>> EveryStore() const;

 private:
  struct Retired {
    std::shared_ptr<GroupStore> store;
    PositionPins::Pin pin;
  };

  void SetTask(const std::string& group, DeletionState state, const std::string& message);

  const Clock& clock_;
  mutable Mutex mutex_;
  std::map<GroupId, std::shared_ptr<GroupStore>> stores_ GUARDED_BY(mutex_);
  std::vector<Retired> retired_ GUARDED_BY(mutex_);
  std::map<GroupId, std::vector<PositionPins::Pin>> removal_pins_ GUARDED_BY(mutex_);
  std::map<std::string, DeletionTask, std::less<>> tasks_ GUARDED_BY(mutex_);
};

}  // namespace ficus
