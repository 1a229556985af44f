#include "engine/table/garbage_cleaner.h"

#include <utility>

#include "engine/base/log.h"

namespace ficus {

void GarbageCleaner::Remove(std::string name) {
  auto pass = std::make_shared<Gate::Pass>(gate_.Enter());
  if (!*pass) return;
  executor_.Post(
      [self = shared_from_this(), pass, name = std::move(name)] { self->RemoveNow(name); });
}

std::set<std::string> GarbageCleaner::TakeRemoved() {
  MutexLock lock(mutex_);
  return std::exchange(removed_, {});
}

void GarbageCleaner::RemoveNow(const std::string& name) {
  const Result<> removed = fs_.Remove(JoinPath(directory_, name));
  if (!removed.has_value() && removed.error().code != ErrorCode::kNotFound) {
    LogWarn("table.garbage", "{}/{} stays until the next start: {}", directory_, name,
            removed.error().ToString());
    return;
  }
  MutexLock lock(mutex_);
  removed_.insert(name);
}

FileHandle::~FileHandle() {
  if (doomed_.load(std::memory_order_acquire)) cleaner_->Remove(name_);
}

void FileHandle::Doom() { doomed_.store(true, std::memory_order_release); }

void FileHandle::Save() { doomed_.store(false, std::memory_order_release); }

}  // namespace ficus
