#include "engine/part/entry_cursor.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "engine/base/log.h"
#include "engine/part/entry_table.h"

namespace ficus {
namespace {

class MemoryEntries final : public EntryCursor {
 public:
  explicit MemoryEntries(const std::vector<SeriesEntry>& entries) : entries_(entries) {}

  Result<bool> Next(SeriesEntry& entry) override {
    if (next_ == entries_.size()) return false;
    entry = entries_[next_++];
    return true;
  }

 private:
  const std::vector<SeriesEntry>& entries_;
  size_t next_ = 0;
};

class MergedEntries final : public EntryCursor {
 public:
  MergedEntries(EntryCursors inputs, TwoEntities two_entities)
      : inputs_(std::move(inputs)), two_entities_(two_entities) {}

  Result<bool> Next(SeriesEntry& entry) override {
    if (!started_) RETURN_IF_ERROR(Start());
    if (heap_.empty()) return false;
    RETURN_IF_ERROR(Take(entry));
    while (!heap_.empty() && KeyOf(heap_.front().next) == KeyOf(entry)) {
      SeriesEntry newer;
      RETURN_IF_ERROR(Take(newer));
      if (newer.entity == entry.entity || two_entities_ == TwoEntities::kSilent) continue;
      LogError("series.collision", "series {} of subject {} has two entities: the older one stays",
               Hex16(entry.series), Hex16(entry.subject));
    }
    return true;
  }

 private:
  struct Input {
    SeriesEntry next;
    size_t age = 0;  // 0 is the oldest
  };
  static bool After(const Input& a, const Input& b) {
    return std::pair(KeyOf(b.next), b.age) < std::pair(KeyOf(a.next), a.age);
  }

  Result<> Start() {
    started_ = true;
    for (size_t age = 0; age < inputs_.size(); ++age) RETURN_IF_ERROR(Push({{}, age}));
    return Ok();
  }

  Result<> Push(Input input) {
    ASSIGN_OR_RETURN(const bool found, inputs_[input.age]->Next(input.next));
    if (!found) return Ok();
    heap_.push_back(std::move(input));
    std::push_heap(heap_.begin(), heap_.end(), After);
    return Ok();
  }

  // The lowest entry, of equal ones the oldest.
  Result<> Take(SeriesEntry& entry) {
    std::pop_heap(heap_.begin(), heap_.end(), After);
    Input input = std::move(heap_.back());
    heap_.pop_back();
    entry = std::move(input.next);
    return Push(std::move(input));
  }

  const EntryCursors inputs_;
  const TwoEntities two_entities_;
  bool started_ = false;
  std::vector<Input> heap_;  // the lowest first
};

}  // namespace

std::unique_ptr<EntryCursor> CursorOver(const std::vector<SeriesEntry>& entries) {
  return std::make_unique<MemoryEntries>(entries);
}

std::unique_ptr<EntryCursor> MergeEntries(EntryCursors inputs, TwoEntities two_entities) {
  return std::make_unique<MergedEntries>(std::move(inputs), two_entities);
}

}  // namespace ficus
