#include "server/ingest/row_sink.h"

#include <utility>

namespace ficus {

std::vector<KeyedRows> RowSink::Take() {
  index_.clear();
  ++generation_;
  rows_ = 0;
  bytes_ = 0;
  return std::exchange(batches_, {});
}

size_t RowSink::BatchOf(GroupId group, const SchemaObject& measure) {
  const BatchKey key{group, measure.subject_id, measure.mod_revision};
  const auto [known, added] = index_.emplace(key, batches_.size());
  if (!added) return known->second;
  KeyedRows& batch = batches_.emplace_back();
  batch.group = group;
  batch.schema_revision = measure.mod_revision;
  batch.rows.subject = measure.subject_id;
  for (const SubjectColumn& column : measure.columns()) {
    if (!column.dropped) batch.rows.columns.emplace_back(column.id, column.type);
  }
  return known->second;
}

}  // namespace ficus
