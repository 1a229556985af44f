#include "engine/query/compiled_criteria.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "engine/query/criteria_text.h"

namespace ficus {

namespace {

Error Refused(std::string text) { return {ErrorCode::kUnknown, std::move(text)}; }

Error UnsupportedOp(std::string_view what, const Condition& condition) {
  return Refused(std::string(what) + ToText(condition) + ": unsupported condition operation");
}

bool IsArray(const TagValue& value) {
  return std::holds_alternative<std::vector<std::string>>(value) ||
         std::holds_alternative<std::vector<int64_t>>(value);
}

bool IsScalar(const TagValue& value) {
  return std::holds_alternative<std::string>(value) || std::holds_alternative<int64_t>(value) ||
         std::holds_alternative<Binary>(value);
}

bool IsRange(ConditionOp op) {
  return op == ConditionOp::kLt || op == ConditionOp::kGt || op == ConditionOp::kLe ||
         op == ConditionOp::kGe;
}

// EQ with a scalar, IN with a list or (as EQ) a scalar: the entity itself is asked for.
bool IsEntityLookup(const Condition& condition) {
  if (condition.op == ConditionOp::kEq) return IsScalar(*condition.value);
  return condition.op == ConditionOp::kIn &&
         (IsScalar(*condition.value) || IsArray(*condition.value));
}

// What BanyanDB asks of a condition that an index has to answer.
Result<> CheckIndexedCondition(const Condition& condition) {
  const TagValue& value = *condition.value;
  switch (condition.op) {
    case ConditionOp::kEq:
    case ConditionOp::kNe:
    case ConditionOp::kLt:
    case ConditionOp::kGt:
    case ConditionOp::kLe:
    case ConditionOp::kGe:
      if (IsScalar(value)) return Ok();
      return UnsupportedOp("don't support multiple or null value: ", condition);
    case ConditionOp::kIn:
      if (IsArray(value)) return Ok();
      return UnsupportedOp("IN condition requires array value type: ", condition);
    case ConditionOp::kNotIn:
      if (IsArray(value)) return Ok();
      return UnsupportedOp("NOT_IN condition requires array value type: ", condition);
    case ConditionOp::kHaving:
    case ConditionOp::kNotHaving:
      return Ok();
    case ConditionOp::kMatch:
      if (!std::holds_alternative<std::string>(value)) {
        return UnsupportedOp("MATCH condition requires string value type: ", condition);
      }
      return Error{ErrorCode::kUnimplemented,
                   "the operator MATCH on tag " + condition.tag + " is not supported"};
    case ConditionOp::kUnspecified:
      break;
  }
  return UnsupportedOp("index filter parses ", condition);
}

// What a copy of the literal takes.
size_t CopyBytes(const TagValue& literal) {
  if (const auto* numbers = std::get_if<std::vector<int64_t>>(&literal)) {
    return numbers->size() * sizeof(int64_t);
  }
  if (const auto* text = std::get_if<std::string>(&literal)) return text->size();
  if (const auto* binary = std::get_if<Binary>(&literal)) return binary->bytes.size();
  size_t bytes = 0;
  if (const auto* texts = std::get_if<std::vector<std::string>>(&literal)) {
    for (const std::string& text : *texts) bytes += sizeof(std::string) + text.size();
  }
  return bytes;
}

// Both have to hold.
void Intersect(EntityBounds& bounds, EntityBounds other) {
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (!other[i].has_value()) continue;
    if (!bounds[i].has_value()) {
      bounds[i] = std::move(other[i]);
      continue;
    }
    std::erase_if(*bounds[i], [&](std::string_view value) {
      return !std::binary_search(other[i]->begin(), other[i]->end(), value);
    });
  }
}

// One of them has to hold.
Result<> Unite(EntityBounds& bounds, EntityBounds other, PlanBudget& budget) {
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (!bounds[i].has_value() || !other[i].has_value()) {
      bounds[i].reset();
      continue;
    }
    const size_t bytes = (bounds[i]->size() + other[i]->size()) * sizeof(std::string_view);
    RETURN_IF_ERROR(budget.Take(bytes));
    std::vector<std::string_view> united;
    united.reserve(bounds[i]->size() + other[i]->size());
    std::set_union(bounds[i]->begin(), bounds[i]->end(), other[i]->begin(), other[i]->end(),
                   std::back_inserter(united));
    bounds[i] = std::move(united);
    budget.GiveBack(bytes);  // of the two
  }
  return Ok();
}

}  // namespace

// Walks the criteria once; the node's bounds come back beside it.
class CriteriaCompiler {
 public:
  CriteriaCompiler(size_t entity_size, const TagResolver& resolve, PlanBudget& budget)
      : entity_size_(entity_size), resolve_(resolve), budget_(budget) {}

  struct Compiled {
    CompiledCriteria::Node node;
    EntityBounds bounds;
  };

