// The terms of a literal in the form in which a series key holds them.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/tag_value.h"
#include "engine/query/plan_budget.h"

namespace ficus {

// Ascending, distinct encoded values (EncodeEntityValue). Threads: any.
class EncodedTerms {
 public:
  EncodedTerms() = default;
  // A term that no entity can hold, and null, are left out. Costs about 50 bytes for an integer,
  // and for a text 32 and twice its length; asked of `budget` before it is allocated, with its
  // errors.
  static Result<EncodedTerms> Make(const TagValue& literal, PlanBudget& budget);
  EncodedTerms(EncodedTerms&&) = default;
  EncodedTerms& operator=(EncodedTerms&&) = default;
  EncodedTerms(const EncodedTerms&) = delete;  // the views would be of the other one
  EncodedTerms& operator=(const EncodedTerms&) = delete;

  // The views live as long as this or what it is moved to.
  const std::vector<std::string_view>& all() const { return terms_; }
  bool Contains(std::string_view encoded) const;
  void Clear() { terms_.clear(); }

 private:
  Result<> Reserve(size_t terms, size_t bytes, PlanBudget& budget);
  void Add(const TagValue& term);
  Result<> AddTexts(const std::vector<std::string>& texts, PlanBudget& budget);
  Result<> AddNumbers(const std::vector<int64_t>& numbers, PlanBudget& budget);

  std::vector<char> bytes_;  // reserved as a whole, so that the views stay
  std::vector<std::string_view> terms_;
};

}  // namespace ficus
