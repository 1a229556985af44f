#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "engine/database/completion.h"
#include "engine/database/database_impl.h"

namespace ficus {

bool DatabaseImpl::IsReplaced(Catalog catalog, std::string_view name) const {
  return restore_ != nullptr && restore_->Replaces(catalog, name);
}

Result<> DatabaseImpl::ImportRestored() {
  if (restore_ == nullptr) return Ok();
  importing_ = true;
  const std::vector<std::shared_ptr<GroupStore>> replaced = ReplacedStores();
  RETURN_IF_ERROR(CloseReplaced(replaced));
  RETURN_IF_ERROR(CommitRestored());
  if (!restore_->whole_node()) RETURN_IF_ERROR(PlaceRestored(replaced));
  importing_ = false;
  return Ok();
}

// Stores whose directories make room; none for the whole node, whose trees are exchanged already.
std::vector<std::shared_ptr<GroupStore>> DatabaseImpl::ReplacedStores() const {
  std::vector<std::shared_ptr<GroupStore>> replaced;
  const std::vector<RestoredGroup>& restored = restore_->journal().groups;
  for (const auto& store : groups_.All()) {
    const bool is_restored = std::any_of(restored.begin(), restored.end(), [&](const auto& group) {
      return group.id == store->id();
    });
    if (!is_restored && IsReplaced(store->catalog(), store->name())) replaced.push_back(store);
  }
  return replaced;
}

// What they hold in memory only goes into their files first: the log that has it is trimmed, and
// what is replaced is kept whole.
Result<> DatabaseImpl::CloseReplaced(const std::vector<std::shared_ptr<GroupStore>>& stores) {
  auto completion = std::make_shared<Completion>();
  auto outcome = std::make_shared<Result<>>();
  {
    const auto countdown = std::make_shared<Countdown>([completion, outcome](const Result<>& all) {
      *outcome = all;
      completion->Set();
    });
    for (const auto& store : stores) {
      for (const auto& table : store->OpenTables()) {
        table->Flush([countdown, table](const Result<>& result) { countdown->Report(result); });
      }
    }
  }
  completion->Wait(environment_.run_until);
  RETURN_IF_ERROR(*outcome);
  for (const auto& store : stores) {
    groups_.Remove(store->id());
    store->Shut();
    if (environment_.run_until) {
      environment_.run_until([&] { return store->IsDrained(); });
    }
    store->Close();
  }
  return Ok();
}

Result<> DatabaseImpl::CommitRestored() {
  if (restore_->IsCommitted(*registry_->Current())) return Ok();
  if (const std::optional<ReadOnlyState> read_only = ReadOnly()) {
    return Error{read_only->code, read_only->reason};
  }
  if (!restore_->whole_node()) RETURN_IF_ERROR(restore_->CheckStaged());
  const Result<> imported =
      ChangeAndWait([this](const SchemaRegistry& registry) { return restore_->Prepare(registry); });
  if (!imported.has_value()) return imported.error().With("import the restored groups");
  return Ok();
}

Result<> DatabaseImpl::PlaceRestored(const std::vector<std::shared_ptr<GroupStore>>& replaced) {
  for (const auto& store : replaced) {
    RETURN_IF_ERROR(restore_->MoveGroupAside(store->catalog(), store->name()));
  }
  for (const RestoredGroup& group : restore_->journal().groups) {
    if (FindGroup(group.id) != nullptr) continue;  // in its place since before a crash
    RETURN_IF_ERROR(restore_->MoveGroupAside(group.catalog, group.name));
    RETURN_IF_ERROR(restore_->MoveGroupIn(group));
    RETURN_IF_ERROR(OpenGroup(group.catalog, group.name));
    const std::shared_ptr<GroupStore> store = FindGroup(group.id);
    const SchemaObject* const object = registry_->Current()->FindGroup(group.id);
    if (store == nullptr || object == nullptr) {
      return Error{ErrorCode::kCorruption,
                   fmt::format("restored group {} is not in its place", group.name)};
    }
    store->SetLayout(LayoutOf(object->group()));
  }
  return Ok();
}

Result<bool> DatabaseImpl::UndoRestore(const Error& why) {
  if (restore_ == nullptr) return false;
  const bool committed = !restore_->whole_node() && registry_ != nullptr && schema_trusted_ &&
                         restore_->IsCommitted(*registry_->Current());
  if (committed) return false;
  Close();
  RETURN_IF_ERROR(restore_->Undo(why));
  restore_.reset();
  return true;
}

}  // namespace ficus