  Result<Compiled> Compile(const Criteria& criteria, size_t depth) {
    if (depth > kCriteriaDepthMax || ++nodes_ > kCriteriaNodesMax) {
      return Error{ErrorCode::kInvalidArgument,
                   "the criteria have more than " + std::to_string(kCriteriaNodesMax) +
                       " nodes or are nested deeper than " + std::to_string(kCriteriaDepthMax)};
    }
    if (criteria.condition.has_value()) return CompileCondition(*criteria.condition);
    if (!criteria.expression.has_value()) return Refused("invalid criteria type");
    const LogicalExpression& expression = *criteria.expression;
    if (expression.left == nullptr && expression.right == nullptr) {
      return Refused("both sides(left and right) of [" + ToText(criteria) +
                     "] are empty: invalid logical expression");
    }
    if (expression.left == nullptr) return Compile(*expression.right, depth + 1);
    if (expression.right == nullptr) return Compile(*expression.left, depth + 1);
    ASSIGN_OR_RETURN(Compiled left, Compile(*expression.left, depth + 1));
    ASSIGN_OR_RETURN(Compiled right, Compile(*expression.right, depth + 1));
    if (expression.op != LogicalOp::kAnd && expression.op != LogicalOp::kOr) {
      return Refused("invalid criteria type");
    }
    return Join(expression.op, std::move(left), std::move(right));
  }

 private:
  using Node = CompiledCriteria::Node;

  // Chains of one operator become one node, however a client nested them.
  Result<Compiled> Join(LogicalOp op, Compiled left, Compiled right) const {
    const bool is_and = op == LogicalOp::kAnd;
    const Node::Kind kind = is_and ? Node::Kind::kAnd : Node::Kind::kOr;
    Compiled joined;
    joined.node.kind = kind;
    for (Compiled* side : {&left, &right}) {
      if (side->node.kind == kind) {
        std::move(side->node.children.begin(), side->node.children.end(),
                  std::back_inserter(joined.node.children));
      } else {
        joined.node.children.push_back(std::move(side->node));
      }
    }
    joined.bounds = std::move(left.bounds);
    if (is_and) {
      Intersect(joined.bounds, std::move(right.bounds));
    } else {
      RETURN_IF_ERROR(Unite(joined.bounds, std::move(right.bounds), budget_));
    }
    return joined;
  }

  Result<Compiled> CompileCondition(const Condition& condition) const {
    if (!condition.value.has_value()) {
      return Error{ErrorCode::kInvalidArgument,
                   "the condition on tag " + condition.tag + " has no value"};
    }
    if (std::holds_alternative<Timestamp>(*condition.value) ||
        std::holds_alternative<double>(*condition.value)) {
      return Refused("index filter parses " + ToText(condition) + ": unsupported condition value");
    }
    RETURN_IF_ERROR(budget_.CheckGoesOn());
    const TagResolution tag = resolve_(condition.tag);
    const bool is_entity = tag.source.kind == ValueSource::Kind::kEntity;
    if (is_entity && IsEntityLookup(condition)) return EntityLookup(tag.source.index, condition);
    if (!tag.indexed) return UnsupportedOp("mandatory index rule conf:", condition);
    RETURN_IF_ERROR(CheckIndexedCondition(condition));

    Compiled compiled;
    compiled.bounds.resize(entity_size_);
    compiled.node.index = tag.source.index;
    if (is_entity && !IsRange(condition.op)) {
      compiled.node.kind = Node::Kind::kEntity;
      RETURN_IF_ERROR(SetEncoded(compiled.node, condition));
      return compiled;
    }
    RETURN_IF_ERROR(budget_.Take(CopyBytes(*condition.value)));
    compiled.node.test = ValuePredicate(condition.op, *condition.value);
    if (is_entity) {
      compiled.node.kind = Node::Kind::kEntity;
    } else if (tag.source.kind == ValueSource::Kind::kColumn) {
      compiled.node.kind = Node::Kind::kColumn;
    } else {
      compiled.node.kind = Node::Kind::kConstant;
      compiled.node.constant = compiled.node.test.MatchesNull();
    }
    return compiled;
  }

  Result<Compiled> EntityLookup(size_t position, const Condition& condition) const {
    Compiled compiled;
    compiled.node.kind = Node::Kind::kEntity;
    compiled.node.index = position;
    RETURN_IF_ERROR(SetEncoded(compiled.node, condition));
    const std::vector<std::string_view>& terms = compiled.node.encoded->all();
    RETURN_IF_ERROR(budget_.Take(terms.size() * sizeof(std::string_view)));
    compiled.bounds.resize(entity_size_);
    compiled.bounds[position] = terms;
    return compiled;
  }

  // An entity value is one term, so HAVING more than one distinct term never matches.
  Result<> SetEncoded(Node& node, const Condition& condition) const {
    ASSIGN_OR_RETURN(node.encoded, EncodedTerms::Make(*condition.value, budget_));
    const bool having =
        condition.op == ConditionOp::kHaving || condition.op == ConditionOp::kNotHaving;
    if (having && node.encoded->all().size() > 1) node.encoded->Clear();
    node.negated = condition.op == ConditionOp::kNe || condition.op == ConditionOp::kNotIn ||
                   condition.op == ConditionOp::kNotHaving;
    return Ok();
  }

