#include "engine/query/criteria_text.h"

#include <cstdio>
#include <string_view>

namespace ficus {
namespace {

// A message for people: what a client sent comes back, but not megabytes of it.
constexpr size_t kTextBytesMax = 2048;

void AppendQuoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (out.size() > kTextBytesMax) break;
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      out += escaped;
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

struct ValueAppender {
  std::string& out;

  void operator()(const Null&) const { out += "null:NULL_VALUE"; }
  void operator()(const std::string& value) const {
    out += "str:{value:";
    AppendQuoted(out, value);
    out += "}";
  }
  void operator()(int64_t value) const { out += "int:{value:" + std::to_string(value) + "}"; }
  void operator()(double value) const { out += "float:{value:" + std::to_string(value) + "}"; }
  void operator()(const Binary& value) const {
    out += "binary_data:";
    AppendQuoted(out, value.bytes);
  }
  void operator()(const std::vector<std::string>& values) const {
    out += "str_array:{";
    for (size_t i = 0; i < values.size() && out.size() < kTextBytesMax; ++i) {
      out += i == 0 ? "value:" : " value:";
      AppendQuoted(out, values[i]);
    }
    out += "}";
  }
  void operator()(const std::vector<int64_t>& values) const {
    out += "int_array:{";
    for (size_t i = 0; i < values.size() && out.size() < kTextBytesMax; ++i) {
      out += (i == 0 ? "value:" : " value:") + std::to_string(values[i]);
    }
    out += "}";
  }
  void operator()(const Timestamp& value) const {
    out += "timestamp:{nanos:" + std::to_string(value.nanos) + "}";
  }
};

std::string_view LogicalOpName(LogicalOp op) {
  switch (op) {
    case LogicalOp::kAnd:
      return "LOGICAL_OP_AND";
    case LogicalOp::kOr:
      return "LOGICAL_OP_OR";
    case LogicalOp::kUnspecified:
      break;
  }
  return "LOGICAL_OP_UNSPECIFIED";
}

void AppendCriteria(std::string& out, const Criteria& criteria) {
  if (out.size() > kTextBytesMax) return;
  if (criteria.condition.has_value()) {
    out += "condition:{" + ToText(*criteria.condition) + "}";
  } else if (criteria.expression.has_value()) {
    out += "le:{op:";
    out += LogicalOpName(criteria.expression->op);
    if (criteria.expression->left != nullptr) {
      out += " left:{";
      AppendCriteria(out, *criteria.expression->left);
      out += "}";
    }
    if (criteria.expression->right != nullptr) {
      out += " right:{";
      AppendCriteria(out, *criteria.expression->right);
      out += "}";
    }
    out += "}";
  }
}

}  // namespace

std::string_view ConditionOpName(ConditionOp op) {
  switch (op) {
    case ConditionOp::kEq:
      return "BINARY_OP_EQ";
    case ConditionOp::kNe:
      return "BINARY_OP_NE";
    case ConditionOp::kLt:
      return "BINARY_OP_LT";
    case ConditionOp::kGt:
      return "BINARY_OP_GT";
    case ConditionOp::kLe:
      return "BINARY_OP_LE";
    case ConditionOp::kGe:
      return "BINARY_OP_GE";
    case ConditionOp::kHaving:
      return "BINARY_OP_HAVING";
    case ConditionOp::kNotHaving:
      return "BINARY_OP_NOT_HAVING";
    case ConditionOp::kIn:
      return "BINARY_OP_IN";
    case ConditionOp::kNotIn:
      return "BINARY_OP_NOT_IN";
    case ConditionOp::kMatch:
      return "BINARY_OP_MATCH";
    case ConditionOp::kUnspecified:
      break;
  }
  return "BINARY_OP_UNSPECIFIED";
}

std::string ToText(const Condition& condition) {
  std::string out = "name:";
  AppendQuoted(out, condition.tag);
  out += " op:";
  out += ConditionOpName(condition.op);
  if (condition.value.has_value()) {
    out += " value:{";
    std::visit(ValueAppender{out}, *condition.value);
    out += "}";
  }
  return out;
}

std::string ToText(const Criteria& criteria) {
  std::string out;
  AppendCriteria(out, criteria);
  if (out.size() > kTextBytesMax) {
    out.resize(kTextBytesMax);
    out += "...";
  }
  return out;
}

}  // namespace ficus
