// What a query did and what each step cost, for clients that ask.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock.h"

namespace ficus {

struct QuerySpan {
  std::string name;
  UnixNanos begin = 0;
  UnixNanos end = 0;
  int64_t duration_nanos = 0;  // on the monotonic clock
  bool error = false;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::unique_ptr<QuerySpan>> children;
};

struct QueryTrace {
  QuerySpan root;
};

// A step under way: added below `parent` now, ended when it goes out of scope. With a null parent
// nothing is recorded. One thread; ends before its parent does.
class QueryStep {
 public:
  QueryStep(QuerySpan* parent, const Clock& clock, std::string_view name);
  ~QueryStep();
  QueryStep(const QueryStep&) = delete;
  QueryStep& operator=(const QueryStep&) = delete;

  // Null when nothing is recorded: what a child step takes as its parent.
  QuerySpan* span() { return span_; }
  bool recorded() const { return span_ != nullptr; }
  void Tag(std::string_view key, std::string_view value);
  void Tag(std::string_view key, uint64_t value);
  void Fail(std::string_view message);
  // For a step whose time was spent in pieces: replaces what the clock says.
  void SetDuration(int64_t nanos) { counted_nanos_ = nanos; }

 private:
  const Clock& clock_;
  QuerySpan* span_ = nullptr;
  int64_t started_ = 0;
  int64_t counted_nanos_ = -1;
};

}  // namespace ficus
