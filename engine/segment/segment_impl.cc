#include "engine/segment/segment_impl.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/planted_bug.h"

namespace ficus {
namespace {

constexpr std::string_view kShardPrefix = "shard-";

bool ParseShardName(std::string_view name, ShardId& shard) {
  if (!name.starts_with(kShardPrefix)) return false;
  name.remove_prefix(kShardPrefix.size());
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
  if (error != std::errc() || end != name.data() + name.size()) return false;
  shard = ShardId(value);
  return true;
}

Error Removed(std::string_view directory) {
  return Error{ErrorCode::kUnavailable, fmt::format("segment {} is being removed", directory)};
}

}  // namespace

SegmentImpl::SegmentImpl(TableEnvironment environment, TableOptions table, std::string directory,
                         SegmentIdentity identity)
    : environment_(std::move(environment)),
      table_options_(std::move(table)),
      directory_(std::move(directory)),
      identity_(identity) {}

std::string SegmentImpl::ShardDirectory(ShardId shard) const {
  return JoinPath(directory_, fmt::format("{}{}", kShardPrefix, shard.value()));
}

Result<> SegmentImpl::Load() {
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, environment_.fs.List(directory_));
  MutexLock lock(mutex_);
  for (const DirectoryEntry& entry : entries) {
    ShardId shard;
    if (entry.is_directory && ParseShardName(entry.name, shard)) slots_.try_emplace(shard);
  }
  return Ok();
}

Result<std::shared_ptr<TsTable>> SegmentImpl::Shard(ShardId shard) {
  {
    MutexLock lock(mutex_);
    const auto slot = slots_.find(shard);
    if (slot == slots_.end()) {
      return Error{ErrorCode::kNotFound,
                   fmt::format("segment {} has no shard {}", directory_, shard.value())};
    }
    while (slot->second.state == State::kOpening) opened_.Wait(lock);
    if (hidden_) return Removed(directory_);
    slot->second.used = environment_.clock.Monotonic();
    if (slot->second.state == State::kOpen) return slot->second.table;
    slot->second.state = State::kOpening;
  }
  TableOptions options = table_options_;
  options.directory = ShardDirectory(shard);
  options.group = identity_.group;
  Result<std::unique_ptr<TsTable>> opened = TsTable::Open(environment_, std::move(options));

  MutexLock lock(mutex_);
  Slot& slot = slots_.at(shard);
  slot.state = opened.has_value() ? State::kOpen : State::kClosed;
  opened_.NotifyAll();
  if (!opened.has_value()) return std::move(opened).error();
  slot.table = *std::move(opened);
  if (!hidden_) return slot.table;
  // Hidden meanwhile: who hid it shut the tables that were open then.
  const std::shared_ptr<TsTable> late = slot.table;
  lock.Unlock();
  late->Shut();
  return Removed(directory_);
}

std::vector<ShardId> SegmentImpl::ExistingShards() const {
  MutexLock lock(mutex_);
  std::vector<ShardId> shards;
  for (const auto& [shard, slot] : slots_) shards.push_back(shard);
  return shards;
}

Result<> SegmentImpl::EnsureShard(ShardId shard) {
  CHECK(shard.value() < identity_.shard_count) << shard << " of " << identity_.shard_count;
  {
    MutexLock lock(mutex_);
    if (hidden_) return Removed(directory_);
    if (slots_.contains(shard)) return Ok();
  }
  // Two writers may come here at once; both find or make the same directory. A table without a
  // manifest writes its first one when it is opened.
  const Result<> created = environment_.fs.CreateDirectory(ShardDirectory(shard));
  if (!created.has_value() && created.error().code != ErrorCode::kAlreadyExists) return created;
  if (!IsPlanted(PlantedBug::kShardDirectoryNotSynced)) {
    RETURN_IF_ERROR(environment_.fs.SyncDirectory(directory_));
  }
  MutexLock lock(mutex_);
  slots_.try_emplace(shard);
  return Ok();
}

std::vector<std::shared_ptr<TsTable>> SegmentImpl::OpenTables() const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<TsTable>> tables;
  for (const auto& [shard, slot] : slots_) {
    if (slot.state == State::kOpen) tables.push_back(slot.table);
  }
  return tables;
}

size_t SegmentImpl::CloseIdle(int64_t used_before) {
  std::vector<std::shared_ptr<TsTable>> closing;
  {
    MutexLock lock(mutex_);
    for (auto& [shard, slot] : slots_) {
      if (slot.state != State::kOpen || slot.used > used_before) continue;
      if (slot.table.use_count() > 1 || !slot.table->IsIdle()) continue;
      // Nobody opens it again before its locks and jobs are gone.
      slot.state = State::kOpening;
      closing.push_back(std::exchange(slot.table, nullptr));
    }
  }
  if (closing.empty()) return 0;
  for (const auto& table : closing) table->Close();
  const size_t count = closing.size();
  closing.clear();
  MutexLock lock(mutex_);
  for (auto& [shard, slot] : slots_) {
    if (slot.state == State::kOpening && slot.table == nullptr && slot.used <= used_before) {
      slot.state = State::kClosed;
    }
  }
  opened_.NotifyAll();
  return count;
}

void SegmentImpl::Hide() {
  {
    MutexLock lock(mutex_);
    hidden_ = true;
  }
  for (const auto& table : OpenTables()) table->Shut();
}

bool SegmentImpl::IsDrained() const {
  const std::vector<std::shared_ptr<TsTable>> tables = OpenTables();
  return std::all_of(tables.begin(), tables.end(),
                     [](const auto& table) { return table->IsDrained(); });
}

bool SegmentImpl::Unheld() const {
  MutexLock lock(mutex_);
  for (const auto& [shard, slot] : slots_) {
    if (slot.state == State::kOpening) return false;
    if (slot.state == State::kOpen &&
        (slot.table.use_count() > 1 || slot.table->Current().use_count() > 2 ||
         !slot.table->IsDrained())) {
      return false;
    }
  }
  return true;
}

void SegmentImpl::CloseTables() {
  std::vector<std::shared_ptr<TsTable>> tables = OpenTables();
  for (const auto& table : tables) table->Close();
  MutexLock lock(mutex_);
  for (auto& [shard, slot] : slots_) {
    if (slot.state != State::kOpen) continue;
    slot.table = nullptr;
    slot.state = State::kClosed;
  }
}

}  // namespace ficus