  const size_t entity_size_;
  const TagResolver& resolve_;
  PlanBudget& budget_;
  size_t nodes_ = 0;
};

Result<CompiledCriteria> CompiledCriteria::Compile(const Criteria& criteria, size_t entity_size,
                                                   const TagResolver& resolve, PlanBudget& budget) {
  CriteriaCompiler compiler(entity_size, resolve, budget);
  ASSIGN_OR_RETURN(CriteriaCompiler::Compiled compiled, compiler.Compile(criteria, 1));
  CompiledCriteria result;
  result.entity_size_ = entity_size;
  result.root_ = std::move(compiled.node);
  result.bounds_ = std::move(compiled.bounds);
  result.text_ = ficus::ToText(criteria);
  const std::function<bool(const Node&)> uses_entity = [&](const Node& node) {
    return node.kind == Node::Kind::kEntity ||
           std::any_of(node.children.begin(), node.children.end(), uses_entity);
  };
  result.needs_entity_ = uses_entity(result.root_);
  return result;
}

void CompiledCriteria::RenumberSlots(Node& node, const std::vector<size_t>& slots) {
  if (node.kind == Node::Kind::kColumn) node.index = slots[node.index];
  for (Node& child : node.children) RenumberSlots(child, slots);
}

Result<bool> CompiledCriteria::TestEntity(const Node& node, const EntityView& entity) const {
  if (node.encoded.has_value()) {
    const bool equal = node.encoded->Contains(entity.encoded(node.index));
    return equal != node.negated;
  }
  ASSIGN_OR_RETURN(const TagValue value, entity.Decode(node.index));
  return node.test.Matches(value);
}

Result<SeriesVerdict> CompiledCriteria::Judge(const EntityView& entity) const {
  if (entity.size() != entity_size_) {
    return Error{ErrorCode::kCorruption, "a series key has " + std::to_string(entity.size()) +
                                             " values, the measure's entity " +
                                             std::to_string(entity_size_)};
  }
  return Judge(root_, entity);
}

Result<SeriesVerdict> CompiledCriteria::Judge(const Node& node, const EntityView& entity) const {
  switch (node.kind) {
    case Node::Kind::kEntity: {
      ASSIGN_OR_RETURN(const bool matches, TestEntity(node, entity));
      return matches ? SeriesVerdict::kAll : SeriesVerdict::kNone;
    }
    case Node::Kind::kColumn:
      return SeriesVerdict::kSome;
    case Node::Kind::kConstant:
      return node.constant ? SeriesVerdict::kAll : SeriesVerdict::kNone;
    case Node::Kind::kAnd:
    case Node::Kind::kOr:
      break;
  }
  const SeriesVerdict decisive =
      node.kind == Node::Kind::kAnd ? SeriesVerdict::kNone : SeriesVerdict::kAll;
  bool some = false;
  for (const Node& child : node.children) {
    ASSIGN_OR_RETURN(const SeriesVerdict verdict, Judge(child, entity));
    if (verdict == decisive) return decisive;
    some = some || verdict == SeriesVerdict::kSome;
  }
  if (some) return SeriesVerdict::kSome;
  return node.kind == Node::Kind::kAnd ? SeriesVerdict::kAll : SeriesVerdict::kNone;
}

Result<> CompiledCriteria::MatchRows(const EntityView* entity, ColumnSlots columns, size_t begin,
                                     size_t end, std::vector<uint8_t>& matches) const {
  matches.resize(end - begin);
  return MatchRows(root_, entity, columns, begin, end, matches);
}

Result<> CompiledCriteria::MatchRows(const Node& node, const EntityView* entity,
                                     ColumnSlots columns, size_t begin, size_t end,
                                     std::vector<uint8_t>& matches) const {
  const auto fill = [&](bool value) {
    std::fill(matches.begin(), matches.end(), value ? uint8_t{1} : uint8_t{0});
  };
  switch (node.kind) {
    case Node::Kind::kEntity: {
      ASSIGN_OR_RETURN(const bool value, TestEntity(node, *entity));
      fill(value);
      return Ok();
    }
    case Node::Kind::kColumn:
      if (columns[node.index] == nullptr) {
        fill(node.test.MatchesNull());
      } else {
        node.test.MatchRows(*columns[node.index], begin, end, matches.data());
      }
      return Ok();
    case Node::Kind::kConstant:
      fill(node.constant);
      return Ok();
    case Node::Kind::kAnd:
    case Node::Kind::kOr:
      break;
  }
  const bool is_and = node.kind == Node::Kind::kAnd;
  RETURN_IF_ERROR(MatchRows(node.children.front(), entity, columns, begin, end, matches));
  std::vector<uint8_t> side(matches.size());
  for (size_t i = 1; i < node.children.size(); ++i) {
    RETURN_IF_ERROR(MatchRows(node.children[i], entity, columns, begin, end, side));
    for (size_t row = 0; row < matches.size(); ++row) {
      matches[row] = is_and ? matches[row] & side[row] : matches[row] | side[row];
    }
  }
  return Ok();
}

}  // namespace ficus
