#include "engine/part/run_merger.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/planted_bug.h"

namespace ficus {
namespace {

// The first row from input.at() on that does not come before `limit`.
size_t EndBefore(const RunInput& input, const RowKey& limit) {
  const RowBatch& rows = *input.rows();
  const size_t end = input.end();
  if (KeyOfRow(rows, end - 1) < limit) return end;
  // Runs are often short, so look close by first.
  size_t low = input.at();
  size_t step = 1;
  while (low + step < end && KeyOfRow(rows, low + step) < limit) {
    low += step;
    step *= 2;
  }
  size_t high = std::min(low + step, end - 1);
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (KeyOfRow(rows, middle) < limit) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace

Result<> RunInput::SetRows(const RowBatch* rows, RowRange range) {
  CHECK(rows != nullptr && range.begin < range.end && range.end <= rows->rows());
  rows_ = rows;
  at_ = range.begin;
  end_ = range.end;
  exhausted_ = false;
  key_ = KeyOfRow(*rows, at_);
  if (has_taken_ && key_ <= taken_) return Unsorted();
  return Ok();
}

Result<bool> RunInput::Advance() {
  Run run;
  rows_ = nullptr;
  exhausted_ = false;
  ASSIGN_OR_RETURN(const bool found, NextRun(run));
  if (!found) return false;
  if (run.rows != nullptr) {
    RETURN_IF_ERROR(SetRows(run.rows, run.range));
  } else {
    key_ = run.first;
    last_ = run.last;
  }
  return true;
}

Result<> RunInput::Load() {
  ASSIGN_OR_RETURN(const RowBatch* rows, ReadRun());
  return SetRows(rows, {0, rows->rows()});
}

Result<> RunInput::Pass(const RowKey& last) {
  if (has_taken_ && key_ <= taken_) return Unsorted();
  has_taken_ = true;
  taken_ = last;
  return Ok();
}

void RunInput::Take(size_t end) {
  taken_ = KeyOfRow(*rows_, end - 1);
  has_taken_ = true;
  at_ = end;
  exhausted_ = at_ == end_;
  if (!exhausted_) key_ = KeyOfRow(*rows_, at_);
}

bool RunMerger::Before(const Slot& a, const Slot& b) {
  if (const auto order = a.key <=> b.key; order != 0) return order < 0;
  // Unread runs first: the rows at the lowest key are compared only when all are known.
  if (a.is_read != b.is_read) return b.is_read;
  return a.input < b.input;
}

RunMerger::Slot RunMerger::SlotOf(size_t input) const {
  const RunInput& run = *inputs_[input];
  return {run.key(), run.rows() != nullptr, static_cast<uint32_t>(input)};
}

void RunMerger::SiftDown() {
  const Slot slot = heap_.front();
  size_t place = 0;
  for (size_t child = 1; child < heap_.size(); child = 2 * place + 1) {
    if (child + 1 < heap_.size() && Before(heap_[child + 1], heap_[child])) ++child;
    if (!Before(heap_[child], slot)) break;
    heap_[place] = heap_[child];
    place = child;
  }
  heap_[place] = slot;
}

void RunMerger::Settle() {
  heap_.front() = SlotOf(heap_.front().input);
  SiftDown();
}

void RunMerger::RemoveTop() {
  heap_.front() = heap_.back();
  heap_.pop_back();
  if (!heap_.empty()) SiftDown();
}

Result<> RunMerger::Start() {
  started_ = true;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    ASSIGN_OR_RETURN(const bool found, inputs_[i]->Advance());
    if (found) heap_.push_back(SlotOf(i));
  }
  // A sorted list is a heap.
  std::sort(heap_.begin(), heap_.end(), Before);
  return Ok();
}

Result<> RunMerger::AdvanceTop() {
  ASSIGN_OR_RETURN(const bool found, inputs_[heap_.front().input]->Advance());
  if (found) {
    Settle();
  } else {
    RemoveTop();
  }
  return Ok();
}

const RunInput* RunMerger::Other() const {
  if (heap_.size() < 2) return nullptr;
  const bool is_second = heap_.size() == 2 || Before(heap_[1], heap_[2]);
  return inputs_[heap_[is_second ? 1 : 2].input].get();
}

Result<> RunMerger::DropLosers() {
  const RowKey key = heap_.front().key;
  const auto version = [this](size_t i) {
    const RunInput& input = *inputs_[i];
    return input.rows()->versions[input.at()];
  };
  // Equal keys come out of the heap oldest input first.
  std::vector<size_t> equal;
  while (!heap_.empty() && heap_.front().key == key) {
    equal.push_back(heap_.front().input);
    RemoveTop();
  }
  size_t winner = equal.front();
  for (const size_t i : equal) {
    if (version(i) > version(winner) && !IsPlanted(PlantedBug::kMergeKeepsOlderVersion)) winner = i;
  }
  for (const size_t i : equal) {
    bool stays = true;
    if (i != winner) {
      RunInput& loser = *inputs_[i];
      loser.Take(loser.at() + 1);
      if (loser.exhausted()) {
        ASSIGN_OR_RETURN(stays, loser.Advance());
      }
    }
    if (!stays) continue;
    heap_.push_back(SlotOf(i));
    std::push_heap(heap_.begin(), heap_.end(),
                   [](const Slot& a, const Slot& b) { return Before(b, a); });
  }
  return Ok();
}

Result<bool> RunMerger::Next(Step& step) {
  if (!started_) RETURN_IF_ERROR(Start());
  while (!heap_.empty()) {
    const size_t first = heap_.front().input;
    RunInput& top = *inputs_[first];
    if (top.rows() != nullptr && top.exhausted()) {
      RETURN_IF_ERROR(AdvanceTop());
      continue;
    }
    // What the caller read or took has moved the key.
    Settle();
    if (heap_.front().input != first) continue;

    const RunInput* other = Other();
    if (top.rows() == nullptr) {
      if (other == nullptr || top.last() < other->key()) {
        step = {&top, {}};
        return true;
      }
      RETURN_IF_ERROR(top.Load());
      continue;
    }
    const size_t begin = top.at();
    const size_t end = other == nullptr ? top.end() : EndBefore(top, other->key());
    if (end == begin) {
      RETURN_IF_ERROR(DropLosers());
      continue;
    }
    top.Take(end);
    step = {&top, {begin, end}};
    return true;
  }
  return false;
}

}  // namespace ficus
