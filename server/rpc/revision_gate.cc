#include "server/rpc/revision_gate.h"

#include <algorithm>

namespace ficus {

namespace model = banyandb::model::v1;

RevisionGate::RevisionGate(const banyandb::measure::v1::QueryRequest& request)
    : measure_(request.name()) {
  for (const std::string& group : request.groups()) {
    const auto asked = request.group_mod_revisions().find(group);
    if (asked != request.group_mod_revisions().end() && asked->second != 0) {
      asked_.emplace(group, asked->second);
    }
  }
}

bool RevisionGate::Look(const SchemaSnapshot& schema) {
  bool is_final = true;
  for (const auto& [group, revision] : asked_) {
    const auto before = statuses_.find(group);
    const bool is_awaited = before != statuses_.end();
    if (is_awaited && before->second != model::STATUS_SCHEMA_NOT_APPLIED) continue;
    const SchemaObject* const measure = schema.Find(SchemaKind::kMeasure, group, measure_);
    const model::Status status = Judge(revision, measure, is_awaited);
    statuses_[group] = status;
    is_final = is_final && status != model::STATUS_SCHEMA_NOT_APPLIED;
    if (measure != nullptr) {
      created_at_ = std::max(measure->created_at, created_at_.value_or(measure->created_at));
    }
  }
  return is_final;
}

model::Status RevisionGate::Judge(int64_t asked, const SchemaObject* measure, bool is_awaited) {
  if (measure == nullptr) return model::STATUS_NOT_FOUND;
  if (asked > measure->mod_revision) return model::STATUS_SCHEMA_NOT_APPLIED;
  return asked == measure->mod_revision || is_awaited ? model::STATUS_SUCCEED
                                                      : model::STATUS_EXPIRED_SCHEMA;
}

bool RevisionGate::is_shut() const {
  return std::any_of(statuses_.begin(), statuses_.end(),
                     [](const auto& status) { return status.second != model::STATUS_SUCCEED; });
}

void RevisionGate::FillStatuses(banyandb::measure::v1::QueryResponse& response) const {
  for (const auto& [group, status] : statuses_) {
    (*response.mutable_group_statuses())[group] = status;
  }
}

}  // namespace ficus
