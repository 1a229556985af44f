#include "engine/part/footer_json.h"

#include <utility>

#include <boost/json/parse.hpp>

#include "engine/base/id.h"
#include "engine/part/section_file.h"

namespace ficus {

Result<boost::json::object> ParseFooterJson(std::string_view json) {
  if (json.size() > kFooterJsonBytesMax) return Error{ErrorCode::kCorruption, "JSON: too long"};
  boost::json::parse_options options;
  options.max_depth = 4;
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(json, error, {}, options);
  if (error) return Error{ErrorCode::kCorruption, "JSON: " + error.message()};
  if (!value.is_object()) return Error{ErrorCode::kCorruption, "JSON: not an object"};
  return std::move(value.get_object());
}

const boost::json::value* JsonMembers::Find(std::string_view name) const {
  return object_->if_contains(name);
}

void JsonMembers::Refuse(std::string_view name) {
  if (refused_.empty()) refused_ = name;
}

uint64_t JsonMembers::Uint(std::string_view name) {
  const boost::json::value* value = Find(name);
  if (value != nullptr && value->is_uint64()) return value->get_uint64();
  if (value != nullptr && value->is_int64() && value->get_int64() >= 0) {
    return static_cast<uint64_t>(value->get_int64());
  }
  Refuse(name);
  return 0;
}

int64_t JsonMembers::Int(std::string_view name) {
  const boost::json::value* value = Find(name);
  if (value != nullptr && value->is_int64()) return value->get_int64();
  Refuse(name);
  return 0;
}

bool JsonMembers::Bool(std::string_view name) {
  const boost::json::value* value = Find(name);
  if (value != nullptr && value->is_bool()) return value->get_bool();
  Refuse(name);
  return false;
}

uint64_t JsonMembers::Hex(std::string_view name) {
  const boost::json::value* value = Find(name);
  uint64_t number = 0;
  if (value != nullptr && value->is_string() && ParseHex16(value->get_string(), number)) {
    return number;
  }
  Refuse(name);
  return 0;
}

Result<> JsonMembers::result() const {
  if (refused_.empty()) return Ok();
  return Error{ErrorCode::kCorruption, "JSON: member \"" + refused_ + "\" is missing or wrong"};
}

}  // namespace ficus
