#include "engine/query/query_trace.h"

#include <algorithm>

namespace ficus {
namespace {

// A query over years of hours must not answer with a trace larger than its rows.
constexpr size_t kChildrenMax = 200;
constexpr std::string_view kLeftOut = "steps_left_out";

}  // namespace

QueryStep::QueryStep(QuerySpan* parent, const Clock& clock, std::string_view name) : clock_(clock) {
  if (parent == nullptr) return;
  if (parent->children.size() >= kChildrenMax) {
    const bool noted = std::any_of(parent->tags.begin(), parent->tags.end(),
                                   [](const auto& tag) { return tag.first == kLeftOut; });
    if (!noted) parent->tags.emplace_back(kLeftOut, "yes");
    return;
  }
  parent->children.push_back(std::make_unique<QuerySpan>());
  span_ = parent->children.back().get();
  span_->name = name;
  span_->begin = clock.Now();
  started_ = clock.Monotonic();
}

QueryStep::~QueryStep() {
  if (span_ == nullptr) return;
  span_->end = clock_.Now();
  span_->duration_nanos = counted_nanos_ >= 0 ? counted_nanos_ : clock_.Monotonic() - started_;
}

void QueryStep::Tag(std::string_view key, std::string_view value) {
  if (span_ != nullptr) span_->tags.emplace_back(key, value);
}

void QueryStep::Tag(std::string_view key, uint64_t value) {
  if (span_ != nullptr) span_->tags.emplace_back(key, std::to_string(value));
}

void QueryStep::Fail(std::string_view message) {
  if (span_ == nullptr) return;
  span_->error = true;
  span_->tags.emplace_back("error_msg", message);
}

}  // namespace ficus
