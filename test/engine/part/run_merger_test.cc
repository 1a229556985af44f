#include "engine/part/run_merger.h"

#include <catch2/catch.hpp>

#include "test/engine/part/row_model.h"

namespace ficus {
namespace {

// Runs given beforehand; some stand unread until they are loaded.
class GivenInput final : public RunInput {
 public:
  struct Given {
    RowBatch rows;
    bool unread = false;
  };
  explicit GivenInput(std::vector<Given> runs) : runs_(std::move(runs)) {}

  int loads = 0;

 private:
  Result<bool> NextRun(Run& run) override {
    if (next_ == runs_.size()) return false;
    const Given& given = runs_[next_++];
    if (given.unread) {
      run.first = KeyOfRow(given.rows, 0);
      run.last = KeyOfRow(given.rows, given.rows.rows() - 1);
    } else {
      run.rows = &given.rows;
      run.range = {0, given.rows.rows()};
    }
    return true;
  }
  Result<const RowBatch*> ReadRun() override {
    ++loads;
    return &runs_[next_ - 1].rows;
  }
  Error Unsorted() const override { return {ErrorCode::kCorruption, "unsorted"}; }

  std::vector<Given> runs_;
  size_t next_ = 0;
};

struct Merge {
  std::vector<GivenInput*> inputs;
  std::unique_ptr<RunMerger> merger;
};
Merge Over(std::vector<std::vector<GivenInput::Given>> inputs) {
  Merge merge;
  std::vector<std::unique_ptr<RunInput>> owned;
  for (auto& runs : inputs) {
    auto input = std::make_unique<GivenInput>(std::move(runs));
    merge.inputs.push_back(input.get());
    owned.push_back(std::move(input));
  }
  merge.merger = std::make_unique<RunMerger>(std::move(owned));
  return merge;
}

// The values of all rows in order; an unread run that stands alone comes as -1 and is skipped.
std::vector<int64_t> Values(Merge& merge) {
  std::vector<int64_t> values;
  RunMerger::Step step;
  for (;;) {
    const auto found = merge.merger->Next(step);
    REQUIRE(found.has_value());
    if (!*found) return values;
    if (step.is_unread()) {
      values.push_back(-1);
      REQUIRE(merge.merger->Skip().has_value());
      continue;
    }
    for (size_t row = step.rows.begin; row < step.rows.end; ++row) {
      values.push_back(step.input->rows()->columns[0].int64(row));
    }
  }
}

using Values64 = std::vector<int64_t>;

}  // namespace

TEST_CASE("runs come out in order, across inputs and subjects", "[part]") {
  Merge merge = Over({{{PlainBatch(1, {{1, 1, 1, 10}, {1, 5, 1, 11}, {3, 1, 1, 12}})},
                       {PlainBatch(2, {{1, 1, 1, 13}})}},
                      {{PlainBatch(1, {{1, 3, 1, 20}, {2, 1, 1, 21}})}},
                      {}});
  REQUIRE(Values(merge) == Values64{10, 20, 11, 21, 12, 13});
}

TEST_CASE("an unread run that nothing overlaps is never read", "[part]") {
  Merge merge = Over({{{PlainBatch(1, {{1, 1, 1, 10}}), true}, {PlainBatch(1, {{5, 1, 1, 11}})}},
                      {{PlainBatch(1, {{2, 1, 1, 20}, {3, 1, 1, 21}}), true}}});
  REQUIRE(Values(merge) == Values64{-1, -1, 11});
  REQUIRE(merge.inputs[0]->loads + merge.inputs[1]->loads == 0);
}

TEST_CASE("unread runs that overlap are read", "[part]") {
  Merge merge = Over({{{PlainBatch(1, {{1, 1, 1, 10}, {1, 9, 1, 11}}), true}},
                      {{PlainBatch(1, {{1, 5, 1, 20}}), true}}});
  REQUIRE(Values(merge) == Values64{10, -1, 11});
  REQUIRE(merge.inputs[0]->loads == 1);
  REQUIRE(merge.inputs[1]->loads == 0);
}

TEST_CASE("of equal keys in many inputs one row comes out", "[part]") {
  Merge merge =
      Over({{{PlainBatch(1, {{1, 1, 2, 10}, {1, 2, 1, 11}})}},
            {{PlainBatch(1, {{1, 1, 3, 20}}), true}, {PlainBatch(1, {{1, 2, 1, 21}}), true}},
            {{PlainBatch(1, {{1, 1, 3, 30}, {1, 2, 0, 31}})}}});
  REQUIRE(Values(merge) == Values64{20, 11});
}

TEST_CASE("an input out of order is an error", "[part]") {
  Merge merge = Over({{{PlainBatch(1, {{1, 5, 1, 10}})}, {PlainBatch(1, {{1, 5, 1, 11}})}}});
  RunMerger::Step step;
  REQUIRE(merge.merger->Next(step).value());
  REQUIRE(merge.merger->Next(step).error().code == ErrorCode::kCorruption);
}

}  // namespace ficus
