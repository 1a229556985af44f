// The revisions that a query says its schemas must have.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "banyandb/measure/v1/query.pb.h"
#include "engine/base/clock.h"
#include "engine/schema/schema_snapshot.h"

namespace ficus {

// Of one query of a measure. A group that the query asks and names a revision for (not 0) must have
// its measure at exactly that revision; one that is ahead of the node is waited for, and by then
// any later one will do. Source: BanyanDB's public API, QueryRequest.group_mod_revisions.
class RevisionGate {
 public:
  // `request` outlives the gate.
  explicit RevisionGate(const banyandb::measure::v1::QueryRequest& request);

  // Looks at the schemas of the moment; false while a later look may say more.
  bool Look(const SchemaSnapshot& schema);

  // After a look: some status is no success, so that no row is to be answered.
  bool is_shut() const;
  // What was found of each group, those that are still waited for included; nothing when the query
  // names no revision.
  void FillStatuses(banyandb::measure::v1::QueryResponse& response) const;
  // Of the youngest measure whose revision was asked for: the query sees nothing of before it.
  std::optional<UnixNanos> created_at() const { return created_at_; }

 private:
  banyandb::model::v1::Status Judge(int64_t asked, const SchemaObject* measure, bool is_awaited);

  const std::string& measure_;
  std::map<std::string, int64_t> asked_;
  std::map<std::string, banyandb::model::v1::Status> statuses_;
  std::optional<UnixNanos> created_at_;
};

}  // namespace ficus
