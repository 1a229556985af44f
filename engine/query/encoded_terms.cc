#include "engine/query/encoded_terms.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "engine/query/entity_view.h"

namespace ficus {
namespace {

// Type byte, every byte escaped, delimiter.
constexpr size_t EncodedBytesMax(size_t bytes) { return 2 + 2 * bytes; }

template <typename T>
void SortDistinct(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

Result<EncodedTerms> EncodedTerms::Make(const TagValue& literal, PlanBudget& budget) {
  EncodedTerms made;
  if (const auto* texts = std::get_if<std::vector<std::string>>(&literal)) {
    RETURN_IF_ERROR(made.AddTexts(*texts, budget));
  } else if (const auto* numbers = std::get_if<std::vector<int64_t>>(&literal)) {
    RETURN_IF_ERROR(made.AddNumbers(*numbers, budget));
  } else if (const auto* text = std::get_if<std::string>(&literal)) {
    RETURN_IF_ERROR(made.Reserve(1, EncodedBytesMax(text->size()), budget));
    made.Add(literal);
  } else if (const auto* binary = std::get_if<Binary>(&literal)) {
    RETURN_IF_ERROR(made.Reserve(1, EncodedBytesMax(binary->bytes.size()), budget));
    made.Add(literal);
  } else if (std::holds_alternative<int64_t>(literal)) {
    RETURN_IF_ERROR(made.Reserve(1, EncodedBytesMax(sizeof(int64_t)), budget));
    made.Add(literal);
  }
  RETURN_IF_ERROR(budget.CheckGoesOn());
  SortDistinct(made.terms_);
  return made;
}

Result<> EncodedTerms::Reserve(size_t terms, size_t bytes, PlanBudget& budget) {
  RETURN_IF_ERROR(budget.Take(terms * sizeof(std::string_view) + bytes));
  terms_.reserve(terms);
  bytes_.reserve(bytes);
  return Ok();
}

void EncodedTerms::Add(const TagValue& term) {
  const Result<std::string> encoded = EncodeEntityValue(term);
  if (!encoded.has_value()) return;
  CHECK(encoded->size() <= bytes_.capacity() - bytes_.size()) << "a term of " << encoded->size();
  const size_t begin = bytes_.size();
  bytes_.insert(bytes_.end(), encoded->begin(), encoded->end());
  terms_.emplace_back(bytes_.data() + begin, encoded->size());
}

Result<> EncodedTerms::AddTexts(const std::vector<std::string>& texts, PlanBudget& budget) {
  size_t bytes = 0;
  for (const std::string& text : texts) bytes += EncodedBytesMax(text.size());
  RETURN_IF_ERROR(Reserve(texts.size(), bytes, budget));
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i % kTermsPerCheck == 0) RETURN_IF_ERROR(budget.CheckGoesOn());
    Add(texts[i]);
  }
  return Ok();
}

// Numbers are made distinct first: on the wire a repeated one costs a byte or two.
Result<> EncodedTerms::AddNumbers(const std::vector<int64_t>& numbers, PlanBudget& budget) {
  const size_t copy_bytes = numbers.size() * sizeof(int64_t);
  RETURN_IF_ERROR(budget.Take(copy_bytes));
  {
    std::vector<int64_t> distinct = numbers;
    SortDistinct(distinct);
    RETURN_IF_ERROR(
        Reserve(distinct.size(), distinct.size() * EncodedBytesMax(sizeof(int64_t)), budget));
    for (size_t i = 0; i < distinct.size(); ++i) {
      if (i % kTermsPerCheck == 0) RETURN_IF_ERROR(budget.CheckGoesOn());
      Add(distinct[i]);
    }
  }
  budget.GiveBack(copy_bytes);
  return Ok();
}

bool EncodedTerms::Contains(std::string_view encoded) const {
  return std::binary_search(terms_.begin(), terms_.end(), encoded);
}

}  // namespace ficus
