// Accepted rows on their way to the database: validated, keyed, not yet routed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/model/ids.h"
#include "engine/model/keyed_rows.h"
#include "engine/schema/schema_object.h"

namespace ficus {

// Collects the rows of any number of messages and streams until somebody takes them. One thread at
// a time.
class RowSink {
 public:
  size_t rows() const { return rows_; }
  bool empty() const { return rows_ == 0; }
  // Of the rows in memory: what to reserve before they are handed on.
  size_t bytes() const { return bytes_; }
  // One per measure and revision of its schema.
  const std::vector<KeyedRows>& batches() const { return batches_; }

  // All rows; the sink is empty afterwards.
  std::vector<KeyedRows> Take();

 private:
  friend class MeasureWriteSession;

  // Where rows of `measure` go. An index from an earlier generation is worth nothing.
  size_t BatchOf(GroupId group, const SchemaObject& measure);

  struct BatchKey {
    GroupId group;
    SubjectId subject;
    int64_t schema_revision;
    friend bool operator==(const BatchKey&, const BatchKey&) = default;
  };
  // Group and subject ids are random, so any mix of them is a hash.
  struct BatchKeyHash {
    size_t operator()(const BatchKey& key) const {
      return key.group.value() ^ key.subject.value() ^ static_cast<uint64_t>(key.schema_revision);
    }
  };

  std::vector<KeyedRows> batches_;
  std::unordered_map<BatchKey, size_t, BatchKeyHash> index_;  // into batches_
  uint64_t generation_ = 1;                                   // one more with each Take
  size_t rows_ = 0;
  size_t bytes_ = 0;
};

}  // namespace ficus
